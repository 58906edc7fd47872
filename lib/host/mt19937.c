/* SPDX-License-Identifier: MIT */
#include "mt19937.h"

enum { MIDDLE = 397 };

void mt19937_seed(struct mt19937 *mt, uint64_t seed) {
    mt->seed = seed;
    mt->word[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < MT19937_WORDS; i++)
        mt->word[i] = 1812433253u * (mt->word[i - 1] ^ (mt->word[i - 1] >> 30)) + i;
    mt->next = MT19937_WORDS;
    mt->fresh = true;
}

static uint32_t twist(uint32_t upper, uint32_t lower) {
    uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return (y >> 1) ^ (lower & 1 ? 0x9908b0dfu : 0);
}

void mt19937_block(struct mt19937 *mt) {
    uint32_t *w = mt->word;
    for (int i = 0; i < MT19937_WORDS - MIDDLE; i++)
        w[i] = w[i + MIDDLE] ^ twist(w[i], w[i + 1]);
    for (int i = MT19937_WORDS - MIDDLE; i < MT19937_WORDS - 1; i++)
        w[i] = w[i + MIDDLE - MT19937_WORDS] ^ twist(w[i], w[i + 1]);
    w[MT19937_WORDS - 1] = w[MIDDLE - 1] ^ twist(w[MT19937_WORDS - 1], w[0]);
    mt->next = 0;
    mt->fresh = false;
}

void host_randperm(struct mt19937 *mt, int64_t *order, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = 0; i + 1 < n; i++) {
        int64_t other = i + (int64_t)(mt19937_draw(mt) % (uint64_t)(n - i)), value = order[i];
        order[i] = order[other];
        order[other] = value;
    }
}
