/* SPDX-License-Identifier: MIT */
/* How tests control the emulated CUDA runtime. Nothing here counts as a call of the runtime. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the machine has. Tests write into it; EMULATOR_DEVICES, EMULATOR_DRIVER, EMULATOR_CAPABILITY and
 * EMULATOR_MULTIPROCESSORS in the environment are where a process begins. */
struct emulated_machine {
    int devices;                   /* 1 */
    int driver;                    /* 13000; 0: no driver */
    int capability;                /* 90 is 9.0 */
    int multiprocessors;           /* 132 */
    size_t memory;                 /* of each device: 8 GiB */
    cudaError_t device_status;     /* other than cudaSuccess: of every call that needs a device, as cudaGetDeviceCount */
    cudaError_t attributes_status; /* of cudaFuncGetAttributes, as where no machine code fits */
};
struct emulated_machine *emulator_machine(void);

/* The nth call of the runtime from now on (1: the next) returns the error and does nothing, except that what it would
 * release it releases, and a capture that it would end it ends: CUDA's report errors of earlier work as well. Launches
 * count as calls; their error appears in cudaGetLastError. Errors 214 and 700 to 720 stay: every later call returns
 * them. n = 0: none. */
void emulator_fail(long n, cudaError_t error);

/* The name of the call that emulator_fail() let fail; NULL: it has not come to it. */
const char *emulator_failed(void);

/* A new process: no errors, no counts, the machine of the environment, and all that was alive is released. */
void emulator_reset(void);

/* Calls of the runtime since the start or emulator_reset(). */
long emulator_calls(void);

struct emulated_counts {
    long launches;           /* kernels and graphs that the host launched, without those that it captured */
    long graph_launches;     /* of which graphs */
    long kernels;            /* kernels that ran, those of graphs included */
    size_t bytes_to_device;  /* copied from host memory */
    size_t bytes_to_host;    /* copied from device memory */
};
struct emulated_counts emulator_counts(void);

struct emulated_live {
    int device_blocks, host_blocks; /* of cudaMalloc, cudaMallocHost */
    int streams, graphs, execs;
    size_t device_bytes;
};
struct emulated_live emulator_live(void);

#ifdef __cplusplus
}
#endif

#endif
