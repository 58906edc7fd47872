/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_STEP_H
#define NNINIT_LIB_STEP_H

#include "layer.h"

#include <nninit/step.h>

/* What nninit_gradient() demands of its arguments. */
nninit_status step_check(nninit_layer *model, nninit_loss loss, const float *x, const void *target, int64_t rows);
/* nninit_gradient() of a model; with `keep`, the model's first session has what each leaf gave. *cost is set even where it
 * is not finite (NNINIT_ERR_NUMERIC). */
nninit_status step_gradient(nninit_layer *model, nninit_loss loss, const float *x, const void *target, int64_t rows,
                            bool keep, float *cost);

#endif
