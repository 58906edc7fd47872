/* SPDX-License-Identifier: MIT */
/* A program's values in device memory. */
#include "device.h"

#include <string.h>

static bool has_room(enum place place) {
    return place == PLACE_BUFFER || place == PLACE_STATE || place == PLACE_SLOT;
}

/* Everything but where it is; `total` grows by what it needs of the exec's block. */
static nninit_status shape_operand(struct exec *exec, struct operand *o, const struct value *value, int64_t steps,
                                   struct memory *const memories[ARENA_COUNT], size_t *total) {
    const struct host *host = &exec->device->host;
    const int64_t rows = value->place == PLACE_SLOT ? steps : value->rows;
    const size_t bytes = matrix_bytes(rows, value->cols, element_size(value->element));
    o->place = value->place;
    o->element = value->element;
    if (value->place == PLACE_ARENA) { /* no memory: fused away, no node uses it */
        if (memories[value->arena])
            o->matrix = memory_matrix(memories[value->arena], value->tensor);
        return NNINIT_OK;
    }
    if ((bytes == 0 && rows > 0) || bytes > SIZE_MAX / 2 - *total)
        return host->fail(host->context, NNINIT_ERR_UNSUPPORTED,
                          "cuda: a matrix of %lld by %lld in a program; rows and columns must be below 2^31",
                          (long long)rows, (long long)value->cols);
    o->matrix = (struct matrix){NULL, (int32_t)rows, (int32_t)value->cols, (int32_t)matrix_stride(value->cols)};
    *total += has_room(value->place) ? bytes : 0;
    return NNINIT_OK;
}

/* Buffers, states and tables in one block, with the clock at its end. */
static nninit_status make_operands(struct exec *exec, const struct program *program,
                                   struct memory *const memories[ARENA_COUNT]) {
    size_t total = 0;
    for (int v = 0; v < exec->operand_count; v++) {
        nninit_status status =
            shape_operand(exec, &exec->operands[v], &program->values[v], program->steps, memories, &total);
        if (status < 0)
            return status;
    }
    nninit_status status = device_alloc(exec->device, &exec->block, total + sizeof *exec->clock);
    if (status < 0)
        return status;
    char *at = exec->block;
    for (int v = 0; v < exec->operand_count; v++) {
        struct operand *o = &exec->operands[v];
        if (!has_room(o->place))
            continue;
        o->matrix.data = at;
        at += matrix_bytes(o->matrix.rows, o->matrix.cols, element_size(o->element));
    }
    exec->clock = (struct clock *)at;
    return CHECK(exec->device, cudaMallocHost((void **)&exec->shown, sizeof *exec->shown));
}

static nninit_status make(struct exec *exec, const struct program *program, struct memory *const memories[ARENA_COUNT]) {
    const struct host *host = &exec->device->host;
    exec->operands = host->alloc(host->context, (size_t)program->value_count * sizeof *exec->operands);
    exec->nodes = host->alloc(host->context, (size_t)program->node_count * sizeof *exec->nodes);
    if (!exec->operands || !exec->nodes)
        return NNINIT_ERR_MEMORY;
    exec->operand_count = program->value_count;
    exec->node_count = program->node_count;
    memcpy(exec->nodes, program->nodes, (size_t)program->node_count * sizeof *exec->nodes);
    nninit_status status = make_operands(exec, program, memories);
    return status < 0 ? status : plan_stages(exec);
}

static void free_on_device(struct exec *exec) {
    exec_forget_graphs(exec);
    for (int v = 0; v < exec->operand_count; v++)
        if (exec->operands[v].staging)
            cudaFree(exec->operands[v].staging);
    if (exec->block)
        cudaFree(exec->block);
    if (exec->shown)
        cudaFreeHost(exec->shown);
}

void exec_release(struct exec *exec) {
    struct device *device = exec->device;
    const struct host *host = &device->host;
    int caller;
    const bool entered = device_alive(device) && device_enter(device, &caller) == NNINIT_OK;
    if (entered)
        free_on_device(exec);
    for (int v = 0; v < exec->operand_count; v++)
        resident_drop(device, exec->operands[v].resident);
    for (int s = 0; s < exec->stage_count; s++)
        blas_forget(device, exec->stages[s].product);
    if (entered)
        device_leave(caller);
    host->free(host->context, exec->stages);
    host->free(host->context, exec->nodes);
    host->free(host->context, exec->operands);
    host->free(host->context, exec);
}

nninit_status exec_prepare(struct exec **out, struct device *device, const struct program *program,
                           struct memory *const memories[ARENA_COUNT]) {
    const struct host *host = &device->host;
    int caller;
    nninit_status status = device_enter(device, &caller);
    if (status < 0)
        return status;
    struct exec *exec = host->alloc(host->context, sizeof *exec);
    status = exec ? NNINIT_OK : NNINIT_ERR_MEMORY;
    if (exec) {
        exec->device = device;
        status = make(exec, program, memories);
    }
    device_leave(caller);
    if (status < 0) {
        if (exec)
            exec_release(exec);
        return status;
    }
    *out = exec;
    return NNINIT_OK;
}

/* Room for rows that are copied before every run. */
static nninit_status make_staging(struct exec *exec, struct operand *o, int64_t rows) {
    const struct host *host = &exec->device->host;
    const size_t bytes = matrix_bytes(rows, o->matrix.cols, element_size(o->element));
    if (bytes == 0)
        return host->fail(host->context, NNINIT_ERR_UNSUPPORTED, "cuda: %lld rows of %d columns", (long long)rows,
                          o->matrix.cols);
    if (bytes <= o->staging_bytes)
        return NNINIT_OK;
    void *room;
    nninit_status status = device_alloc(exec->device, &room, bytes);
    if (status < 0)
        return status;
    if (o->staging)
        cudaFree(o->staging);
    o->staging = room;
    o->staging_bytes = bytes;
    return NNINIT_OK;
}

static nninit_status bind_here(struct exec *exec, int value, const void *data, int64_t rows, uint64_t identity) {
    struct device *device = exec->device;
    struct operand *o = &exec->operands[value];
    struct resident *resident = NULL;
    nninit_status status = identity ? resident_claim(&resident, device, identity, data, rows, o->matrix.cols,
                                                     element_size(o->element))
                                    : make_staging(exec, o, rows);
    if (status < 0)
        return status;
    resident_drop(device, o->resident);
    o->resident = resident;
    o->host = resident ? NULL : data;
    void *place = resident ? resident->matrix.data : o->staging;
    const bool moved = place != o->matrix.data;
    o->matrix.data = place;
    o->matrix.rows = (int32_t)rows;
    if (moved) {
        plan_rebind(exec, value);
        exec_forget_graphs(exec);
    }
    return NNINIT_OK;
}

nninit_status exec_bind(struct exec *exec, int value, const void *data, int64_t rows, uint64_t identity) {
    int caller;
    nninit_status status = device_enter(exec->device, &caller);
    if (status < 0)
        return status;
    status = bind_here(exec, value, data, rows, identity);
    device_leave(caller);
    return status;
}

/* Rows of a value to the device, or from there. */
static nninit_status write_rows(struct exec *exec, int value, int64_t first, int64_t count, const void *rows) {
    const struct operand *o = &exec->operands[value];
    int caller;
    nninit_status status = device_enter(exec->device, &caller);
    if (status < 0)
        return status;
    status = matrix_write(exec->device, &o->matrix, first, count, rows, element_size(o->element));
    device_leave(caller);
    return status;
}

static nninit_status read_rows(const struct exec *exec, int value, int64_t first, int64_t count, void *rows) {
    const struct operand *o = &exec->operands[value];
    int caller;
    if (count == 0) /* after a failure, whose message stays */
        return NNINIT_OK;
    nninit_status status = device_enter(exec->device, &caller);
    if (status < 0)
        return status;
    status = matrix_read(exec->device, &o->matrix, first, count, rows, element_size(o->element));
    device_leave(caller);
    return status;
}

nninit_status exec_slot_write(struct exec *exec, int value, int64_t first, int64_t count, const void *rows) {
    return write_rows(exec, value, first, count, rows);
}

nninit_status exec_slot_read(const struct exec *exec, int value, int64_t first, int64_t count, void *rows) {
    return read_rows(exec, value, first, count, rows);
}

nninit_status exec_buffer_read(const struct exec *exec, int value, void *rows) {
    return read_rows(exec, value, 0, exec->operands[value].matrix.rows, rows);
}

nninit_status exec_state_write(struct exec *exec, int value, const void *rows) {
    return write_rows(exec, value, 0, exec->operands[value].matrix.rows, rows);
}
