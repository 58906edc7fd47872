/* SPDX-License-Identifier: MIT */
/* Models that start from machines: nets, autoencoders, and models that are there already. */
#include "dbn.h"
#include "snapshot.h"

#include <nninit/pretrain.h>

#include <string.h>

/* The layers of a model as they come. */
struct building {
    nninit_context *context;
    nninit_layer **layers;
    int count;
    float *values; /* room for the largest weight, and for its transposed */
    float *turned;
};

static nninit_status building_begin(struct building *b, const nninit_dbn *dbn) {
    int64_t largest = 0;
    for (int k = 0; k < dbn->count; k++) {
        const int64_t size = dbn->machines[k]->hidden * dbn->machines[k]->visible;
        largest = size > largest ? size : largest;
    }
    *b = (struct building){.context = dbn->object.context};
    b->layers = mem_array(b->context, 4 * dbn->count + 1, sizeof *b->layers);
    b->values = mem_array(b->context, largest, sizeof *b->values);
    b->turned = mem_array(b->context, largest, sizeof *b->turned);
    return b->layers && b->values && b->turned ? NNINIT_OK : NNINIT_ERR_MEMORY;
}

static void building_free(struct building *b) {
    for (int i = 0; i < b->count; i++)
        nninit_layer_destroy(&b->layers[i]);
    mem_free(b->context, b->layers);
    mem_free(b->context, b->values);
    mem_free(b->context, b->turned);
}

/* The model of all layers, unless status is a failure. */
static nninit_status building_end(struct building *b, nninit_status status, nninit_layer **out) {
    if (status == NNINIT_OK)
        status = nninit_sequential_create(out, b->context, b->layers, b->count);
    building_free(b);
    return status;
}

static nninit_status add_sigmoid(struct building *b) {
    nninit_status status = nninit_activation_create(&b->layers[b->count], b->context, NNINIT_SIGMOID, 0);
    b->count += status == NNINIT_OK;
    return status;
}

static nninit_status add_linear(struct building *b, int64_t inputs, int64_t outputs, nninit_layer **layer) {
    nninit_status status = nninit_linear_create(layer, b->context, inputs, outputs, 1, NULL);
    if (status == NNINIT_OK)
        b->layers[b->count++] = *layer;
    return status;
}

/* Inputs first … first + count - 1 of a machine's weight as [hidden, count], to b->turned. */
static nninit_status take_inputs(struct building *b, const nninit_rbm *rbm, int64_t first, int64_t count) {
    nninit_status status = storage_read(rbm->parameters[RBM_WEIGHT]->storage, b->values);
    for (int64_t j = 0; j < rbm->hidden && status == NNINIT_OK; j++)
        memcpy(b->turned + j * count, b->values + j * rbm->visible + first, (size_t)count * sizeof *b->turned);
    return status;
}

/* The same transposed, [count, hidden]. */
static nninit_status take_outputs(struct building *b, const nninit_rbm *rbm, int64_t first, int64_t count) {
    nninit_status status = storage_read(rbm->parameters[RBM_WEIGHT]->storage, b->values);
    for (int64_t i = 0; i < count && status == NNINIT_OK; i++)
        for (int64_t j = 0; j < rbm->hidden; j++)
            b->turned[i * rbm->hidden + j] = b->values[j * rbm->visible + first + i];
    return status;
}

static nninit_status write_linear(const struct building *b, nninit_layer *linear, const nninit_rbm *rbm, int bias,
                                  int64_t first) {
    const nninit_tensor *from = rbm->parameters[bias];
    nninit_status status = nninit_tensor_write(linear->parameters[0], b->turned, linear->parameters[0]->count);
    if (status == NNINIT_OK)
        status = storage_read(from->storage, b->values);
    return status < 0 ? status : nninit_tensor_write(linear->parameters[1], b->values + first, linear->outputs);
}

/* A linear layer from visible to hidden units. */
static nninit_status add_up(struct building *b, const nninit_rbm *rbm) {
    const int64_t inputs = rbm_features(rbm);
    nninit_layer *linear;
    nninit_status status = add_linear(b, inputs, rbm->hidden, &linear);
    if (status == NNINIT_OK)
        status = take_inputs(b, rbm, 0, inputs);
    return status < 0 ? status : write_linear(b, linear, rbm, RBM_HIDDEN_BIAS, 0);
}

/* From hidden units to visible ones, first … first + count - 1 of them. */
static nninit_status add_down(struct building *b, const nninit_rbm *rbm, int64_t first, int64_t count) {
    nninit_layer *linear;
    nninit_status status = add_linear(b, rbm->hidden, count, &linear);
    if (status == NNINIT_OK)
        status = take_outputs(b, rbm, first, count);
    return status < 0 ? status : write_linear(b, linear, rbm, RBM_VISIBLE_BIAS, first);
}

static nninit_status add_output(struct building *b, nninit_dbn *dbn, int64_t outputs, const nninit_initializer *initializer,
                                nninit_generator *generator) {
    nninit_rbm *top = dbn->machines[dbn->count - 1];
    if (!initializer && dbn->labels == outputs)
        return add_down(b, top, rbm_features(top), outputs);
    nninit_layer *linear;
    nninit_status status =
        nninit_linear_create(&linear, b->context, top->hidden, outputs, 1, initializer ? NULL : generator);
    if (status < 0)
        return status;
    b->layers[b->count++] = linear;
    return initializer ? nninit_initializer_apply(initializer, linear->parameters[0], generator) : NNINIT_OK;
}

nninit_status nninit_dbn_to_model(nninit_dbn *dbn, int64_t outputs, const nninit_initializer *initializer,
                                  nninit_generator *generator, nninit_layer **out) {
    if (out)
        *out = NULL;
    if (!dbn)
        return NNINIT_ERR_INVALID;
    nninit_context *context = dbn->object.context;
    if (!out || outputs < 0)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL, or outputs (%lld) is negative", (long long)outputs);
    struct building b;
    nninit_status status = building_begin(&b, dbn);
    for (int k = 0; k < dbn->count && status == NNINIT_OK; k++) {
        status = add_up(&b, dbn->machines[k]);
        if (status == NNINIT_OK)
            status = add_sigmoid(&b);
    }
    if (status == NNINIT_OK && outputs > 0)
        status = add_output(&b, dbn, outputs, initializer, generator);
    return building_end(&b, status, out);
}

nninit_status nninit_dbn_autoencoder(nninit_dbn *dbn, int linear_code, nninit_layer **out) {
    if (out)
        *out = NULL;
    if (!dbn)
        return NNINIT_ERR_INVALID;
    nninit_context *context = dbn->object.context;
    if (!out)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
    if (dbn->labels > 0)
        return context_fail(context, NNINIT_ERR_UNSUPPORTED, "a joint top, of data and labels, has no autoencoder");
    struct building b;
    nninit_status status = building_begin(&b, dbn);
    for (int k = 0; k < dbn->count && status == NNINIT_OK; k++) {
        status = add_up(&b, dbn->machines[k]);
        if (status == NNINIT_OK && (k < dbn->count - 1 || !linear_code))
            status = add_sigmoid(&b);
    }
    for (int k = dbn->count - 1; k >= 0 && status == NNINIT_OK; k--) {
        status = add_down(&b, dbn->machines[k], 0, dbn->machines[k]->visible);
        if (status == NNINIT_OK && dbn->machines[k]->units == NNINIT_RBM_BERNOULLI)
            status = add_sigmoid(&b);
    }
    return building_end(&b, status, out);
}

/* Widths of the machines of a model's linear layers but the last, [count]. */
static nninit_status find_widths(nninit_layer *model, nninit_layer **leaves, int leaf_count, int64_t *widths, int *count) {
    nninit_context *context = model->object.context;
    *count = 0;
    for (int i = 0; i < leaf_count; i++)
        if (leaves[i]->kind == LAYER_LINEAR) {
            if (leaves[i]->parameter_count < 2)
                return context_fail(context, NNINIT_ERR_SHAPE, "linear layer %d has no bias", *count);
            widths[(*count)++] = leaves[i]->inputs;
        }
    return *count >= 2 ? NNINIT_OK
                       : context_fail(context, NNINIT_ERR_SHAPE, "the model has %d linear layers; it must have at least 2",
                                      *count);
}

static nninit_status copy_machines(const nninit_dbn *dbn, nninit_layer **leaves, int leaf_count) {
    struct building b;
    nninit_status status = building_begin(&b, dbn);
    for (int i = 0, k = 0; i < leaf_count && k < dbn->count && status == NNINIT_OK; i++)
        if (leaves[i]->kind == LAYER_LINEAR) {
            const nninit_rbm *rbm = dbn->machines[k++];
            status = take_inputs(&b, rbm, 0, rbm->visible);
            if (status == NNINIT_OK)
                status = write_linear(&b, leaves[i], rbm, RBM_HIDDEN_BIAS, 0);
        }
    building_free(&b);
    return status;
}

static nninit_status pretrain(nninit_layer *model, nninit_layer **leaves, int64_t *widths, nninit_dataset *dataset,
                              const char *machine, const nninit_dbn_options *options, nninit_generator *generator) {
    nninit_dbn *dbn = NULL;
    struct snapshot before;
    int count, leaf_count = layer_leaves(model, leaves);
    nninit_status status = find_widths(model, leaves, leaf_count, widths, &count);
    if (status == NNINIT_OK)
        status = nninit_dbn_create(&dbn, model->object.context, machine, widths, count, 0, generator);
    if (status == NNINIT_OK)
        status = nninit_dbn_pretrain(dbn, dataset, options);
    if (status == NNINIT_OK)
        status = snapshot_begin(&before, model, NULL);
    if (status == NNINIT_OK)
        status = snapshot_end(&before, copy_machines(dbn, leaves, leaf_count));
    nninit_dbn_destroy(&dbn);
    return status;
}

nninit_status nninit_pretrain_rbm(nninit_layer *model, nninit_dataset *dataset, const char *machine,
                                  const nninit_dbn_options *options, nninit_generator *generator) {
    if (!model)
        return NNINIT_ERR_INVALID;
    nninit_context *context = model->object.context;
    const int leaf_count = layer_leaves(model, NULL);
    nninit_layer **leaves = mem_array(context, leaf_count, sizeof *leaves);
    int64_t *widths = mem_array(context, leaf_count, sizeof *widths);
    nninit_status status = leaves && widths
                               ? pretrain(model, leaves, widths, dataset, machine, options, generator)
                               : NNINIT_ERR_MEMORY;
    mem_free(context, leaves);
    mem_free(context, widths);
    return status;
}
