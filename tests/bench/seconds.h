/* SPDX-License-Identifier: MIT */
/* Seconds: by a clock, and in ascending order by qsort(). */
#ifndef BENCH_SECONDS_H
#define BENCH_SECONDS_H

#include <time.h>

static inline double seconds_by(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double seconds_now(void) {
    return seconds_by(CLOCK_MONOTONIC);
}

static inline int seconds_compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#endif
