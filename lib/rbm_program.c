/* SPDX-License-Identifier: MIT */
#include "rbm_program.h"

void rbm_runs_free(nninit_rbm *rbm) {
    (void)rbm;
}
