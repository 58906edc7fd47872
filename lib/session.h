/* SPDX-License-Identifier: MIT */
/* Programs over a model, made when they are first needed and kept. */
#ifndef NNINIT_LIB_SESSION_H
#define NNINIT_LIB_SESSION_H

#include "layer.h"
#include "optimizer.h"

#include <nninit/loss.h>

enum session_mode { SESSION_FORWARD, SESSION_GRADIENT, SESSION_TRAIN, SESSION_EVALUATE };

struct session_request {
    enum session_mode mode;
    nninit_loss loss;            /* 0: none */
    nninit_optimizer *optimizer; /* SESSION_TRAIN */
    unsigned revision;           /* of its options */
    int64_t rows;
    enum element element;        /* of x: ELEMENT_U8 or ELEMENT_F32 */
    float divisor;               /* of bytes */
    bool count;                  /* SESSION_EVALUATE: right answers too */
    bool keep;                   /* SESSION_GRADIENT: what each leaf gives, and its gradient, can be read afterwards */
};

struct session {
    struct session *next;
    nninit_context *context;
    struct session_request request;
    struct arena *values, *gradients, *m, *v; /* claimed; NULL: not used */
    struct exec *exec;
    int64_t steps;  /* rows of its tables: steps that can run without the host */
    float *tables;  /* [1 + OPTIMIZER_SLOTS][steps]: costs, then what the optimizer puts into slots */
    /* values of the program; -1: it has none */
    int x, target, index, output, cost, count, slots[OPTIMIZER_SLOTS];
    int *kept;        /* [2][leaves + 1]: the value before each leaf and after the last, then their gradients; -1: none */
    int32_t *labels;  /* [rows], for callers who have them as int64_t */
    int32_t *numbers; /* [rows] 0, 1, … */
};

/* Everything below runs the executor in the default floating-point environment. */

/* The session for a request; lent until the model's next. */
nninit_status session_get(struct session **out, nninit_layer *model, const struct session_request *request);
/* Free all of a model's sessions, or those with an optimizer. */
void sessions_free(nninit_layer *model);
void sessions_forget(nninit_layer *model, const nninit_optimizer *optimizer);

/* `identity` as in executor.h */
nninit_status session_bind(struct session *session, const void *x, const void *target, int64_t rows, uint64_t identity);
/* Row numbers of steps 0 … steps - 1; of more steps than are run, so that their rows may be fetched ahead. */
nninit_status session_indices(struct session *session, const int32_t *indices, int64_t steps);
/* Row numbers 0, 1, … for one step, for memory that is no data set. */
nninit_status session_count_up(struct session *session);
/* Run; *done as in executor.h. Training advances its optimizer by *done. */
nninit_status session_run(struct session *session, int64_t steps, int64_t *done);
/* Lent until the next run. */
nninit_status session_costs(struct session *session, int64_t steps, const float **costs);

#endif
