/* SPDX-License-Identifier: MIT */
#include <nninit/mup.h>

#include "fpenv.h"

#include <math.h>
#include <string.h>

nninit_status nninit_mup_scale(nninit_mup_role role, int64_t fan_in, int64_t base_fan_in, nninit_mup_factors *factors) {
    nninit_mup_factors f = {0, 1, 1, 1};
    if (!factors || factors->size < sizeof factors->size + sizeof(double) || fan_in < 1 || base_fan_in < 1 ||
        role < NNINIT_MUP_INPUT || role > NNINIT_MUP_OUTPUT)
        return NNINIT_ERR_INVALID;
    fenv_t caller;
    fpenv_enter(&caller);
    double wider = fpenv_opaque((double)fan_in) / fpenv_opaque((double)base_fan_in);
    if (role == NNINIT_MUP_HIDDEN) {
        f.init_std = 1 / sqrt(wider);
        f.adam_lr = 1 / wider;
    } else if (role == NNINIT_MUP_OUTPUT) {
        f.output_multiplier = 1 / wider;
    }
    fpenv_leave(&caller);
    f.size = factors->size;
    memcpy(factors, &f, f.size < sizeof f ? f.size : sizeof f);
    return NNINIT_OK;
}
