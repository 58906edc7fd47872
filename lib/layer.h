/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_LAYER_H
#define NNINIT_LIB_LAYER_H

#include "tensor.h"

#include <nninit/layer.h>

enum layer_kind { LAYER_LINEAR, LAYER_ACTIVATION, LAYER_SEQUENTIAL };

struct nninit_layer {
    struct object object;
    enum layer_kind kind;
    int64_t inputs, outputs;
    nninit_activation activation; /* LAYER_ACTIVATION */
    double slope;
    nninit_layer **children; /* LAYER_SEQUENTIAL */
    int child_count;
    nninit_tensor **parameters; /* model order; in a linear layer weight, then bias if it has one */
    nninit_tensor **gradients;  /* views, made by nninit_gradient() */
    int parameter_count;
    struct arena *gradient_arena;
    struct session *sessions; /* prepared programs, most recently used first */
};

/* Leaves of a model, in order; NULL counts them only. */
int layer_leaves(nninit_layer *model, nninit_layer **leaves);
/* The position of a parameter in model order; -1: none. */
int layer_position(const nninit_layer *model, const struct storage *storage);
/* True if a name is what a pattern means: "*" any text, "?" any character. */
bool layer_name_matches(const char *pattern, const char *name);

#endif
