/* SPDX-License-Identifier: MIT */
/* The order in which cuRAND's host API numbers the words of CURAND_RNG_PSEUDO_PHILOX4_32_10. 65,536 sequences, which differ in
 * the counter's third word, give one block of four words each, by turns: a round. Word e is word e % 4 of counter
 * (q / 65536, 0, q % 65536, 0), q = e / 4. Every number that is drawn, a double too, goes on by one word. Doubles of places
 * 2 and 3 of a block have the words of the same sequence's next block, which is why a round with doubles counts as two. */
#include "generator.h"
#include "host/philox.h"

#include <math.h>

enum { SEQUENCES = 65536, ROUND = 4 * SEQUENCES };

static uint32_t word_at(uint64_t seed, uint64_t e) {
    const uint64_t block = e / 4, round = block / SEQUENCES;
    const uint32_t counter[4] = {(uint32_t)round, (uint32_t)(round >> 32), (uint32_t)(block % SEQUENCES), 0};
    uint32_t word[4];
    philox(seed, counter, word);
    return word[e % 4];
}

/* How many of the next count numbers come before a round of doubles ends. */
static int64_t piece(const nninit_generator *g, int64_t count) {
    const int64_t left = ROUND - (int64_t)(g->curand.next % ROUND);
    return g->curand.doubles && count > left ? left : count;
}

static void advance(nninit_generator *g, int64_t count) {
    g->curand.next += (uint64_t)count;
    if (g->curand.doubles && g->curand.next % ROUND == 0) {
        g->curand.next += ROUND;
        g->curand.doubles = false;
    }
}

static void begin(nninit_generator *g) {
    (void)g; /* words go on from call to call */
}

static uint32_t word(nninit_generator *g, uint64_t i) {
    const uint32_t value = word_at(g->curand.seed, g->curand.next);
    (void)i;
    advance(g, 1);
    return value;
}

static void draw_f32(nninit_generator *g, fill_counted *fill, float *x, int64_t count, double a, double b) {
    for (int64_t n; count > 0; count -= n, x += n) {
        n = piece(g, count);
        counted_fill(g, fill, g->curand.seed, g->curand.next, x, n, (float)a, (float)b);
        advance(g, n);
    }
}

/* 53 bits of words e and e + 1, as cuRAND makes them. */
static double bits53(uint64_t seed, uint64_t e) {
    return (double)(word_at(seed, e) ^ (uint64_t)word_at(seed, e + 1) << 21);
}

/* The first word of the block that a double of place e takes its words from. */
static uint64_t double_block(uint64_t e) {
    return e - e % 4 + e % 4 / 2 * ROUND;
}

static double uniform_f64(uint64_t seed, uint64_t e) {
    return bits53(seed, double_block(e) + 2 * (e % 2)) * 0x1p-53 + 0x1p-54;
}

static double normal_f64(uint64_t seed, uint64_t e) {
    const uint64_t block = double_block(e);
    const double radius = sqrt(-2 * log(bits53(seed, block) * 0x1p-53 + 0x1p-54));
    const double angle = (bits53(seed, block + 2) * 0x1p-52 + 0x1p-53) * 3.14159265358979323846;
    return (e % 2 ? cos(angle) : sin(angle)) * radius;
}

static void uniform(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double low, double high) {
    if (dtype == NNINIT_FLOAT32) {
        draw_f32(g, g->fill->curand_uniform, values, count, low, (float)high - (float)low);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        ((double *)values)[i] = fma(uniform_f64(g->curand.seed, g->curand.next), high - low, low);
        g->curand.doubles = true;
        advance(g, 1);
    }
}

static void normal(nninit_generator *g, nninit_dtype dtype, void *values, int64_t count, double mean, double std) {
    if (dtype == NNINIT_FLOAT32) {
        draw_f32(g, g->fill->curand_normal, values, count, mean, std);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        ((double *)values)[i] = normal_f64(g->curand.seed, g->curand.next) * std + mean;
        g->curand.doubles = true;
        advance(g, 1);
    }
}

/* 2^32 different numbers need no second word: curandGenerate. */
const struct counted curand_counted = {begin, word, UINT64_C(1) << 32, uniform, normal};
