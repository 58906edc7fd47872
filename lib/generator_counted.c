/* SPDX-License-Identifier: MIT */
/* What counter-based streams have in common: numbers made from their words, and fills by several threads. */
#include "generator.h"
#include "host/pool.h"
#include "law.h"

/* A float32 draw of at least PARALLEL_LEAST elements is worth more than one thread. Each takes a piece after the other, so that
 * one that comes late or is kept waiting does less. */
enum { PARALLEL_LEAST = 1 << 20, PIECE = 1 << 16 };

struct parallel {
    fill_counted *fill;
    uint64_t seed, draw;
    float *x;
    int64_t count;
    float a, b;
    atomic_llong next; /* the first element that nobody has taken */
};

static void fill_pieces(void *argument, int thread) {
    struct parallel *p = argument;
    (void)thread;
    for (int64_t first; (first = atomic_fetch_add(&p->next, PIECE)) < p->count;) {
        const int64_t left = p->count - first;
        p->fill(p->seed, p->draw, first, p->x + first, left < PIECE ? left : PIECE, p->a, p->b);
    }
}

/* Threads live for one draw: making them takes some 50 us, and a large draw 10 ms. */
void counted_fill(const nninit_generator *g, fill_counted *fill, uint64_t seed, uint64_t draw, float *x, int64_t count, float a,
                  float b) {
    nninit_context *context = g->object.context;
    struct parallel p = {fill, seed, draw, x, count, a, b, 0};
    const struct host host = {.context = context, .alloc = mem_alloc, .free = mem_free, .fail = context_fail, .threads = context->threads};
    struct pool *pool = NULL;
    const int threads = count < PARALLEL_LEAST ? 1 : context->threads ? context->threads : cpus_usable("");
    if (threads < 2 || pool_create(&pool, &host, threads) < 0) { /* without memory for threads: slower, and no failure */
        fill_pieces(&p, 0);
        return;
    }
    pool_run(pool, pool_threads(pool), fill_pieces, &p);
    pool_destroy(pool);
}

static uint64_t word64(nninit_generator *g, int64_t i) {
    const uint64_t upper = g->counted->word(g, 2 * (uint64_t)i);
    return upper << 32 | g->counted->word(g, 2 * (uint64_t)i + 1);
}

static float unit24(nninit_generator *g, int64_t i) {
    return law_unit(g->counted->word(g, (uint64_t)i));
}

double counted_unit53(nninit_generator *g, int64_t i) {
    return (double)(word64(g, i) >> 11) * 0x1p-53;
}

void counted_unit(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count) {
    g->counted->begin(g);
    for (int64_t i = 0; i < count; i++)
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = unit24(g, i);
        else
            ((double *)values)[i] = counted_unit53(g, i);
}

void counted_random(nninit_generator *g, int64_t *values, int64_t count) {
    g->counted->begin(g);
    for (int64_t i = 0; i < count; i++)
        values[i] = (int64_t)(word64(g, i) >> 1);
}

void counted_randint(nninit_generator *g, int64_t *values, int64_t count, int64_t low, uint64_t range) {
    g->counted->begin(g);
    for (int64_t i = 0; i < count; i++) {
        const uint64_t word = range <= g->counted->one_word ? g->counted->word(g, (uint64_t)i) : word64(g, i);
        values[i] = (int64_t)((uint64_t)low + word % range);
    }
}

void counted_bernoulli(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double p) {
    g->counted->begin(g);
    for (int64_t i = 0; i < count; i++) {
        const bool one = counted_unit53(g, i) < p;
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = one;
        else
            ((double *)values)[i] = one;
    }
}

void counted_bernoulli_each(nninit_generator *g, nninit_dtype dtype, void *values, const void *p, int64_t count) {
    g->counted->begin(g);
    for (int64_t i = 0; i < count; i++)
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = unit24(g, i) < ((const float *)p)[i];
        else
            ((double *)values)[i] = counted_unit53(g, i) < ((const double *)p)[i];
}

/* As randperm, with word i for place i. */
void counted_permutation(nninit_generator *g, int64_t *order, int64_t n) {
    g->counted->begin(g);
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = 0; i + 1 < n; i++) {
        const int64_t other = i + (int64_t)(g->counted->word(g, (uint64_t)i) % (uint64_t)(n - i)), value = order[i];
        order[i] = order[other];
        order[other] = value;
    }
}
