/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_RBM_PROGRAM_H
#define NNINIT_LIB_RBM_PROGRAM_H

#include "rbm.h"

void rbm_runs_free(nninit_rbm *rbm);

#endif
