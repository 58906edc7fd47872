/* SPDX-License-Identifier: MIT */
/* The counter-based stream: element i of a draw is a function of seed, draw and i. A draw takes the next number s;
 * element i has word i % 4 of counter (i / 4, s), or words 2i and 2i + 1 where it needs 64 bits. */
#include "generator.h"
#include "host/philox.h"
#include "host/pool.h"

#include <math.h>

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
void generator_fill(const nninit_generator *g, fill_counted *fill, uint64_t seed, uint64_t draw, float *x, int64_t count, float a,
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

static uint32_t word_at(uint64_t seed, uint64_t draw, uint64_t i) {
    const uint64_t block = i / 4;
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)draw, (uint32_t)(draw >> 32)};
    uint32_t word[4];
    philox(seed, counter, word);
    return word[i % 4];
}

static uint64_t word64_at(uint64_t seed, uint64_t draw, int64_t i) {
    return (uint64_t)word_at(seed, draw, 2 * (uint64_t)i) << 32 | word_at(seed, draw, 2 * (uint64_t)i + 1);
}

static float uniform24_at(uint64_t seed, uint64_t draw, int64_t i) {
    return (float)(word_at(seed, draw, (uint64_t)i) >> 8) * 0x1p-24f;
}

static double uniform53_at(uint64_t seed, uint64_t draw, int64_t i) {
    return (double)(word64_at(seed, draw, i) >> 11) * 0x1p-53;
}

static void draw_uniform(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double low, double high) {
    const uint64_t draw = g->philox.draw++;
    if (dtype == NNINIT_FLOAT32)
        generator_fill(g, g->fill->philox_uniform, g->philox.seed, draw, values, count, (float)low, (float)high - (float)low);
    else
        for (int64_t i = 0; i < count; i++)
            ((double *)values)[i] = fma(uniform53_at(g->philox.seed, draw, i), high - low, low);
}

/* Box and Muller on neighbours: an even element is the cosine of its pair, an odd one the sine. */
static void normal_f64(uint64_t seed, uint64_t draw, double *x, int64_t count, double mean, double std) {
    for (int64_t i = 0; i < count; i += 2) {
        const double radius = sqrt(-2 * log(1 - uniform53_at(seed, draw, i)));
        const double angle = 2 * 3.14159265358979323846 * uniform53_at(seed, draw, i + 1);
        x[i] = fma(radius * cos(angle), std, mean);
        if (i + 1 < count)
            x[i + 1] = fma(radius * sin(angle), std, mean);
    }
}

static void draw_unit(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count) {
    draw_uniform(g, dtype, values, count, 0, 1);
}

static void draw_normal(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double mean, double std) {
    const uint64_t draw = g->philox.draw++;
    if (dtype == NNINIT_FLOAT32)
        generator_fill(g, g->fill->philox_normal, g->philox.seed, draw, values, count, (float)mean, (float)std);
    else
        normal_f64(g->philox.seed, draw, values, count, mean, std);
}

static void draw_random(nninit_generator *g, int64_t *values, int64_t count) {
    const uint64_t draw = g->philox.draw++;
    for (int64_t i = 0; i < count; i++)
        values[i] = (int64_t)(word64_at(g->philox.seed, draw, i) >> 1);
}

static void draw_randint(nninit_generator *g, int64_t *values, int64_t count, int64_t low, uint64_t range) {
    const uint64_t draw = g->philox.draw++;
    for (int64_t i = 0; i < count; i++) {
        uint64_t word = range >> 32 ? word64_at(g->philox.seed, draw, i) : word_at(g->philox.seed, draw, (uint64_t)i);
        values[i] = (int64_t)((uint64_t)low + word % range);
    }
}

static void draw_bernoulli(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double p) {
    const uint64_t draw = g->philox.draw++;
    for (int64_t i = 0; i < count; i++) {
        const bool one = uniform53_at(g->philox.seed, draw, i) < p;
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = one;
        else
            ((double *)values)[i] = one;
    }
}

static void draw_bernoulli_each(nninit_generator *g, nninit_dtype dtype, void *values, const void *p, int64_t count) {
    const uint64_t draw = g->philox.draw++;
    for (int64_t i = 0; i < count; i++)
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = uniform24_at(g->philox.seed, draw, i) < ((const float *)p)[i];
        else
            ((double *)values)[i] = uniform53_at(g->philox.seed, draw, i) < ((const double *)p)[i];
}

static void draw_permutation(nninit_generator *g, int64_t *order, int64_t n) {
    const uint64_t draw = g->philox.draw++;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = 0; i + 1 < n; i++) {
        int64_t other = i + (int64_t)(word_at(g->philox.seed, draw, (uint64_t)i) % (uint64_t)(n - i)), value = order[i];
        order[i] = order[other];
        order[other] = value;
    }
}

const struct draws philox_draws = {draw_uniform, draw_unit, draw_normal, draw_random, draw_randint, draw_bernoulli,
                                   draw_bernoulli_each, draw_permutation};
