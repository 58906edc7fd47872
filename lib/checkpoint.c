/* SPDX-License-Identifier: MIT */
/* What models and training runs are made of, named once: saving, loading and comparing read the same list. */
#include "host/sha256.h"
#include "loader.h"
#include "safetensors.h"
#include "trainer.h"

#include <stdio.h>
#include <string.h>

/* One named part of a state. Where it is decides how it is read and written. */
struct part {
    struct state_item item;
    enum { PART_STORAGE, PART_ARENA, PART_MEMORY, PART_GENERATOR, PART_OPTION } place;
    struct storage *storage;
    struct arena *arena;
    int tensor;
    void *memory;
    double option;
    double low, high; /* PART_MEMORY: what each value may be, and … */
    bool distinct;    /* … whether no two may be equal: they are then whole numbers from 0 on */
    nninit_generator *generator;
};

struct state {
    nninit_context *context;
    struct part *parts;
    int count; /* of state_begin()'s room */
};

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

/* Values of the object itself, each of which must lie in low … high when it is loaded. */
static void add_memory(struct state *state, const char *name, enum state_dtype dtype, void *memory, int64_t count,
                       double low, double high) {
    struct part *part = add(state, "", name, dtype, &count, count == 1 ? 0 : 1);
    part->place = PART_MEMORY;
    part->memory = memory;
    part->low = low;
    part->high = high;
}

/* A number that a resumed run must share. */
static void add_option(struct state *state, const char *prefix, const char *name, double value) {
    struct part *part = add(state, prefix, name, STATE_F64, NULL, 0);
    part->place = PART_OPTION;
    part->option = value;
}

static void visit_model(struct state *state, const nninit_layer *model) {
    for (int i = 0; i < model->parameter_count; i++) {
        const nninit_tensor *tensor = model->parameters[i];
        struct part *part = add(state, "", tensor->name, STATE_F32, tensor->shape, tensor->rank);
        part->place = PART_STORAGE;
        part->storage = tensor->storage;
    }
}

static void visit_moments(struct state *state, const nninit_layer *model, const char *prefix, struct arena *arena) {
    for (int i = 0; arena && i < model->parameter_count; i++) {
        const nninit_tensor *tensor = model->parameters[i];
        struct part *part = add(state, prefix, tensor->name, STATE_F32, tensor->shape, tensor->rank);
        part->place = PART_ARENA;
        part->arena = arena;
        part->tensor = i;
    }
}

static void visit_optimizer(struct state *state, nninit_optimizer *optimizer) {
    add_option(state, "optimizer.", "kind", optimizer->kind);
    for (int i = NNINIT_OPT_WEIGHT_DECAY; i <= NNINIT_OPT_EPS; i++)
        add_option(state, "optimizer.", optimizer_option_name(i), optimizer->option[i]);
    add_memory(state, "optimizer.lr", STATE_F64, &optimizer->option[NNINIT_OPT_LR], 1, 0, 3e38);
    add_memory(state, "optimizer.steps", STATE_I64, &optimizer->steps, 1, 0, 0x1p53);
    add_memory(state, "optimizer.beta1_power", STATE_F64, &optimizer->power1, 1, 0, 1);
    add_memory(state, "optimizer.beta2_power", STATE_F64, &optimizer->power2, 1, 0, 1);
    visit_moments(state, optimizer->model, "optimizer.m.", optimizer->m);
    visit_moments(state, optimizer->model, "optimizer.v.", optimizer->v);
}

/* Flags are one byte each. */
static void visit_loader(struct state *state, nninit_loader *loader) {
    add_option(state, "loader.", "rows", (double)loader->dataset->count);
    add_option(state, "loader.", "batch", (double)loader->batch);
    add_option(state, "loader.", "flags", loader->flags);
    add_option(state, "loader.", "order", loader->order);
    add_memory(state, "loader.seed", STATE_I64, &loader->seed, 1, -0x1p63, 0x1p63);
    add_memory(state, "loader.epochs", STATE_I64, &loader->epochs, 1, 0, 0x1p53);
    add_memory(state, "loader.begun", STATE_U8, &loader->begun, 1, 0, 1);
    add_memory(state, "loader.ordered", STATE_U8, &loader->ordered, 1, 0, 1);
    add_memory(state, "loader.exhausted", STATE_U8, &loader->exhausted, 1, 0, 1);
    add_memory(state, "loader.position", STATE_I64, &loader->position, 1, 0, (double)loader->dataset->count);
    add_memory(state, "loader.cost", STATE_F32, &loader->cost, 1, -3.5e38, 3.5e38);
    add_memory(state, "loader.permutation", STATE_I32, loader->permutation, loader->dataset->count, 0,
               (double)loader->dataset->count - 1);
    state->parts[state->count - 1].distinct = true;
    if (loader->generator) {
        const int64_t size = (int64_t)nninit_generator_state_size(loader->generator);
        struct part *part = add(state, "", "generator", STATE_U8, &size, 1);
        part->place = PART_GENERATOR;
        part->generator = loader->generator;
    }
}

/* Room for the parts of any run: a parameter and two moments each, and what else is named above. */
static nninit_status state_begin(struct state *state, nninit_context *context, int parameters) {
    *state = (struct state){.context = context};
    state->parts = mem_array(context, 3 * (int64_t)parameters + 40, sizeof *state->parts);
    return state->parts ? NNINIT_OK : NNINIT_ERR_MEMORY;
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

static nninit_status state_save(struct state *state, const char *path) {
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
        if (!(value >= part->low && value <= part->high))
            return context_fail(state->context, NNINIT_ERR_FORMAT, "%s: \"%s\" holds %.17g; it must be %.17g to %.17g",
                                path, part->item.name, value, part->low, part->high);
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

/* All parts are checked before any is written; the generator, which checks its bytes itself, comes first. */
static nninit_status state_load(struct state *state, const char *path) {
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

static nninit_status with_model(nninit_layer *layer, const char *path, nninit_status (*run)(struct state *, const char *)) {
    if (!layer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = layer->object.context;
    if (!path)
        return context_fail(context, NNINIT_ERR_INVALID, "path is NULL");
    struct state state;
    nninit_status status = state_begin(&state, context, layer->parameter_count);
    if (status < 0)
        return status;
    visit_model(&state, layer);
    status = run(&state, path);
    mem_free(context, state.parts);
    return status;
}

nninit_status nninit_layer_save(nninit_layer *layer, const char *path) {
    return with_model(layer, path, state_save);
}

nninit_status nninit_layer_load(nninit_layer *layer, const char *path) {
    return with_model(layer, path, state_load);
}

nninit_status nninit_layer_sha256(nninit_layer *layer, char *hex) {
    if (!layer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = layer->object.context;
    if (!hex)
        return context_fail(context, NNINIT_ERR_INVALID, "hex is NULL");
    struct sha256 sha;
    sha256_init(&sha);
    nninit_status status = NNINIT_OK;
    for (int i = 0; i < layer->parameter_count && status == NNINIT_OK; i++) {
        const nninit_tensor *tensor = layer->parameters[i];
        float *values = mem_array(context, tensor->count, sizeof *values);
        status = values ? storage_read(tensor->storage, values) : NNINIT_ERR_MEMORY;
        if (status == NNINIT_OK)
            sha256_update(&sha, values, (size_t)tensor->count * sizeof *values);
        mem_free(context, values);
    }
    if (status == NNINIT_OK)
        sha256_finish(&sha, hex);
    return status;
}

static nninit_status with_run(nninit_trainer *trainer, nninit_loader *loader, const char *path,
                              nninit_status (*run)(struct state *, const char *)) {
    if (!trainer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = trainer->object.context;
    if (!loader || !path || loader->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "loader or path is NULL, or the loader is of another context");
    struct state state;
    nninit_status status = optimizer_bind(trainer->optimizer, trainer->model);
    if (status == NNINIT_OK)
        status = state_begin(&state, context, trainer->model->parameter_count);
    if (status < 0)
        return status;
    visit_model(&state, trainer->model);
    add_option(&state, "trainer.", "loss", trainer->loss);
    visit_optimizer(&state, trainer->optimizer);
    visit_loader(&state, loader);
    status = run(&state, path);
    mem_free(context, state.parts);
    return status;
}

nninit_status nninit_trainer_save(nninit_trainer *trainer, nninit_loader *loader, const char *path) {
    return with_run(trainer, loader, path, state_save);
}

nninit_status nninit_trainer_resume(nninit_trainer *trainer, nninit_loader *loader, const char *path) {
    return with_run(trainer, loader, path, state_load);
}
