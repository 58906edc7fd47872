/* SPDX-License-Identifier: MIT */
/* The NumPy parser on any bytes: clang -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE tests/fuzz/fuzz_npy.c lib/npy.c
 * -Ilib -Iinclude */
#include "npy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Whatever is accepted has as many elements behind its header as its shape says. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct npy npy;
    volatile unsigned sum = 0; /* so that no read is left out */
    if (npy_parse(&npy, bytes, size) || !npy.dtype)
        return 0;
    size_t used = (size_t)npy.count * (npy.dtype == NNINIT_FLOAT32 ? 4 : 8);
    if (npy.rank > NNINIT_MAX_RANK || npy.data < bytes + 10 || npy.data + used != bytes + size)
        abort();
    for (size_t i = 0; i < used; i++)
        sum = sum + npy.data[i];
    return 0;
}
