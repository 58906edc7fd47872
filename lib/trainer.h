/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_TRAINER_H
#define NNINIT_LIB_TRAINER_H

#include "optimizer.h"
#include "source.h"

#include <nninit/trainer.h>

struct nninit_trainer {
    struct object object;
    nninit_layer *model;
    nninit_loss loss;
    nninit_optimizer *optimizer;
    nninit_progress_fn progress;
    void *user;
    struct source source;
};

#endif
