/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_REF_H
#define NNINIT_LIB_REF_H

#include "../host/exec.h"

/* One node, whole, at one step. */
typedef void (*ref_kernel)(const struct task *task, int64_t step);
extern const ref_kernel ref_kernels[BASIC_KIND_COUNT];

#endif
