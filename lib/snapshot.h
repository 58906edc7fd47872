/* SPDX-License-Identifier: MIT */
/* The parameters of a model and the state of a generator, put back if a call that changes them fails half way. */
#ifndef NNINIT_LIB_SNAPSHOT_H
#define NNINIT_LIB_SNAPSHOT_H

#include "layer.h"

#include <nninit/generator.h>

struct snapshot {
    nninit_layer *model;
    nninit_generator *generator;
    float *values; /* of all parameters, in model order */
    void *state;
};

/* generator may be NULL. On failure there is nothing to end. */
nninit_status snapshot_begin(struct snapshot *snapshot, nninit_layer *model, nninit_generator *generator);
/* Put everything back if status is a failure, free the snapshot, and return status. */
nninit_status snapshot_end(struct snapshot *snapshot, nninit_status status);

#endif
