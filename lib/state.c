/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

nninit_status state_begin(struct state *state, nninit_context *context, int64_t room) {
    *state = (struct state){.context = context};
    state->parts = mem_array(context, room, sizeof *state->parts);
    return state->parts ? NNINIT_OK : NNINIT_ERR_MEMORY;
}

void state_end(struct state *state) {
    mem_free(state->context, state->parts);
}

static struct part *add(struct state *state, const char *prefix, const char *name, enum state_dtype dtype,
                        const int64_t *shape, int rank) {
    static const size_t sizes[] = {4, 8, 4, 8, 1};
    struct part *part = &state->parts[state->count++];
    snprintf(part->item.name, sizeof part->item.name, "%s%s", prefix, name);
    part->item.dtype = dtype;
    part->item.rank = rank;
    part->item.size = sizes[dtype];
    for (int i = 0; i < rank; i++) {
        part->item.shape[i] = shape[i];
        part->item.size *= (size_t)shape[i];
    }
    return part;
}

void state_add_storage(struct state *state, const char *prefix, const nninit_tensor *tensor) {
    struct part *part = add(state, prefix, tensor->name, STATE_F32, tensor->shape, tensor->rank);
    part->place = PART_STORAGE;
    part->storage = tensor->storage;
}

void state_add_arena(struct state *state, const char *prefix, const char *name, const int64_t *shape, int rank,
                     struct arena *arena, int tensor) {
    struct part *part = add(state, prefix, name, STATE_F32, shape, rank);
    part->place = PART_ARENA;
    part->arena = arena;
    part->tensor = tensor;
}

struct part *state_add_memory(struct state *state, const char *prefix, const char *name, enum state_dtype dtype, void *memory,
                              int64_t count, double low, double high) {
    struct part *part = add(state, prefix, name, dtype, &count, count == 1 ? 0 : 1);
    part->place = PART_MEMORY;
    part->memory = memory;
    part->low = low;
    part->high = high;
    return part;
}

void state_add_option(struct state *state, const char *prefix, const char *name, double value) {
    struct part *part = add(state, prefix, name, STATE_F64, NULL, 0);
    part->place = PART_OPTION;
    part->option = value;
}

void state_add_generator(struct state *state, const char *prefix, nninit_generator *generator) {
    const int64_t size = (int64_t)nninit_generator_state_size(generator);
    struct part *part = add(state, prefix, "generator", STATE_U8, &size, 1);
    part->place = PART_GENERATOR;
    part->generator = generator;
}

/* Flags are one byte each. */
void state_add_loader(struct state *state, nninit_loader *loader) {
    state_add_option(state, "loader.", "rows", (double)loader->dataset->count);
    state_add_option(state, "loader.", "batch", (double)loader->batch);
    state_add_option(state, "loader.", "flags", loader->flags);
    state_add_option(state, "loader.", "order", loader->order);
    state_add_memory(state, "loader.", "seed", STATE_I64, &loader->seed, 1, -0x1p63, 0x1p63);
    state_add_memory(state, "loader.", "epochs", STATE_I64, &loader->epochs, 1, 0, 0x1p53);
    state_add_memory(state, "loader.", "begun", STATE_U8, &loader->begun, 1, 0, 1);
    state_add_memory(state, "loader.", "ordered", STATE_U8, &loader->ordered, 1, 0, 1);
    state_add_memory(state, "loader.", "exhausted", STATE_U8, &loader->exhausted, 1, 0, 1);
    state_add_memory(state, "loader.", "position", STATE_I64, &loader->position, 1, 0, (double)loader->dataset->count);
    state_add_memory(state, "loader.", "cost", STATE_F32, &loader->cost, 1, -3.5e38, 3.5e38);
    state_add_memory(state, "loader.", "permutation", STATE_I32, loader->permutation, loader->dataset->count, 0,
                     (double)loader->dataset->count - 1)
        ->distinct = true;
    if (loader->generator)
        state_add_generator(state, "", loader->generator);
}

static nninit_status read_part(const struct part *part, void *data) {
    switch (part->place) {
    case PART_STORAGE: return storage_read(part->storage, data);
    case PART_ARENA: return arena_read(part->arena, part->tensor, data);
    case PART_GENERATOR: return nninit_generator_save(part->generator, data, part->item.size);
    case PART_MEMORY: memcpy(data, part->memory, part->item.size); return NNINIT_OK;
    case PART_OPTION: memcpy(data, &part->option, part->item.size); return NNINIT_OK;
    }
    return NNINIT_OK;
}

static nninit_status write_part(const struct part *part, const void *data) {
    switch (part->place) {
    case PART_STORAGE: return storage_write(part->storage, data);
    case PART_ARENA: return arena_write(part->arena, part->tensor, data);
    case PART_GENERATOR: return nninit_generator_restore(part->generator, data, part->item.size);
    case PART_MEMORY: memcpy(part->memory, data, part->item.size); return NNINIT_OK;
    case PART_OPTION: return NNINIT_OK;
    }
    return NNINIT_OK;
}

nninit_status state_save(struct state *state, const char *path) {
    nninit_context *context = state->context;
    size_t size = 0, at = 0;
    for (int i = 0; i < state->count; i++)
        size += state->parts[i].item.size;
    char *data = mem_alloc(context, size);
    struct state_item *items = mem_array(context, state->count, sizeof *items);
    nninit_status status = data && items ? NNINIT_OK : NNINIT_ERR_MEMORY;
    for (int i = 0; i < state->count && status == NNINIT_OK; i++) {
        items[i] = state->parts[i].item;
        items[i].data = data + at;
        status = read_part(&state->parts[i], data + at);
        at += items[i].size;
    }
    if (status == NNINIT_OK)
        status = safetensors_save(context, path, items, state->count);
    mem_free(context, items);
    mem_free(context, data);
    return status;
}

/* Value i of an item. */
static double item_value(const struct state_item *item, size_t i) {
    const char *at = item->data;
    union {
        float f32;
        double f64;
        int32_t i32;
        int64_t i64;
    } v;
    switch (item->dtype) {
    case STATE_F32: memcpy(&v.f32, at + 4 * i, 4); return (double)v.f32;
    case STATE_F64: memcpy(&v.f64, at + 8 * i, 8); return v.f64;
    case STATE_I32: memcpy(&v.i32, at + 4 * i, 4); return v.i32;
    case STATE_I64: memcpy(&v.i64, at + 8 * i, 8); return (double)v.i64;
    default: return ((const unsigned char *)at)[i];
    }
}

/* Values that are known to lie in 0 … count - 1. */
static nninit_status check_distinct(struct state *state, const char *path, const struct state_item *item, size_t count) {
    unsigned char *seen = mem_alloc(state->context, count);
    if (!seen)
        return NNINIT_ERR_MEMORY;
    nninit_status status = NNINIT_OK;
    for (size_t i = 0; i < count && status == NNINIT_OK; i++) {
        size_t value = (size_t)item_value(item, i);
        if (seen[value]++)
            status = context_fail(state->context, NNINIT_ERR_FORMAT, "%s: \"%s\" holds %zu twice", path, item->name, value);
    }
    mem_free(state->context, seen);
    return status;
}

/* A file may lie: what indexes memory or decides a branch is held to its range. */
static nninit_status check_values(struct state *state, const char *path, const struct part *part,
                                  const struct state_item *item) {
    size_t count = 1;
    for (int i = 0; i < item->rank; i++)
        count *= (size_t)item->shape[i];
    for (size_t i = 0; i < count; i++) {
        double value = item_value(item, i);
        if (!(value >= part->low && value <= part->high) || (part->whole && value != floor(value)))
            return context_fail(state->context, NNINIT_ERR_FORMAT, "%s: \"%s\" holds %.17g; it must be a%s number from %.17g to %.17g",
                                path, part->item.name, value, part->whole ? " whole" : "", part->low, part->high);
    }
    return part->distinct ? check_distinct(state, path, item, count) : NNINIT_OK;
}

/* Does the file hold this part, and in the same form? */
static nninit_status check_part(struct state *state, const char *path, const struct part *part,
                                const struct state_item *item) {
    nninit_context *context = state->context;
    if (!item)
        return context_fail(context, NNINIT_ERR_NOT_FOUND, "%s: \"%s\" is missing", path, part->item.name);
    bool same = item->dtype == part->item.dtype && item->rank == part->item.rank &&
                memcmp(item->shape, part->item.shape, (size_t)item->rank * sizeof item->shape[0]) == 0;
    if (!same)
        return context_fail(context, NNINIT_ERR_SHAPE, "%s: \"%s\" has another shape or type", path, part->item.name);
    if (part->place == PART_MEMORY)
        return check_values(state, path, part, item);
    if (part->place != PART_OPTION)
        return NNINIT_OK;
    double theirs, ours = part->option;
    memcpy(&theirs, item->data, sizeof theirs);
    return theirs == ours ? NNINIT_OK
                          : context_fail(context, NNINIT_ERR_STATE, "%s: %s is %.17g there and %.17g here", path,
                                         part->item.name, theirs, ours);
}

/* The generator, which checks its bytes itself, comes first. */
nninit_status state_load(struct state *state, const char *path) {
    struct safetensors file;
    nninit_status status = safetensors_open(state->context, path, &file);
    if (status < 0)
        return status;
    for (int i = 0; i < state->count && status == NNINIT_OK; i++)
        status = check_part(state, path, &state->parts[i], safetensors_find(&file, state->parts[i].item.name));
    for (int generators = 1; generators >= 0; generators--)
        for (int i = 0; i < state->count && status == NNINIT_OK; i++)
            if ((state->parts[i].place == PART_GENERATOR) == generators)
                status = write_part(&state->parts[i], safetensors_find(&file, state->parts[i].item.name)->data);
    safetensors_close(&file);
    return status;
}
