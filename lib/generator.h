/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_GENERATOR_H
#define NNINIT_LIB_GENERATOR_H

#include "host/fill.h"
#include "object.h"

#include <nninit/generator.h>

/* A counter-based stream: its words, and what is not made from them one by one (generator_counted.c). Arguments are checked. */
struct counted {
    void (*begin)(nninit_generator *g); /* a draw */
    uint32_t (*word)(nninit_generator *g, uint64_t i); /* word i of the draw; asked for in ascending order */
    uint64_t one_word; /* the largest range of integers that one word serves, not two */
    void (*uniform)(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double low, double high);
    void (*normal)(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double mean, double std);
};

extern const struct counted philox_counted, curand_counted;

struct nninit_generator {
    struct object object;
    nninit_stream stream;
    const struct counted *counted; /* NULL: PyTorch's streams, in generator.c */
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

/* Are its draws a program's to make? */
static inline bool generator_is_philox(const nninit_generator *generator) {
    return generator && generator->stream == NNINIT_STREAM_PHILOX;
}

/* Does low + u * width round once? */
static inline bool generator_is_fused(const nninit_generator *generator) {
    return generator->stream != NNINIT_STREAM_TORCH_BASE;
}

/* generator_counted.c: draws of counter-based streams. */
void counted_unit(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count);
void counted_random(nninit_generator *g, int64_t *values, int64_t count);
void counted_randint(nninit_generator *g, int64_t *values, int64_t count, int64_t low, uint64_t range);
void counted_bernoulli(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double p);
void counted_bernoulli_each(nninit_generator *g, nninit_dtype dtype, void *values, const void *p, int64_t count);
void counted_permutation(nninit_generator *g, int64_t *order, int64_t n);
/* For the streams themselves: element i in [0, 1) of the draw that began, of 53 bits; */
double counted_unit53(nninit_generator *g, int64_t i);
/* one draw, or a part, in float32; a large one by several threads. */
void counted_fill(const nninit_generator *g, fill_counted *fill, uint64_t seed, uint64_t draw, float *x, int64_t count, float a,
                  float b);

#endif
