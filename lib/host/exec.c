/* SPDX-License-Identifier: MIT */
#include "exec.h"

#include <string.h>

static nninit_status make_operand(struct exec *exec, const struct value *value, struct operand *operand, int64_t pad,
                                  struct memory *const memories[ARENA_COUNT], float *(*tensor)(struct memory *, int)) {
    *operand = (struct operand){NULL, value->rows, value->cols, value->cols, value->place, value->element};
    int64_t elements = 0;
    if (value->place == PLACE_ARENA) {
        struct memory *memory = memories[value->arena]; /* NULL: fused away, no node uses it */
        operand->data = memory ? tensor(memory, value->tensor) : NULL;
        return NNINIT_OK;
    }
    if (operand_is_batch(operand)) {
        /* The extra line keeps rows of one column off one set of the cache. */
        operand->stride = pad > 1 ? (value->cols + pad - 1) / pad * pad + pad : value->cols;
        elements = value->rows * operand->stride;
    } else if (value->place == PLACE_SLOT) {
        operand->rows = exec->steps;
        elements = exec->steps * value->cols;
    }
    if (elements == 0)
        return NNINIT_OK;
    if (elements > INT64_MAX / 8 || !(operand->data = exec->host->alloc(exec->host->context, (size_t)elements * 4)))
        return NNINIT_ERR_MEMORY;
    return NNINIT_OK;
}

static void resolve(struct exec *exec) {
    for (int n = 0; n < exec->task_count; n++) {
        struct task *task = &exec->tasks[n];
        for (int i = 0; i < NODE_INPUTS; i++)
            if (task->node.in[i] >= 0)
                task->in[i] = exec->operands[task->node.in[i]];
        for (int i = 0; i < NODE_OUTPUTS; i++)
            if (task->node.out[i] >= 0)
                task->out[i] = exec->operands[task->node.out[i]];
    }
}

nninit_status exec_init(struct exec *exec, const struct host *host, const struct program *program, int64_t pad,
                        struct memory *const memories[ARENA_COUNT], float *(*tensor)(struct memory *, int)) {
    exec->host = host;
    exec->steps = program->steps;
    exec->tasks = host->alloc(host->context, (size_t)program->node_count * sizeof *exec->tasks);
    exec->operands = host->alloc(host->context, (size_t)program->value_count * sizeof *exec->operands);
    if (!exec->tasks || !exec->operands)
        return NNINIT_ERR_MEMORY;
    for (; exec->operand_count < program->value_count; exec->operand_count++) {
        int v = exec->operand_count;
        nninit_status status =
            make_operand(exec, &program->values[v], &exec->operands[v], pad, memories, tensor);
        if (status < 0)
            return status;
    }
    exec->task_count = program->node_count;
    for (int n = 0; n < program->node_count; n++) {
        exec->tasks[n].kind = program->nodes[n].kind;
        exec->tasks[n].phase = program->nodes[n].phase;
        exec->tasks[n].node = program->nodes[n];
    }
    resolve(exec);
    return NNINIT_OK;
}

void exec_finish(struct exec *exec) {
    for (int v = 0; v < exec->operand_count; v++) {
        if (operand_is_batch(&exec->operands[v]) || exec->operands[v].place == PLACE_SLOT)
            exec->host->free(exec->host->context, exec->operands[v].data);
    }
    exec->host->free(exec->host->context, exec->operands);
    exec->host->free(exec->host->context, exec->tasks);
}

nninit_status exec_bind(struct exec *exec, int value, const void *data, int64_t rows, uint64_t identity) {
    (void)identity; /* host memory is read where it is */
    if (exec->operands[value].data == data && exec->operands[value].rows == rows)
        return NNINIT_OK;
    exec->operands[value].data = (void *)(uintptr_t)data;
    exec->operands[value].rows = rows;
    resolve(exec);
    return NNINIT_OK;
}

nninit_status exec_slot_write(struct exec *exec, int value, int64_t first, int64_t count, const void *rows) {
    const struct operand *slot = &exec->operands[value];
    memcpy(operand_slot(slot, first), rows, (size_t)(count * slot->stride) * 4);
    return NNINIT_OK;
}

nninit_status exec_slot_read(const struct exec *exec, int value, int64_t first, int64_t count, void *rows) {
    const struct operand *slot = &exec->operands[value];
    memcpy(rows, operand_slot(slot, first), (size_t)(count * slot->stride) * 4);
    return NNINIT_OK;
}

nninit_status exec_buffer_read(const struct exec *exec, int value, void *rows) {
    const struct operand *buffer = &exec->operands[value];
    for (int64_t r = 0; r < buffer->rows; r++)
        memcpy((char *)rows + (size_t)(r * buffer->cols) * 4, (char *)buffer->data + (size_t)(r * buffer->stride) * 4,
               (size_t)buffer->cols * 4);
    return NNINIT_OK;
}

nninit_status exec_state_write(struct exec *exec, int value, const void *rows) {
    const struct operand *state = &exec->operands[value];
    for (int64_t r = 0; r < state->rows; r++)
        memcpy((char *)state->data + (size_t)(r * state->stride) * 4, (const char *)rows + (size_t)(r * state->cols) * 4,
               (size_t)state->cols * 4);
    return NNINIT_OK;
}
