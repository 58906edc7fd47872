/* SPDX-License-Identifier: MIT */
/* The waist of the library: layers, losses and optimizers emit nodes into a program; an executor prepares it once and
 * runs it. Everything here is plain data. docs/numerics.md says what each kind computes, to the bit. */
#ifndef NNINIT_LIB_PROGRAM_H
#define NNINIT_LIB_PROGRAM_H

#include "kinds.h"
#include "law.h"
#include "object.h"

/* Nodes are in the order in which they run; a run names the phases that it wants. */
enum phase {
    PHASE_SOURCE = 1 << 0,
    PHASE_FORWARD = 1 << 1,
    PHASE_LOSS = 1 << 2,
    PHASE_BACKWARD = 1 << 3,
    PHASE_UPDATE = 1 << 4,
    PHASE_MEASURE = 1 << 5,
    PHASE_ALL = (1 << 6) - 1
};

enum place {
    PLACE_BUFFER, /* scratch of the prepared program, row-major for whoever reads it */
    PLACE_STATE,  /* a buffer that keeps its values from step to step and from run to run; zeros at first */
    PLACE_ARENA,  /* tensor `tensor` of arena `arena` */
    PLACE_DATA,   /* host memory that is bound before a run: rows of a data set */
    PLACE_SLOT    /* a row of a table with one row per step, on the host before and after a run */
};

enum element { ELEMENT_F32, ELEMENT_I32, ELEMENT_U8 };

/* Arenas that a program may use; all have the shapes of the model's parameters. ARENA_NEGATIVE: the sums of an RBM's negative
 * phase; those of the positive one are its gradients. */
enum arena_role { ARENA_VALUES, ARENA_GRADIENTS, ARENA_M, ARENA_V, ARENA_NEGATIVE, ARENA_COUNT };

struct value {
    enum place place;
    enum element element;
    int64_t rows, cols; /* PLACE_DATA: rows 0, they are given when it is bound */
    enum arena_role arena;
    int tensor;
};

struct node {
    enum kind kind;
    enum phase phase;
    int in[NODE_INPUTS]; /* values; -1: none */
    int out[NODE_OUTPUTS];
    union {
        float number;  /* divisor, slope, limit */
        int64_t first; /* column */
        struct law_adam adam;
        struct law_sgd sgd;
        struct law_sparsity sparsity;
    } arg;
};

struct program {
    nninit_context *context;
    struct node *nodes;
    int node_count, node_capacity;
    struct value *values;
    int value_count, value_capacity;
    int64_t steps;        /* rows of the slots' tables */
    nninit_status status; /* of the first emission that failed; the rest are then no-ops */
    struct node scratch;  /* what program_emit() returns after a failure */
};

void program_init(struct program *program, nninit_context *context, int64_t steps);
void program_finish(struct program *program);

int program_buffer(struct program *program, enum element element, int64_t rows, int64_t cols);
int program_state(struct program *program, int64_t rows, int64_t cols);
int program_tensor(struct program *program, enum arena_role arena, int tensor, int64_t rows, int64_t cols);
int program_data(struct program *program, enum element element, int64_t cols);
int program_slot(struct program *program, enum element element, int64_t cols);

/* Append a node and return it, for its argument and operands beyond two and one; -1: no such operand.
 * After a failure a scratch node is returned. */
struct node *program_emit(struct program *program, enum phase phase, enum kind kind, int in0, int in1, int out0);

/* Replace runs of basic nodes by the fused kinds that `has` marks. */
void program_fuse(struct program *program, const bool has[KIND_COUNT]);

#endif
