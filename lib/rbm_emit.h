/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_RBM_EMIT_H
#define NNINIT_LIB_RBM_EMIT_H

#include "rbm_program.h"

struct rbm_emission {
    struct program program;
    struct rbm_run *run; /* its request is answered: its values and draws are filled in */
    int tensors[ARENA_COUNT][RBM_TENSORS]; /* values of tensors, and 1; 0: not asked for yet */
};

/* Most random nodes of a machine's programs. */
static inline int rbm_draws_at_most(const nninit_rbm *rbm) {
    return 3 * (int)rbm_option(rbm, NNINIT_RBM_CD_STEPS) + 4;
}

void rbm_emit(struct rbm_emission *emission);

#endif
