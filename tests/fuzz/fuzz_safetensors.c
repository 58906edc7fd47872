/* SPDX-License-Identifier: MIT */
/* The safetensors parser on any bytes: clang -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE
 * tests/fuzz/fuzz_safetensors.c lib/safetensors_parse.c -Ilib -Iinclude */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Whatever is accepted covers the bytes behind the header once, under names in order. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct state_item items[CAPACITY];
    char problem[SAFETENSORS_PROBLEM];
    int count;
    if (!safetensors_parse(bytes, size, items, CAPACITY, &count, problem)) {
        if (memchr(problem, 0, sizeof problem) == NULL)
            abort();
        return 0;
    }
    size_t used = 0;
    volatile unsigned sum = 0; /* so that no read is left out */
    for (int i = 0; i < count && count <= CAPACITY; i++) {
        const uint8_t *data = items[i].data;
        if (data < bytes + 8 || items[i].size > (size_t)(bytes + size - data) || items[i].rank > NNINIT_MAX_RANK)
            abort();
        if (i > 0 && strcmp(items[i - 1].name, items[i].name) >= 0)
            abort();
        for (size_t k = 0; k < items[i].size; k++)
            sum = sum + data[k];
        used += items[i].size;
    }
    if (used > size - 8)
        abort();
    return 0;
}
