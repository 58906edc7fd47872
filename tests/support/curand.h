/* SPDX-License-Identifier: MIT */
#ifndef CURAND_H
#define CURAND_H

#include "host/philox.h"

/* Word e of cuRAND's stream, as docs/numerics.md has it. */
static inline uint32_t curand_word(uint64_t seed, uint64_t e) {
    const uint64_t q = e / 4, r = q / 65536;
    uint32_t word[4];
    philox(seed, (const uint32_t[]){(uint32_t)r, (uint32_t)(r >> 32), (uint32_t)(q % 65536), 0}, word);
    return word[e % 4];
}

#endif
