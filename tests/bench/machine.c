/* SPDX-License-Identifier: MIT */
/* What this machine can do at most, as JSON: the rate of fused multiply-adds for each instruction set, on one thread
 * and on two; bytes a second of a read-modify-write and the latency of a read; the round trip of a cache line between two CPUs.
 * usage: bench_machine [trip]   (trip: only the last) */
#include "seconds.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Chains enough to hide a latency of 5 cycles on two units, few enough for 16 registers. Empty asm makes the end of
 * each chain needed, and no two turns the same. */
#define CHAINS(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define DECLARE(I) VEC a##I = SET(1.0f / (I + 1));
#define MULTIPLY_ADD(I) a##I = FMA(a##I, factor, term);
#define KEEP(I) __asm__ volatile("" : : REGISTER(a##I));
#define PEAK_LOOP(LANES)                                                                                               \
    VEC factor = SET(0.5f), term = SET(1.0f);                                                                          \
    CHAINS(DECLARE)                                                                                                    \
    for (long i = 0; i < turns; i++) {                                                                                 \
        CHAINS(MULTIPLY_ADD)                                                                                           \
        __asm__ volatile("" : REGISTER_INOUT(a0));                                                                     \
    }                                                                                                                  \
    CHAINS(KEEP)                                                                                                       \
    return 12.0 * 2.0 * (LANES) * (double)turns;

#if defined(__x86_64__)
#define REGISTER "v"
#define REGISTER_INOUT(X) "+v"(X)
#define VEC __m256
#define SET _mm256_set1_ps
#define FMA _mm256_fmadd_ps
__attribute__((target("avx2,fma"))) static double flops_avx2(long turns) {
    PEAK_LOOP(8)
}
#undef VEC
#undef SET
#undef FMA
#define VEC __m512
#define SET _mm512_set1_ps
#define FMA _mm512_fmadd_ps
__attribute__((target("avx512f"))) static double flops_avx512(long turns) {
    PEAK_LOOP(16)
}
#elif defined(__aarch64__)
#define REGISTER "w"
#define REGISTER_INOUT(X) "+w"(X)
#define VEC float32x4_t
#define SET vdupq_n_f32
#define FMA(A, B, C) vfmaq_f32(C, A, B)
static double flops_neon(long turns) {
    PEAK_LOOP(4)
}
#endif

struct peak {
    double (*flops)(long turns);
    double rate;
};

/* The best of some runs of 2 ms or so. */
static void *measure_peak(void *arg) {
    struct peak *peak = arg;
    long turns = 500000;
    for (int i = 0; i < 60; i++) {
        double start = seconds_now(), flops = peak->flops(turns), rate = flops / (seconds_now() - start);
        peak->rate = rate > peak->rate ? rate : peak->rate;
    }
    return NULL;
}

static void print_peak(const char *level, double (*flops)(long)) {
    struct peak alone = {flops, 0}, here = {flops, 0}, there = {flops, 0};
    pthread_t other;
    measure_peak(&alone);
    if (pthread_create(&other, NULL, measure_peak, &there) != 0)
        exit(1);
    measure_peak(&here);
    pthread_join(other, NULL);
    printf("\"%s\": [%.4g, %.4g]", level, alone.rate, here.rate + there.rate);
}

static void print_peaks(void) {
    printf("\"peak\": {");
#if defined(__x86_64__)
    const char *comma = "";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        print_peak("avx2", flops_avx2);
        comma = ", ";
    }
    if (__builtin_cpu_supports("avx512f")) {
        fputs(comma, stdout);
        print_peak("avx512", flops_avx512);
    }
#elif defined(__aarch64__)
    print_peak("neon", flops_neon);
#endif
    printf("}");
}

/* Bytes read plus bytes written, a second, of x = x / 2 + 1 over an array of so many bytes: the best of some passes. */
#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static double update_rate(size_t bytes) {
    size_t count = bytes / sizeof(float);
    float *x = calloc(count, sizeof *x);
    if (!x)
        exit(1);
    double best = 0;
    for (size_t done = 0; done < (size_t)1 << 30 || done < 5 * bytes; done += bytes) {
        double start = seconds_now();
        for (size_t i = 0; i < count; i++)
            x[i] = x[i] * 0.5f + 1.0f;
        __asm__ volatile("" : : "r"(x) : "memory");
        double rate = 2.0 * (double)bytes / (seconds_now() - start);
        best = rate > best ? rate : best;
    }
    free(x);
    return best;
}

/* Seconds of a read of a line at a random place of so many bytes, each of which says where the next one is. */
static double read_latency(size_t bytes) {
    enum { LINE = 64, READS = 1 << 20 };
    const size_t count = bytes / LINE;
    size_t *next = malloc(count * LINE), *order = malloc(count * sizeof *order);
    if (!next || !order)
        exit(1);
    uint64_t random = 777;
    for (size_t i = 0; i < count; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t other = (size_t)(random >> 33) % (i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    for (size_t i = 0; i < count; i++)
        next[order[i] * LINE / sizeof *next] = order[(i + 1) % count] * LINE / sizeof *next;
    size_t at = 0;
    double start = seconds_now();
    for (int i = 0; i < READS; i++)
        at = next[at];
    __asm__ volatile("" : : "r"(at));
    double latency = (seconds_now() - start) / READS;
    free(next);
    free(order);
    return latency;
}

struct ball {
    _Alignas(128) atomic_int turn;
    int trips, cpu;
};

/* Only the two threads of this measurement are bound to a CPU. */
static void stay_on(int cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

static void *return_ball(void *arg) {
    struct ball *ball = arg;
    stay_on(ball->cpu);
    for (int i = 0; i < ball->trips; i++) {
        while (atomic_load_explicit(&ball->turn, memory_order_acquire) != 1)
            ;
        atomic_store_explicit(&ball->turn, 0, memory_order_release);
    }
    return NULL;
}

/* Seconds of a round trip, the best of some runs of 100; 0 with less than two CPUs. */
static double round_trip(void) {
    enum { RUNS = 400, TRIPS = 100 };
    cpu_set_t all;
    int cpus[2], found = 0;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return 0;
    for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
        if (CPU_ISSET(i, &all))
            cpus[found++] = i;
    if (found < 2)
        return 0;
    struct ball ball = {0, RUNS * TRIPS, cpus[1]};
    pthread_t other;
    stay_on(cpus[0]);
    if (pthread_create(&other, NULL, return_ball, &ball) != 0)
        exit(1);
    double best = 1;
    for (int i = 0; i < RUNS; i++) {
        double start = seconds_now();
        for (int trip = 0; trip < TRIPS; trip++) {
            atomic_store_explicit(&ball.turn, 1, memory_order_release);
            while (atomic_load_explicit(&ball.turn, memory_order_acquire) != 0)
                ;
        }
        double took = (seconds_now() - start) / TRIPS;
        best = took < best ? took : best;
    }
    pthread_join(other, NULL);
    pthread_setaffinity_np(pthread_self(), sizeof all, &all);
    return best;
}

int main(int argc, char **argv) {
    static const int megabytes[] = {1, 4, 16, 64, 256};
    if (argc > 1 && strcmp(argv[1], "trip") == 0) {
        printf("{\"round_trip\": %.4g}\n", round_trip());
        return 0;
    }
    printf("{");
    print_peaks();
    printf(", \"round_trip\": %.4g, \"update\": {", round_trip());
    for (size_t i = 0; i < sizeof megabytes / sizeof *megabytes; i++)
        printf("%s\"%d\": %.4g", i ? ", " : "", megabytes[i], update_rate((size_t)megabytes[i] << 20));
    printf("}, \"latency\": {");
    for (size_t i = 0; i < sizeof megabytes / sizeof *megabytes; i++)
        printf("%s\"%d\": %.4g", i ? ", " : "", megabytes[i], read_latency((size_t)megabytes[i] << 20));
    printf("}}\n");
    return 0;
}
