/* SPDX-License-Identifier: MIT */
/* Fused kinds: one table says what each stands for. Programs are emitted in basic kinds; an executor that has a fused
 * kind gets it wherever its expansion occurs. */
#include "program.h"

#include <string.h>

enum { PARTS = 3 };

/* Where a part's operand comes from: a number below 8 is the fused node's input, from 8 on its output. */
#define OUT(k) (8 + (k))
#define INNER 16 /* the value that the previous part wrote; it is used nowhere else and never stored */
#define NONE (-1)

struct part {
    enum kind kind;
    int in[NODE_INPUTS], out[NODE_OUTPUTS];
};

static const struct expansion {
    enum kind kind;
    int parts;
    struct part part[PARTS];
    int argument; /* the part whose argument the fused node carries */
} expansions[] = {
    /* Longest first: the first one that matches is taken. */
    {KIND_LINEAR_RELU, 3,
     {{KIND_GEMM_NT, {0, 1, NONE, NONE, NONE}, {INNER, NONE, NONE}},
      {KIND_BIAS, {INNER, 2, NONE, NONE, NONE}, {INNER, NONE, NONE}},
      {KIND_RELU, {INNER, NONE, NONE, NONE, NONE}, {OUT(0), NONE, NONE}}}, 2},
    {KIND_LINEAR, 2,
     {{KIND_GEMM_NT, {0, 1, NONE, NONE, NONE}, {OUT(0), NONE, NONE}},
      {KIND_BIAS, {OUT(0), 2, NONE, NONE, NONE}, {OUT(0), NONE, NONE}}}, 1},
    {KIND_GEMM_NN_RELU_GRADIENT, 2,
     {{KIND_GEMM_NN, {0, 1, NONE, NONE, NONE}, {INNER, NONE, NONE}},
      {KIND_RELU_GRADIENT, {2, INNER, NONE, NONE, NONE}, {OUT(0), NONE, NONE}}}, 1},
    {KIND_GEMM_TN_ADAM, 2,
     {{KIND_GEMM_TN, {0, 1, NONE, NONE, NONE}, {INNER, NONE, NONE}},
      {KIND_ADAM, {INNER, 2, 3, 4, NONE}, {OUT(0), OUT(1), OUT(2)}}}, 1},
};

static int uses(const struct program *program, int value) {
    int count = 0;
    for (int n = 0; n < program->node_count; n++) {
        for (int i = 0; i < NODE_INPUTS; i++)
            count += program->nodes[n].in[i] == value;
        for (int i = 0; i < NODE_OUTPUTS; i++)
            count += program->nodes[n].out[i] == value;
    }
    return count;
}

/* Let the pattern's operand stand for the value, or check that it does. */
static bool operand_fits(int pattern, int value, int fused_in[], int fused_out[], int *inner) {
    if (pattern == NONE)
        return value == -1;
    if (value == -1)
        return false;
    int *bound = pattern == INNER ? inner : pattern >= OUT(0) ? &fused_out[pattern - OUT(0)] : &fused_in[pattern];
    if (*bound == -1)
        *bound = value;
    return *bound == value;
}

static bool expansion_fits(const struct program *program, int first, const struct expansion *e, struct node *fused) {
    if (first + e->parts > program->node_count)
        return false;
    int inner = -1, inner_uses = 0;
    for (int i = 0; i < NODE_INPUTS; i++)
        fused->in[i] = -1;
    for (int i = 0; i < NODE_OUTPUTS; i++)
        fused->out[i] = -1;
    for (int p = 0; p < e->parts; p++) {
        const struct node *node = &program->nodes[first + p];
        const struct part *part = &e->part[p];
        if (node->kind != part->kind)
            return false;
        for (int i = 0; i < NODE_INPUTS; i++) {
            if (!operand_fits(part->in[i], node->in[i], fused->in, fused->out, &inner))
                return false;
            inner_uses += part->in[i] == INNER;
        }
        for (int i = 0; i < NODE_OUTPUTS; i++) {
            if (!operand_fits(part->out[i], node->out[i], fused->in, fused->out, &inner))
                return false;
            inner_uses += part->out[i] == INNER;
        }
    }
    if (inner != -1 && uses(program, inner) != inner_uses)
        return false;
    const struct node *last = &program->nodes[first + e->parts - 1];
    fused->kind = e->kind;
    fused->phase = last->phase;
    fused->arg = program->nodes[first + e->argument].arg;
    return true;
}

void program_fuse(struct program *program, const bool has[KIND_COUNT]) {
    for (int first = 0; first < program->node_count; first++)
        for (size_t k = 0; k < sizeof expansions / sizeof *expansions; k++) {
            const struct expansion *e = &expansions[k];
            struct node fused;
            if (!has[e->kind] || !expansion_fits(program, first, e, &fused))
                continue;
            program->nodes[first] = fused;
            int rest = program->node_count - first - e->parts;
            memmove(&program->nodes[first + 1], &program->nodes[first + e->parts], (size_t)rest * sizeof fused);
            program->node_count -= e->parts - 1;
            break;
        }
}
