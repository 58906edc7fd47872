/* SPDX-License-Identifier: MIT */
/* The floating-point environment of the caller is put aside while the library computes: round to nearest, no flush to
 * zero. In functions of their own file, which the compiler cannot move arithmetic on memory across. It can on parameters:
 * gcc takes (float)x, or a difference that was computed for a check already, from before fpenv_enter(). So pass those
 * through fpenv_opaque() first. */
#ifndef NNINIT_LIB_FPENV_H
#define NNINIT_LIB_FPENV_H

#include <fenv.h>

void fpenv_enter(fenv_t *caller);
void fpenv_leave(const fenv_t *caller);
/* Its argument, which the compiler cannot know. */
double fpenv_opaque(double value);

#endif
