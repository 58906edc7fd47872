/* SPDX-License-Identifier: MIT */
/* The products of one training step of a multilayer perceptron, by one BLAS library: what a step cannot be faster than
 * while it computes densely with that library. Forward x W^T, dW = dy^T x, and dX = dy W but for the first layer; W is
 * [out, in] as in PyTorch. Prints the seconds of each product as JSON.
 *
 * usage: bench_floor LIBRARY MODE SECONDS BATCH WIDTH...
 *   LIBRARY  path of a shared library with cblas_sgemm or dnnl_sgemm; its own environment chooses kernels and threads
 *   MODE     alone    one call a product, on one thread
 *            whole    one call a product, on the library's threads
 *            rows     two threads of ours, each a call on half of the rows of the result
 *            columns  the same with halves of its columns
 *   SECONDS  how long to measure: step after step, so that caches hold what they hold in training */
#include "seconds.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_LAYERS = 8, MAX_PRODUCTS = 3 * MAX_LAYERS, MAX_SAMPLES = 2000, MIN_SAMPLES = 3 };
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 }; /* of cblas.h */

typedef void (*cblas_fn)(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a, int lda,
                         const float *b, int ldb, float beta, float *c, int ldc);
typedef int (*dnnl_fn)(char transa, char transb, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                       int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

static cblas_fn cblas;
static dnnl_fn dnnl;

/* c[m, n] = op(a) op(b); all row-major and dense. */
struct product {
    char name[16];
    bool transa, transb;
    int m, n, k, lda, ldb, ldc;
    const float *a, *b;
    float *c;
    clockid_t clock;
    double clock_cost;
    int count;
    double seconds[MAX_SAMPLES];
};

static struct product products[MAX_PRODUCTS];
static int product_count;

static void die(const char *what) {
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

static void load(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        die(dlerror());
    *(void **)&cblas = dlsym(library, "cblas_sgemm");
    *(void **)&dnnl = dlsym(library, "dnnl_sgemm");
    if (!cblas && !dnnl)
        die("the library has neither cblas_sgemm nor dnnl_sgemm");
}

static void call(const struct product *p) {
    if (cblas)
        cblas(ROW_MAJOR, p->transa ? TRANSPOSE : NO_TRANSPOSE, p->transb ? TRANSPOSE : NO_TRANSPOSE, p->m, p->n, p->k,
              1, p->a, p->lda, p->b, p->ldb, 0, p->c, p->ldc);
    else
        dnnl(p->transa ? 'T' : 'N', p->transb ? 'T' : 'N', p->m, p->n, p->k, 1, p->a, p->lda, p->b, p->ldb, 0, p->c,
             p->ldc);
}

/* One half of a product. The first half of the columns ends at a cache line. */
static void call_half(const struct product *p, bool columns, int half) {
    struct product part = *p;
    if (columns) {
        int even = (p->n / 2 + 15) / 16 * 16, middle = even < p->n ? even : p->n, first = half ? middle : 0;
        part.n = half ? p->n - middle : middle;
        part.b += (ptrdiff_t)first * (p->transb ? p->ldb : 1);
        part.c += first;
    } else {
        int middle = (p->m + 1) / 2, first = half ? middle : 0;
        part.m = half ? p->m - middle : middle;
        part.a += (ptrdiff_t)first * (p->transa ? 1 : p->lda);
        part.c += (ptrdiff_t)first * p->ldc;
    }
    if (part.m > 0 && part.n > 0)
        call(&part);
}

/* The second thread of the modes rows and columns. Both spin, as the waits are short. */
static struct {
    bool used, columns;
    const struct product *product;
    _Alignas(64) atomic_int asked;
    _Alignas(64) atomic_int done;
} helper;

static void wait_for(atomic_int *at, int value) {
    for (int spins = 0; atomic_load_explicit(at, memory_order_acquire) != value; spins++)
        if (spins > 20000)
            sched_yield();
}

static void *help(void *unused) {
    for (int turn = 1;; turn++) {
        wait_for(&helper.asked, turn);
        if (!helper.product)
            return unused;
        call_half(helper.product, helper.columns, 1);
        atomic_store_explicit(&helper.done, turn, memory_order_release);
    }
}

static void ask(const struct product *p) {
    helper.product = p;
    atomic_fetch_add_explicit(&helper.asked, 1, memory_order_release);
}

static void compute(const struct product *p) {
    if (!helper.used) {
        call(p);
        return;
    }
    ask(p);
    call_half(p, helper.columns, 0);
    wait_for(&helper.done, helper.asked);
}

/* Values of order 1 / sqrt(scale), so that nothing grows from layer to layer. */
static float *array(size_t rows, size_t columns, double scale) {
    static uint32_t state = 777;
    float *x = aligned_alloc(64, (rows * columns * sizeof *x + 63) / 64 * 64);
    if (!x)
        die("out of memory");
    for (size_t i = 0; i < rows * columns; i++) {
        state = state * 1664525 + 1013904223;
        x[i] = (float)(((double)state / 2147483648.0 - 1) / sqrt(scale));
    }
    return x;
}

static void add(const char *what, int layer, bool transa, bool transb, int m, int n, int k, const float *a,
                const float *b, float *c) {
    struct product *p = &products[product_count++];
    snprintf(p->name, sizeof p->name, "%s %d", what, layer);
    p->transa = transa, p->transb = transb;
    p->m = m, p->n = n, p->k = k;
    p->lda = transa ? m : k, p->ldb = transb ? k : n, p->ldc = n;
    p->a = a, p->b = b, p->c = c;
}

/* In the order of a training step. */
static void add_products(int batch, const int *widths, int layers) {
    float *x[MAX_LAYERS + 1], *dy[MAX_LAYERS + 1], *w[MAX_LAYERS];
    for (int l = 0; l <= layers; l++) {
        x[l] = array((size_t)batch, (size_t)widths[l], 1);
        dy[l] = array((size_t)batch, (size_t)widths[l], 1);
    }
    for (int l = 0; l < layers; l++) {
        w[l] = array((size_t)widths[l + 1], (size_t)widths[l], widths[l]);
        add("forward", l, false, true, batch, widths[l + 1], widths[l], x[l], w[l], x[l + 1]);
    }
    for (int l = layers - 1; l >= 0; l--) {
        int in = widths[l], out = widths[l + 1];
        if (l > 0)
            add("dX", l, false, false, batch, in, out, dy[l + 1], w[l], dy[l]);
        add("dW", l, true, false, out, in, batch, dy[l + 1], x[l], array((size_t)out, (size_t)in, 1));
    }
}

/* What reading a clock adds to a time, typically. */
static double clock_cost(clockid_t clock) {
    enum { COUNT = 1001 };
    double took[COUNT];
    for (int i = 0; i < COUNT; i++) {
        double start = seconds_by(clock);
        took[i] = seconds_by(clock) - start;
    }
    qsort(took, COUNT, sizeof *took, seconds_compare);
    return took[COUNT / 2];
}

/* One thread is timed by its CPU time, which other processes disturb less. But that clock is slow to read, and what
 * takes some microseconds only is seldom disturbed. */
static void choose_clocks(bool alone) {
    double cpu_cost = clock_cost(CLOCK_THREAD_CPUTIME_ID), cost = clock_cost(CLOCK_MONOTONIC);
    for (int i = 0; i < product_count; i++) {
        struct product *p = &products[i];
        compute(p);
        double start = seconds_now();
        compute(p);
        bool cpu = alone && seconds_now() - start > 5e-5;
        p->clock = cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
        p->clock_cost = cpu ? cpu_cost : cost;
    }
}

static void measure(double budget) {
    double start = seconds_now();
    for (int step = 0; step < MIN_SAMPLES || (step < MAX_SAMPLES && seconds_now() - start < budget); step++)
        for (int i = 0; i < product_count; i++) {
            struct product *p = &products[i];
            double before = seconds_by(p->clock);
            compute(p);
            p->seconds[p->count++] = seconds_by(p->clock) - before - p->clock_cost;
        }
}

/* Some elements of every result against sums in double: a library that computes something else is no floor. */
static void check(const struct product *p) {
    for (int i = 0; i < 64; i++) {
        int row = (int)((int64_t)i * 7919 % p->m), column = (int)((int64_t)i * 104729 % p->n);
        double sum = 0, size = 0;
        for (int k = 0; k < p->k; k++) {
            double a = p->transa ? p->a[(size_t)k * p->lda + row] : p->a[(size_t)row * p->lda + k];
            double b = p->transb ? p->b[(size_t)column * p->ldb + k] : p->b[(size_t)k * p->ldb + column];
            sum += a * b;
            size += fabs(a * b);
        }
        if (!(fabs(p->c[(size_t)row * p->ldc + column] - sum) <= 1e-5 * size))
            die("the library computes something else");
    }
}

static void print(void) {
    printf("[");
    for (int i = 0; i < product_count; i++) {
        struct product *p = &products[i];
        qsort(p->seconds, (size_t)p->count, sizeof *p->seconds, seconds_compare);
        printf("%s{\"name\": \"%s\", \"m\": %d, \"n\": %d, \"k\": %d, ", i ? ", " : "", p->name, p->m, p->n, p->k);
        printf("\"median\": %.4g, \"least\": %.4g, \"most\": %.4g}", p->seconds[p->count / 2], p->seconds[0],
               p->seconds[p->count - 1]);
    }
    printf("]\n");
}

int main(int argc, char **argv) {
    int widths[MAX_LAYERS + 1], layers = argc - 6;
    if (layers < 1 || layers > MAX_LAYERS)
        die("usage: bench_floor LIBRARY alone|whole|rows|columns SECONDS BATCH WIDTH WIDTH...");
    for (int i = 0; i <= layers; i++)
        widths[i] = atoi(argv[5 + i]);
    load(argv[1]);
    helper.columns = strcmp(argv[2], "columns") == 0;
    helper.used = helper.columns || strcmp(argv[2], "rows") == 0;
    pthread_t thread;
    if (helper.used && pthread_create(&thread, NULL, help, NULL) != 0)
        die("no second thread");
    add_products(atoi(argv[4]), widths, layers);
    choose_clocks(strcmp(argv[2], "alone") == 0);
    measure(atof(argv[3]));
    for (int i = 0; i < product_count; i++)
        check(&products[i]);
    print();
    if (helper.used) {
        ask(NULL);
        pthread_join(thread, NULL);
    }
    return 0;
}
