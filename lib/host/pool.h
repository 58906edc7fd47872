/* SPDX-License-Identifier: MIT */
/* Threads for whoever computes on the host, and how many there may be. */
#ifndef NNINIT_LIB_HOST_POOL_H
#define NNINIT_LIB_HOST_POOL_H

#include "../executor.h"

#include <time.h>

static inline int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

struct pool;
typedef void (*pool_work)(void *argument, int thread);

/* `threads` of them, the caller's included. */
nninit_status pool_create(struct pool **out, const struct host *host, int threads);
void pool_destroy(struct pool *pool);
int pool_threads(const struct pool *pool);
/* Run work(argument, t) on threads 0 … threads - 1, and return when all have returned. The others sleep on. */
void pool_run(struct pool *pool, int threads, pool_work work, void *argument);
/* Within work: return when all of them have come here. */
void pool_barrier(struct pool *pool);

/* How many CPUs the process may use at once, by its affinity mask and its control groups' quotas; `root`: "" for the
 * machine's own files. */
int cpus_usable(const char *root);

#endif
