/* SPDX-License-Identifier: MIT */
/* MT19937 of Matsumoto & Nishimura (ACM TOMACS 1998), with the seeding of its authors' 2002 revision. */
#ifndef NNINIT_LIB_HOST_MT19937_H
#define NNINIT_LIB_HOST_MT19937_H

#include <stdbool.h>
#include <stdint.h>

enum { MT19937_WORDS = 624 };

struct mt19937 {
    uint64_t seed;
    uint32_t word[MT19937_WORDS];
    int next; /* word to give next; MT19937_WORDS: a new block is due */
    bool fresh; /* seeded, and nothing drawn since */
};

/* Only the low 32 bits of the seed matter, as in PyTorch. */
void mt19937_seed(struct mt19937 *mt, uint64_t seed);
void mt19937_block(struct mt19937 *mt);

static inline uint32_t mt19937_mix(uint32_t upper, uint32_t lower) {
    uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return (y >> 1) ^ (-(lower & 1) & 0x9908b0dfu);
}

/* A new block, for kernels to inline. No word depends on one less than 227 places before: both loops vectorize. */
static inline void mt19937_twist(struct mt19937 *mt) {
    enum { N = MT19937_WORDS, M = 397 };
    uint32_t *w = mt->word;
    for (int i = 0; i < N - M; i++)
        w[i] = w[i + M] ^ mt19937_mix(w[i], w[i + 1]);
    for (int i = N - M; i < N - 1; i++)
        w[i] = w[i + M - N] ^ mt19937_mix(w[i], w[i + 1]);
    w[N - 1] = w[M - 1] ^ mt19937_mix(w[N - 1], w[0]);
    mt->next = 0;
    mt->fresh = false;
}

static inline uint32_t mt19937_temper(uint32_t y) {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static inline uint32_t mt19937_draw(struct mt19937 *mt) {
    if (mt->next >= MT19937_WORDS)
        mt19937_block(mt);
    return mt19937_temper(mt->word[mt->next++]);
}

static inline uint64_t mt19937_draw64(struct mt19937 *mt) {
    uint64_t high = mt19937_draw(mt);
    return high << 32 | mt19937_draw(mt);
}

/* torch.randperm(n): n - 1 words. */
void host_randperm(struct mt19937 *mt, int64_t *order, int64_t n);

#endif
