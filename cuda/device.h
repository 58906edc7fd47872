/* SPDX-License-Identifier: MIT */
/* The cuda executor's host side: a device, what lies in its memory, and programs made ready for it. */
#ifndef NNINIT_CUDA_DEVICE_H
#define NNINIT_CUDA_DEVICE_H

#include "executor.h"
#include "kernels.h"

#include <sys/types.h>

struct blas;
struct blas_product;

/* A data set's rows, kept for as long as a program is bound to them. */
struct resident {
    struct resident *next;
    uint64_t identity;
    const void *rows; /* on the host */
    struct matrix matrix;
    int claims;
};

struct device {
    struct host host;
    int ordinal;
    int processors; /* that execute blocks */
    pid_t pid;      /* of the process that opened it: a context does not survive a fork */
    bool lost;      /* after an error that no call recovers from */
    cudaStream_t stream;
    struct resident *residents;
    struct blas *blas; /* NULL: exact */
    char description[192];
};

/* device.c */
nninit_status device_open(struct device **out, const struct host *host);
void device_close(struct device *device);
const char *device_describe(const struct device *device);
/* Every use of the runtime lies between these. The current device of a thread is the caller's business: it is put back. */
nninit_status device_enter(struct device *device, int *caller);
void device_leave(int caller);
/* May anything still be freed there? Else what the device had went with it. */
bool device_alive(const struct device *device);
/* NNINIT_OK, or the failure of a call by its name. Between enter and leave. */
nninit_status device_check(struct device *device, cudaError_t error, const char *call);

#define CHECK(device, call) device_check(device, call, #call)

/* memory.c: allocations and copies, between enter and leave. A copy has come to an end when it returns, but for
 * matrix_submit(): there the rows must stay as they are until the stream is waited for. */
int64_t matrix_stride(int64_t cols);
size_t matrix_bytes(int64_t rows, int64_t cols, size_t element); /* 0: more than the device could address */
nninit_status device_alloc(struct device *device, void **out, size_t bytes); /* zeroed */
nninit_status matrix_submit(struct device *device, const struct matrix *to, int64_t first, int64_t count,
                            const void *rows, size_t element);
nninit_status matrix_write(struct device *device, const struct matrix *to, int64_t first, int64_t count,
                           const void *rows, size_t element);
nninit_status matrix_read(struct device *device, const struct matrix *from, int64_t first, int64_t count, void *rows,
                          size_t element);
nninit_status resident_claim(struct resident **out, struct device *device, uint64_t identity, const void *rows,
                             int64_t count, int64_t cols, size_t element);
void resident_drop(struct device *device, struct resident *resident); /* accepts NULL */

nninit_status memory_create(struct memory **out, struct device *device, const struct tensor_shape *tensors, int count);
void memory_destroy(struct memory *memory);
nninit_status memory_read(const struct memory *memory, int tensor, float *values);
nninit_status memory_write(struct memory *memory, int tensor, const float *values);
struct matrix memory_matrix(const struct memory *memory, int tensor);

/* A value of a program, on the device. */
struct operand {
    enum place place;
    enum element element;
    struct matrix matrix;
    struct resident *resident; /* PLACE_DATA with an identity */
    void *staging;             /* PLACE_DATA without: where `host` is copied before every run */
    size_t staging_bytes;
    const void *host; /* NULL: nothing to copy */
};

static inline size_t element_size(enum element element) {
    return element == ELEMENT_U8 ? 1 : 4;
}

/* A launch and the program's nodes that it consists of. */
struct stage {
    struct launch launch;
    struct blas_product *product; /* cuBLASLt's, in the launch's place; NULL: none */
    int node[LAUNCH_TASKS];
};

/* Steps that one graph holds: a launch of it costs the host microseconds, and the last step of each goes on to the next. */
enum { GRAPH_STEPS = 20, GRAPHS = 2 };

struct exec {
    struct device *device;
    struct operand *operands; /* [operand_count] */
    int operand_count;
    struct node *nodes; /* [node_count] */
    int node_count;
    struct stage *stages; /* [stage_count] */
    int stage_count;
    void *block;         /* buffers, states and tables */
    struct clock *clock; /* on the device */
    struct clock *shown; /* on the host, where the device can reach it: before a run, and after it */
    cudaGraphExec_t graph[GRAPHS]; /* of GRAPH_STEPS steps, and of one; NULL: not recorded */
    unsigned phases;               /* that they hold */
};

/* exec.c */
nninit_status exec_prepare(struct exec **out, struct device *device, const struct program *program,
                           struct memory *const memories[ARENA_COUNT]);
void exec_release(struct exec *exec);
nninit_status exec_bind(struct exec *exec, int value, const void *data, int64_t rows, uint64_t identity);
nninit_status exec_slot_write(struct exec *exec, int value, int64_t first, int64_t count, const void *rows);
nninit_status exec_slot_read(const struct exec *exec, int value, int64_t first, int64_t count, void *rows);
nninit_status exec_buffer_read(const struct exec *exec, int value, void *rows);
nninit_status exec_state_write(struct exec *exec, int value, const void *rows);

/* plan.c: nodes become launches, those that do not depend on each other the same one. */
nninit_status plan_stages(struct exec *exec);
/* Nodes that use a value are told where it is now. */
void plan_rebind(struct exec *exec, int value);

/* run.c */
nninit_status exec_run(struct exec *exec, unsigned phases, int64_t first, int64_t count, int64_t *done);
void exec_forget_graphs(struct exec *exec);

/* blas.c: a device whose products are cuBLASLt's. */
nninit_status blas_device_open(struct device **out, const struct host *host);
void blas_device_close(struct device *device);
/* Choose how to compute a product, once; *out stays as it is where cuBLASLt has nothing for it. */
nninit_status blas_plan(struct blas_product **out, struct device *device, const struct task *task);
nninit_status blas_launch(struct device *device, const struct blas_product *product);
void blas_forget(struct device *device, struct blas_product *product); /* accepts NULL */

#endif
