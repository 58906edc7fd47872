/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_OPTIMIZER_H
#define NNINIT_LIB_OPTIMIZER_H

#include "layer.h"

#include <nninit/optimizer.h>

enum { OPTIMIZER_OPTIONS = NNINIT_OPT_EPS + 1, OPTIMIZER_SLOTS = 3 };

struct nninit_optimizer {
    struct object object;
    nninit_optimizer_kind kind;
    double option[OPTIMIZER_OPTIONS];
    unsigned revision; /* counts changes of options that are part of a program */
    int64_t steps;
    double power1, power2; /* beta^steps as running products: pow differs between C libraries */
    nninit_layer *model;   /* claimed by the first step */
    struct arena *m, *v;   /* moments in model order; NULL: it has none */
};

/* The text form of an nninit_optimizer_option. */
const char *optimizer_option_name(int option);

/* Claim the model at the first step and make the moments. */
nninit_status optimizer_bind(nninit_optimizer *optimizer, nninit_layer *model);
/* Arenas of a model's shape, in model order. */
nninit_status model_arena(struct arena **out, nninit_layer *model);

/* Emission: the slots once, then an update for each parameter from its gradient g. */
void optimizer_emit_slots(const nninit_optimizer *optimizer, struct program *program, int slots[OPTIMIZER_SLOTS]);
void optimizer_emit(const nninit_optimizer *optimizer, struct program *program, const int slots[OPTIMIZER_SLOTS], int g,
                    int p, int position, int64_t rows, int64_t cols);
/* The slots' values for the next steps, [steps] each, and going on after `steps` of them. */
void optimizer_tables(const nninit_optimizer *optimizer, int64_t steps, float *tables[OPTIMIZER_SLOTS]);
/* What the next step makes of parameter `position` of its model, p [count], by the executors' own arithmetic: nothing but p
 * changes. m and v: room [count]. */
nninit_status optimizer_preview(const nninit_optimizer *optimizer, int position, int64_t count, const float *g, float *p,
                                float *m, float *v);
void optimizer_advance(nninit_optimizer *optimizer, int64_t steps);

#endif
