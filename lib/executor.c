/* SPDX-License-Identifier: MIT */
#include "executor.h"

/* Row numbers of all steps together; 16 MiB. */
enum { ROW_NUMBERS = 1 << 22, STEPS_LEAST = 16 };

int64_t executor_steps(const struct executor *executor, int64_t rows) {
    int64_t steps = executor->steps;
    while (steps > STEPS_LEAST && steps * rows > ROW_NUMBERS)
        steps /= 2;
    return steps;
}

nninit_status arena_create(struct arena **out, nninit_context *context, const struct tensor_shape *tensors, int count) {
    *out = NULL;
    nninit_status status = context_open(context);
    if (status < 0)
        return status;
    struct arena *arena = mem_alloc(context, sizeof *arena);
    if (!arena)
        return NNINIT_ERR_MEMORY;
    arena->context = context;
    arena->claims = 1;
    status = context->executor->memory_create(&arena->memory, context->device, tensors, count);
    if (status < 0) {
        mem_free(context, arena);
        return status;
    }
    *out = arena;
    return NNINIT_OK;
}

struct arena *arena_claim(struct arena *arena) {
    if (arena)
        arena->claims++;
    return arena;
}

void arena_drop(struct arena *arena) {
    if (!arena || --arena->claims > 0)
        return;
    arena->context->executor->memory_destroy(arena->memory);
    mem_free(arena->context, arena);
}

nninit_status arena_read(const struct arena *arena, int tensor, float *values) {
    return arena->context->executor->memory_read(arena->memory, tensor, values);
}

nninit_status arena_write(struct arena *arena, int tensor, const float *values) {
    return arena->context->executor->memory_write(arena->memory, tensor, values);
}
