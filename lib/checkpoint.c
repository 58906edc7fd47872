/* SPDX-License-Identifier: MIT */
/* What models and training runs are made of. */
#include "state.h"
#include "trainer.h"

/* Beside moments: kind, options, steps and powers; and the loss. */
enum { OPTIMIZER_PARTS = 1 + OPTIMIZER_OPTIONS + 3 + 1 };

static void visit_model(struct state *state, const nninit_layer *model) {
    for (int i = 0; i < model->parameter_count; i++)
        state_add_storage(state, "", model->parameters[i]);
}

static void visit_moments(struct state *state, const nninit_layer *model, const char *prefix, struct arena *arena) {
    for (int i = 0; arena && i < model->parameter_count; i++) {
        const nninit_tensor *tensor = model->parameters[i];
        state_add_arena(state, prefix, tensor->name, tensor->shape, tensor->rank, arena, i);
    }
}

static void visit_optimizer(struct state *state, nninit_optimizer *optimizer) {
    state_add_option(state, "optimizer.", "kind", optimizer->kind);
    for (int i = NNINIT_OPT_WEIGHT_DECAY; i <= NNINIT_OPT_EPS; i++)
        state_add_option(state, "optimizer.", optimizer_option_name(i), optimizer->option[i]);
    state_add_memory(state, "optimizer.", "lr", STATE_F64, &optimizer->option[NNINIT_OPT_LR], 1, 0, 3e38);
    state_add_memory(state, "optimizer.", "steps", STATE_I64, &optimizer->steps, 1, 0, 0x1p53);
    state_add_memory(state, "optimizer.", "beta1_power", STATE_F64, &optimizer->power1, 1, 0, 1);
    state_add_memory(state, "optimizer.", "beta2_power", STATE_F64, &optimizer->power2, 1, 0, 1);
    visit_moments(state, optimizer->model, "optimizer.m.", optimizer->m);
    visit_moments(state, optimizer->model, "optimizer.v.", optimizer->v);
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
    state_end(&state);
    return status;
}

nninit_status nninit_layer_save(nninit_layer *layer, const char *path) {
    return with_model(layer, path, state_save);
}

nninit_status nninit_layer_load(nninit_layer *layer, const char *path) {
    return with_model(layer, path, state_load);
}

nninit_status nninit_layer_sha256(nninit_layer *layer, char *hex) {
    return layer ? tensors_sha256(layer->object.context, layer->parameters, layer->parameter_count, hex) : NNINIT_ERR_INVALID;
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
        status = state_begin(&state, context, 3 * (int64_t)trainer->model->parameter_count + OPTIMIZER_PARTS + STATE_LOADER_PARTS);
    if (status < 0)
        return status;
    visit_model(&state, trainer->model);
    state_add_option(&state, "trainer.", "loss", trainer->loss);
    visit_optimizer(&state, trainer->optimizer);
    state_add_loader(&state, loader);
    status = run(&state, path);
    state_end(&state);
    return status;
}

nninit_status nninit_trainer_save(nninit_trainer *trainer, nninit_loader *loader, const char *path) {
    return with_run(trainer, loader, path, state_save);
}

nninit_status nninit_trainer_resume(nninit_trainer *trainer, nninit_loader *loader, const char *path) {
    return with_run(trainer, loader, path, state_load);
}
