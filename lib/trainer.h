/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_TRAINER_H
#define NNINIT_LIB_TRAINER_H

#include "optimizer.h"

#include <nninit/trainer.h>

struct nninit_trainer {
    struct object object;
    nninit_layer *model;
    nninit_loss loss;
    nninit_optimizer *optimizer;
    nninit_progress_fn progress;
    void *user;
    /* room for the batches of a callback's data set; grown when a larger batch comes */
    float *rows;
    int64_t *labels;
    int64_t *numbers;
    int64_t capacity;
};

#endif
