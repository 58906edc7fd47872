/* SPDX-License-Identifier: MIT */
#include "mt19937.h"

void mt19937_seed(struct mt19937 *mt, uint64_t seed) {
    mt->seed = seed;
    mt->word[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < MT19937_WORDS; i++)
        mt->word[i] = 1812433253u * (mt->word[i - 1] ^ (mt->word[i - 1] >> 30)) + i;
    mt->next = MT19937_WORDS;
    mt->fresh = true;
}

void mt19937_block(struct mt19937 *mt) {
    mt19937_twist(mt);
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
