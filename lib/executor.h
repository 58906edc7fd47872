/* SPDX-License-Identifier: MIT */
/* The contract between programs and those who run them. An executor knows nothing of the modules above program.h;
 * arguments and shapes have been checked before it is called. It computes docs/numerics.md to the bit. */
#ifndef NNINIT_LIB_EXECUTOR_H
#define NNINIT_LIB_EXECUTOR_H

#include "program.h"

/* Raised whenever this file or program.h changes in a way that a module compiled against the old ones cannot bear. */
enum { EXECUTOR_ABI = 4 };

/* How products may be computed. The others are for the cuda executor: a vendor's library, whose bits differ. */
enum math { MATH_EXACT, MATH_FAST, MATH_TF32 };

/* Everything an executor may use of the library, and what was asked of it. */
struct host {
    nninit_context *context;
    void *(*alloc)(nninit_context *, size_t); /* zeroed, aligned to 64; NULL after setting the message */
    void (*free)(nninit_context *, void *);
    nninit_status (*fail)(nninit_context *, nninit_status, const char *format, ...);
    int threads; /* as asked for; 0: as many as the process may use */
    int device;  /* its number */
    enum math math;
};

struct exec;
struct memory;

struct tensor_shape {
    int64_t rows, cols; /* a weight is [out, in], a bias [out, 1] */
};

struct executor {
    uint32_t abi;
    size_t size; /* of this table */
    const char *name;
    bool has[KIND_COUNT]; /* basic kinds: all */
    int64_t steps;        /* that it is best given at once */

    nninit_status (*open)(struct device **out, const struct host *host);
    void (*close)(struct device *device);
    const char *(*describe)(const struct device *device);

    /* Tensors that live as long as a model, in the executor's own layout; zeroed. */
    nninit_status (*memory_create)(struct memory **out, struct device *device, const struct tensor_shape *tensors,
                                   int count);
    void (*memory_destroy)(struct memory *memory);
    nninit_status (*memory_read)(const struct memory *memory, int tensor, float *values); /* row-major */
    nninit_status (*memory_write)(struct memory *memory, int tensor, const float *values);

    /* Make a program ready to run, again and again, without allocating. The program may be freed afterwards; the memories,
     * one for each arena that the program uses, must outlive what was prepared. */
    nninit_status (*prepare)(struct exec **out, struct device *device, const struct program *program,
                             struct memory *const memories[ARENA_COUNT]);
    void (*release)(struct exec *exec);

    /* What a PLACE_DATA value stands for from now on. `identity`: of a data set, whose rows never change, so that a device
     * may keep a copy by that number and the address; 0: it is read in every run. */
    nninit_status (*bind)(struct exec *exec, int value, const void *data, int64_t rows, uint64_t identity);
    /* Rows first … first + count - 1 of a slot's table, each [cols]. */
    nninit_status (*slot_write)(struct exec *exec, int value, int64_t first, int64_t count, const void *rows);
    nninit_status (*slot_read)(const struct exec *exec, int value, int64_t first, int64_t count, void *rows);
    nninit_status (*buffer_read)(const struct exec *exec, int value, void *rows); /* [rows, cols], of a state too */
    nninit_status (*state_write)(struct exec *exec, int value, const void *rows);

    /* Run the nodes of `phases` once for each of the table rows first … first + count - 1. What the row after them names may be
     * fetched ahead. To change the phases from run to run may cost time. *done: steps that were run, also where a run fails;
     * fewer than count with NNINIT_ERR_NUMERIC, the last of them being the one whose MEAN is not finite. */
    nninit_status (*run)(struct exec *exec, unsigned phases, int64_t first, int64_t count, int64_t *done);
};

extern const struct executor ref_executor, cpu_executor;

/* What a module's one symbol, nninit_module_entry(), returns. */
struct module {
    uint32_t abi;
    size_t size;         /* of struct executor */
    const char *version; /* of the library that it was built with */
    const struct executor *exact, *fast;
};

typedef const struct module *(*module_entry)(void);
#define MODULE_ENTRY "nninit_module_entry"

/* Table rows of a program over batches of so many rows: the executor's steps, fewer where batches are large. */
int64_t executor_steps(const struct executor *executor, int64_t rows);

/* An executor's memory with claims: tensors of several programs, parameters and optimizers share it. */
struct arena {
    nninit_context *context;
    struct memory *memory;
    int claims;
};

nninit_status arena_create(struct arena **out, nninit_context *context, const struct tensor_shape *tensors, int count);
struct arena *arena_claim(struct arena *arena); /* accepts NULL */
void arena_drop(struct arena *arena);           /* accepts NULL */
nninit_status arena_read(const struct arena *arena, int tensor, float *values);
nninit_status arena_write(struct arena *arena, int tensor, const float *values);

#endif
