/* SPDX-License-Identifier: MIT */
/* The instruction sets that kernels are compiled for, each once (lib/meson.build). */
#ifndef NNINIT_LIB_HOST_ISA_H
#define NNINIT_LIB_HOST_ISA_H

/* The best first. */
enum isa { ISA_AVX512, ISA_AVX2, ISA_NEON, ISA_C, ISA_COUNT };

const char *isa_name(enum isa isa);
/* The best one that this processor runs, or the one that NNINIT_CPU names; ISA_COUNT where that does not run. */
enum isa isa_choose(void);

#endif
