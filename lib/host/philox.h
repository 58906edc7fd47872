/* SPDX-License-Identifier: MIT */
/* Philox4x32-10 of Salmon et al. (SC 2011): four words from a counter and a key. */
#ifndef NNINIT_LIB_HOST_PHILOX_H
#define NNINIT_LIB_HOST_PHILOX_H

#include "../law.h"

LAW void philox(uint64_t key, const uint32_t counter[4], uint32_t word[4]) {
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t x = (uint64_t)0xd2511f53 * a, y = (uint64_t)0xcd9e8d57 * c;
        a = (uint32_t)(y >> 32) ^ b ^ k0;
        b = (uint32_t)y;
        c = (uint32_t)(x >> 32) ^ d ^ k1;
        d = (uint32_t)x;
        k0 += 0x9e3779b9;
        k1 += 0xbb67ae85;
    }
    word[0] = a;
    word[1] = b;
    word[2] = c;
    word[3] = d;
}

#endif
