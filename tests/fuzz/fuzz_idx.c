/* SPDX-License-Identifier: MIT */
/* The IDX parser on any bytes:
 * clang -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_idx.c lib/idx.c -Ilib -Iinclude */
#include "idx.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct idx idx;
    if (idx_parse(&idx, bytes, size) != NULL)
        return 0;
    if (idx.header > size || idx.count < 0 || idx.element == 0)
        abort();
    volatile double sum = 0; /* so that no read is left out */
    size_t held = (size - idx.header) / idx.element;
    for (size_t i = 0; i < held && i < (size_t)idx.count; i++)
        sum = sum + idx_element(&idx, bytes + idx.header, (int64_t)i);
    return 0;
}
