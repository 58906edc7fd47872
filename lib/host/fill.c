/* SPDX-License-Identifier: MIT */
#include "fill.h"

#include "isa.h"

const struct fill *fill_choose(void) {
    switch (isa_choose()) {
#if defined(__x86_64__)
    case ISA_AVX512: return &fill_avx512;
    case ISA_AVX2: return &fill_avx2;
#elif defined(__aarch64__)
    case ISA_NEON: return &fill_neon;
#endif
    default: return &fill_c;
    }
}
