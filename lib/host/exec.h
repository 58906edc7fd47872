/* SPDX-License-Identifier: MIT */
/* What executors in host memory share: a prepared program's operands, slot tables and bound data. */
#ifndef NNINIT_LIB_HOST_EXEC_H
#define NNINIT_LIB_HOST_EXEC_H

#include "../executor.h"

struct operand {
    void *data;
    int64_t rows, cols; /* PLACE_SLOT: rows of the table */
    int64_t stride; /* elements from one row to the next; PLACE_SLOT: from one step to the next */
    enum place place;
    enum element element;
};

/* A node whose operands are resolved. A missing operand has no data. */
struct task {
    enum kind kind;
    enum phase phase;
    struct operand in[NODE_INPUTS], out[NODE_OUTPUTS];
    struct node node;
};

struct exec {
    const struct host *host;
    struct task *tasks;
    int task_count;
    struct operand *operands; /* one for each value of the program */
    int operand_count;
    int64_t steps;
};

/* The step's row of a slot operand. */
static inline void *operand_slot(const struct operand *operand, int64_t step) {
    return (char *)operand->data + (size_t)(step * operand->stride) * 4;
}

/* Buffers and states: rows of the batch. */
static inline bool operand_is_batch(const struct operand *operand) {
    return operand->place == PLACE_BUFFER || operand->place == PLACE_STATE;
}

/* Seed and draw of a counter-based node, from the step's row of its slot. */
static inline void operand_draw(const struct operand *operand, int64_t step, uint64_t *seed, uint64_t *draw) {
    const uint32_t *row = operand_slot(operand, step);
    *seed = (uint64_t)row[1] << 32 | row[0];
    *draw = (uint64_t)row[3] << 32 | row[2];
}

/* Resolve a program. `pad` rounds buffer rows up to that many elements, plus as much again where pad > 1;
 * `tensor` gives the address of an arena's tensor. */
nninit_status exec_init(struct exec *exec, const struct host *host, const struct program *program, int64_t pad,
                        struct memory *const memories[ARENA_COUNT], float *(*tensor)(struct memory *, int));
void exec_finish(struct exec *exec);

/* These serve the executor's table as they are. */
nninit_status exec_bind(struct exec *exec, int value, const void *data, int64_t rows, uint64_t identity);
nninit_status exec_slot_write(struct exec *exec, int value, int64_t first, int64_t count, const void *rows);
nninit_status exec_slot_read(const struct exec *exec, int value, int64_t first, int64_t count, void *rows);
nninit_status exec_buffer_read(const struct exec *exec, int value, void *rows);
nninit_status exec_state_write(struct exec *exec, int value, const void *rows);

#endif
