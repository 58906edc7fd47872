/* SPDX-License-Identifier: MIT */
/* The counter-based stream: element i of a draw is a function of seed, draw and i. A draw takes the next number s;
 * element i has word i % 4 of counter (i / 4, s), or words 2i and 2i + 1 where it needs 64 bits. */
#include "generator.h"
#include "host/philox.h"

#include <math.h>

static void begin(nninit_generator *g) {
    g->philox.draw++;
}

/* Of the draw that began last. */
static uint32_t word(nninit_generator *g, uint64_t i) {
    const uint64_t block = i / 4, draw = g->philox.draw - 1;
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)draw, (uint32_t)(draw >> 32)};
    uint32_t words[4];
    philox(g->philox.seed, counter, words);
    return words[i % 4];
}

static void uniform(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double low, double high) {
    begin(g);
    if (dtype == NNINIT_FLOAT32)
        counted_fill(g, g->fill->philox_uniform, g->philox.seed, g->philox.draw - 1, values, count, (float)low,
                     (float)high - (float)low);
    else
        for (int64_t i = 0; i < count; i++)
            ((double *)values)[i] = fma(counted_unit53(g, i), high - low, low);
}

/* Box and Muller on neighbours: an even element is the cosine of its pair, an odd one the sine. */
static void normal_f64(nninit_generator *g, double *x, int64_t count, double mean, double std) {
    for (int64_t i = 0; i < count; i += 2) {
        const double radius = sqrt(-2 * log(1 - counted_unit53(g, i)));
        const double angle = 2 * 3.14159265358979323846 * counted_unit53(g, i + 1);
        x[i] = fma(radius * cos(angle), std, mean);
        if (i + 1 < count)
            x[i + 1] = fma(radius * sin(angle), std, mean);
    }
}

static void normal(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double mean, double std) {
    begin(g);
    if (dtype == NNINIT_FLOAT32)
        counted_fill(g, g->fill->philox_normal, g->philox.seed, g->philox.draw - 1, values, count, (float)mean, (float)std);
    else
        normal_f64(g, values, count, mean, std);
}

const struct counted philox_counted = {begin, word, UINT32_MAX, uniform, normal};
