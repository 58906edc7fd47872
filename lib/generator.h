/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_GENERATOR_H
#define NNINIT_LIB_GENERATOR_H

#include "host/fill.h"
#include "object.h"

#include <nninit/generator.h>

/* What a counter-based stream draws, with arguments that are checked. */
struct draws {
    void (*uniform)(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double low, double high);
    void (*unit)(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count);
    void (*normal)(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double mean, double std);
    void (*random)(nninit_generator *g, int64_t *values, int64_t count);
    void (*randint)(nninit_generator *g, int64_t *values, int64_t count, int64_t low, uint64_t range);
    void (*bernoulli)(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double p);
    void (*bernoulli_each)(nninit_generator *g, nninit_dtype dtype, void *values, const void *p, int64_t count);
    void (*permutation)(nninit_generator *g, int64_t *order, int64_t n);
};

extern const struct draws philox_draws, curand_draws;

struct nninit_generator {
    struct object object;
    nninit_stream stream;
    const struct draws *draws; /* NULL: PyTorch's streams, in generator.c */
    struct mt19937 mt;
    const struct fill *fill;
    double next_normal; /* the second half of a Box-Muller pair */
    bool has_next_normal;
    /* PyTorch keeps a float one too; nothing on the CPU draws it, but a state that holds one is given back whole. */
    float next_float_normal;
    bool has_next_float_normal;
    struct {
        uint64_t seed, draw; /* the number of the next draw */
    } philox;
    struct {
        uint64_t seed, next; /* the number of the next word */
        bool doubles;        /* were any drawn in this round? (generator_curand.c) */
    } curand;
};

/* Uniforms in [0, 1) of 24 or 53 bits, whatever uniform's bounds are in a stream. */
void generator_unit(nninit_generator *generator, nninit_dtype dtype, void *values, int64_t count);

/* One int64 random_(): two words. */
int64_t generator_random(nninit_generator *generator);
/* randperm(n), n at most INT32_MAX. */
void generator_permutation(nninit_generator *generator, int64_t *order, int64_t n);

/* One draw, or a part, in float32; a large one by several threads. In generator_philox.c. */
void generator_fill(const nninit_generator *g, fill_counted *fill, uint64_t seed, uint64_t draw, float *x, int64_t count, float a,
                    float b);

/* Are its draws a program's to make? */
static inline bool generator_is_philox(const nninit_generator *generator) {
    return generator && generator->stream == NNINIT_STREAM_PHILOX;
}

/* Does low + u * width round once? */
static inline bool generator_is_fused(const nninit_generator *generator) {
    return generator->stream != NNINIT_STREAM_TORCH_BASE;
}

#endif
