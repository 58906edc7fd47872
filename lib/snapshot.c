/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

static void snapshot_free(struct snapshot *s) {
    mem_free(s->model->object.context, s->values);
    mem_free(s->model->object.context, s->state);
}

static nninit_status copy_out(struct snapshot *s) {
    nninit_status status = NNINIT_OK;
    float *at = s->values;
    for (int i = 0; i < s->model->parameter_count && status == NNINIT_OK; i++) {
        const nninit_tensor *parameter = s->model->parameters[i];
        status = nninit_tensor_read(parameter, at, parameter->count);
        at += parameter->count;
    }
    if (status == NNINIT_OK && s->generator)
        status = nninit_generator_save(s->generator, s->state, nninit_generator_state_size(s->generator));
    return status;
}

nninit_status snapshot_begin(struct snapshot *snapshot, nninit_layer *model, nninit_generator *generator) {
    nninit_context *context = model->object.context;
    int64_t count = 0;
    for (int i = 0; i < model->parameter_count; i++)
        count += model->parameters[i]->count;
    *snapshot = (struct snapshot){model, generator, mem_array(context, count, sizeof(float)), NULL};
    if (generator)
        snapshot->state = mem_alloc(context, nninit_generator_state_size(generator));
    nninit_status status = snapshot->values && (snapshot->state || !generator) ? copy_out(snapshot) : NNINIT_ERR_MEMORY;
    if (status < 0)
        snapshot_free(snapshot);
    return status;
}

nninit_status snapshot_end(struct snapshot *snapshot, nninit_status status) {
    const float *at = snapshot->values;
    for (int i = 0; status < 0 && i < snapshot->model->parameter_count; i++) {
        nninit_tensor *parameter = snapshot->model->parameters[i];
        nninit_tensor_write(parameter, at, parameter->count);
        at += parameter->count;
    }
    if (status < 0 && snapshot->generator)
        nninit_generator_restore(snapshot->generator, snapshot->state, nninit_generator_state_size(snapshot->generator));
    snapshot_free(snapshot);
    return status;
}
