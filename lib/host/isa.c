/* SPDX-License-Identifier: MIT */
#include "isa.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *isa_name(enum isa isa) {
    static const char *const names[ISA_COUNT] = {"avx512", "avx2", "neon", "c"};
    return names[isa];
}

static bool runs(enum isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case ISA_AVX512: return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
    case ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#elif defined(__aarch64__)
    case ISA_NEON: return true;
#endif
    case ISA_C: return true;
    default: return false;
    }
}

enum isa isa_choose(void) {
    const char *forced = secure_getenv("NNINIT_CPU");
    bool any = !forced || !*forced;
    for (enum isa isa = 0; isa < ISA_COUNT; isa++)
        if ((any || strcmp(forced, isa_name(isa)) == 0) && runs(isa))
            return isa;
    return ISA_COUNT;
}
