/* SPDX-License-Identifier: MIT */
/* Fused kinds: one table says what each stands for. Programs are emitted in basic kinds; an executor that has a fused
 * kind gets it wherever its expansion occurs. */
#include "program.h"

#include <string.h>

enum { PARTS = 3, INNERS = 2 };

/* Where a part's operand comes from: a number below 8 is the fused node's input, from 8 on its output. */
#define OUT(k) (8 + (k))
#define INNER(k) (16 + (k)) /* a value between parts; it is used nowhere else and never stored */
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
     {{KIND_GEMM_NT, {0, 1, NONE, NONE, NONE}, {INNER(0), NONE, NONE}},
      {KIND_BIAS, {INNER(0), 2, NONE, NONE, NONE}, {INNER(0), NONE, NONE}},
      {KIND_RELU, {INNER(0), NONE, NONE, NONE, NONE}, {OUT(0), NONE, NONE}}}, 2},
    {KIND_LINEAR, 2,
     {{KIND_GEMM_NT, {0, 1, NONE, NONE, NONE}, {OUT(0), NONE, NONE}},
      {KIND_BIAS, {OUT(0), 2, NONE, NONE, NONE}, {OUT(0), NONE, NONE}}}, 1},
    {KIND_GEMM_NN_RELU_GRADIENT, 2,
     {{KIND_GEMM_NN, {0, 1, NONE, NONE, NONE}, {INNER(0), NONE, NONE}},
      {KIND_RELU_GRADIENT, {2, INNER(0), NONE, NONE, NONE}, {OUT(0), NONE, NONE}}}, 1},
    {KIND_GEMM_TN_ADAM, 2,
     {{KIND_GEMM_TN, {0, 1, NONE, NONE, NONE}, {INNER(0), NONE, NONE}},
      {KIND_ADAM, {INNER(0), 2, 3, 4, NONE}, {OUT(0), OUT(1), OUT(2)}}}, 1},
    {KIND_GEMM_TN_CONTRAST, 3,
     {{KIND_GEMM_TN, {0, 1, NONE, NONE, NONE}, {INNER(0), NONE, NONE}},
      {KIND_GEMM_TN, {2, 3, NONE, NONE, NONE}, {INNER(1), NONE, NONE}},
      {KIND_CONTRAST, {INNER(0), INNER(1), 4, NONE, NONE}, {OUT(0), OUT(1), NONE}}}, 2},
    {KIND_COLUMN_SUM_ADAM, 2,
     {{KIND_COLUMN_SUM, {0, NONE, NONE, NONE, NONE}, {INNER(0), NONE, NONE}},
      {KIND_ADAM, {INNER(0), 1, 2, 3, NONE}, {OUT(0), OUT(1), OUT(2)}}}, 1},
    {KIND_CROSS_ENTROPY_ALL, 3,
     {{KIND_CROSS_ENTROPY, {0, 1, NONE, NONE, NONE}, {OUT(0), NONE, NONE}},
      {KIND_MEAN, {OUT(0), NONE, NONE, NONE, NONE}, {OUT(1), NONE, NONE}},
      {KIND_CROSS_ENTROPY_GRADIENT, {0, 1, NONE, NONE, NONE}, {OUT(2), NONE, NONE}}}, 2},
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

/* What the operands of a pattern stand for; -1: nothing yet. */
struct binding {
    int in[NODE_INPUTS], out[NODE_OUTPUTS], inner[INNERS], inner_uses[INNERS];
};

/* Let the pattern's operand stand for the value, or check that it does. */
static bool operand_fits(int pattern, int value, struct binding *b) {
    if (pattern == NONE)
        return value == -1;
    if (value == -1)
        return false;
    bool inner = pattern >= INNER(0);
    int *bound = inner ? &b->inner[pattern - INNER(0)] : pattern >= OUT(0) ? &b->out[pattern - OUT(0)] : &b->in[pattern];
    if (inner)
        b->inner_uses[pattern - INNER(0)]++;
    if (*bound == -1)
        *bound = value;
    return *bound == value;
}

static bool part_fits(const struct node *node, const struct part *part, struct binding *b) {
    bool fits = node->kind == part->kind;
    for (int i = 0; i < NODE_INPUTS && fits; i++)
        fits = operand_fits(part->in[i], node->in[i], b);
    for (int i = 0; i < NODE_OUTPUTS && fits; i++)
        fits = operand_fits(part->out[i], node->out[i], b);
    return fits;
}

static bool expansion_fits(const struct program *program, int first, const struct expansion *e, struct node *fused) {
    struct binding b = {{-1, -1, -1, -1, -1}, {-1, -1, -1}, {-1, -1}, {0, 0}};
    if (first + e->parts > program->node_count)
        return false;
    for (int p = 0; p < e->parts; p++)
        if (!part_fits(&program->nodes[first + p], &e->part[p], &b))
            return false;
    for (int k = 0; k < INNERS; k++)
        if (b.inner[k] != -1 && uses(program, b.inner[k]) != b.inner_uses[k])
            return false;
    *fused = program->nodes[first + e->argument];
    fused->kind = e->kind;
    fused->phase = program->nodes[first + e->parts - 1].phase;
    memcpy(fused->in, b.in, sizeof b.in);
    memcpy(fused->out, b.out, sizeof b.out);
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
