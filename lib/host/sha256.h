/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4). */
#ifndef NNINIT_LIB_HOST_SHA256_H
#define NNINIT_LIB_HOST_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t size; /* bytes so far */
    unsigned char block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *data, size_t size);
/* Lower-case text and its final zero, 65 bytes. */
void sha256_finish(struct sha256 *sha, char *hex);

#endif
