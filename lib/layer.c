/* SPDX-License-Identifier: MIT */
#include "layer.h"

#include "session.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void layer_release(struct object *object) {
    nninit_layer *layer = (nninit_layer *)object;
    for (int i = 0; i < layer->child_count; i++)
        object_drop(layer->children[i]);
    for (int i = 0; i < layer->parameter_count; i++) {
        if (layer->gradients)
            object_drop(layer->gradients[i]);
        if (layer->parameters)
            object_drop(layer->parameters[i]);
    }
}

static void layer_finish(struct object *object) {
    nninit_layer *layer = (nninit_layer *)object;
    sessions_free(layer);
    arena_drop(layer->gradient_arena);
    mem_free(object->context, layer->children);
    mem_free(object->context, layer->gradients);
    mem_free(object->context, layer->parameters);
}

static const struct object_type layer_type = {"layer", layer_release, layer_finish};

static nninit_status layer_make(nninit_layer **out, nninit_context *context, enum layer_kind kind, int parameters) {
    nninit_layer *layer = object_create(context, &layer_type, sizeof *layer);
    if (!layer)
        return NNINIT_ERR_MEMORY;
    layer->kind = kind;
    layer->parameter_count = parameters;
    layer->parameters = mem_array(context, parameters, sizeof *layer->parameters);
    if (!layer->parameters) {
        object_drop(layer);
        return NNINIT_ERR_MEMORY;
    }
    *out = layer;
    return NNINIT_OK;
}

static nninit_status check_out(void *out, nninit_context *context) {
    if (out)
        memset(out, 0, sizeof(void *));
    if (!context)
        return NNINIT_ERR_INVALID;
    return out ? NNINIT_OK : context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
}

static nninit_status add_parameter(nninit_layer *layer, int index, const char *name, const int64_t *shape, int rank) {
    struct storage *storage = storage_create(layer->object.context, shape[0], rank == 2 ? shape[1] : 1);
    if (!storage)
        return NNINIT_ERR_MEMORY;
    nninit_status status = tensor_view(&layer->parameters[index], storage, name, shape, rank);
    object_drop(storage);
    return status;
}

/* PyTorch's defaults: the weight is drawn before the bias. */
static nninit_status draw_defaults(nninit_layer *layer, nninit_generator *generator) {
    nninit_context *context = layer->object.context;
    nninit_initializer *weight = NULL, *bias = NULL;
    nninit_status status = nninit_initializer_create(&weight, context, NNINIT_INIT_TORCH_LINEAR_WEIGHT);
    if (status == NNINIT_OK)
        status = nninit_initializer_create(&bias, context, NNINIT_INIT_TORCH_LINEAR_BIAS);
    if (status == NNINIT_OK)
        status = nninit_initializer_set(bias, NNINIT_INIT_LAYER_FAN_IN, (double)layer->inputs);
    if (status == NNINIT_OK)
        status = nninit_initializer_apply(weight, layer->parameters[0], generator);
    if (status == NNINIT_OK && layer->parameter_count == 2)
        status = nninit_initializer_apply(bias, layer->parameters[1], generator);
    nninit_initializer_destroy(&weight);
    nninit_initializer_destroy(&bias);
    return status;
}

nninit_status nninit_linear_create(nninit_layer **out, nninit_context *context, int64_t inputs, int64_t outputs,
                                   int bias, nninit_generator *generator) {
    nninit_status status = check_out(out, context);
    if (status < 0)
        return status;
    const int64_t limit = 1 << 24;
    if (inputs < 1 || outputs < 1 || inputs > limit || outputs > limit)
        return context_fail(context, NNINIT_ERR_SHAPE, "linear layer of %lld inputs and %lld outputs; each must be 1 to %lld",
                            (long long)inputs, (long long)outputs, (long long)limit);
    if (generator && ((struct object *)generator)->context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the generator belongs to another context");
    nninit_layer *layer;
    status = layer_make(&layer, context, LAYER_LINEAR, bias ? 2 : 1);
    if (status < 0)
        return status;
    layer->inputs = inputs;
    layer->outputs = outputs;
    status = add_parameter(layer, 0, "weight", (const int64_t[]){outputs, inputs}, 2);
    if (status == NNINIT_OK && bias)
        status = add_parameter(layer, 1, "bias", &outputs, 1);
    if (status == NNINIT_OK && generator)
        status = draw_defaults(layer, generator);
    if (status < 0) {
        object_drop(layer);
        return status;
    }
    *out = layer;
    return NNINIT_OK;
}

nninit_status nninit_activation_create(nninit_layer **out, nninit_context *context, nninit_activation kind,
                                       double slope) {
    nninit_status status = check_out(out, context);
    if (status < 0)
        return status;
    if (kind == NNINIT_IDENTITY || kind == NNINIT_SELU)
        return context_fail(context, NNINIT_ERR_UNSUPPORTED, "no layer computes activation %d", (int)kind);
    if (kind < NNINIT_IDENTITY || kind > NNINIT_SELU)
        return context_fail(context, NNINIT_ERR_INVALID, "activation %d is unknown", (int)kind);
    if (kind == NNINIT_LEAKY_RELU && !(slope >= 0 && isfinite((float)slope)))
        return context_fail(context, NNINIT_ERR_INVALID, "slope is %g; it must be finite and at least 0", slope);
    nninit_layer *layer;
    status = layer_make(&layer, context, LAYER_ACTIVATION, 0);
    if (status < 0)
        return status;
    layer->activation = kind;
    layer->slope = slope;
    *out = layer;
    return NNINIT_OK;
}

static nninit_status check_chain(nninit_context *context, nninit_layer *const *layers, int count) {
    int64_t width = 0;
    for (int i = 0; i < count; i++) {
        if (!layers[i] || layers[i]->object.context != context)
            return context_fail(context, NNINIT_ERR_INVALID, "layer %d %s", i,
                                layers[i] ? "belongs to another context" : "is NULL");
        if (width && layers[i]->inputs && layers[i]->inputs != width)
            return context_fail(context, NNINIT_ERR_SHAPE, "layer %d takes %lld inputs, but is given %lld", i,
                                (long long)layers[i]->inputs, (long long)width);
        width = layers[i]->outputs ? layers[i]->outputs : width;
    }
    return NNINIT_OK;
}

/* Views of the children's parameters under names that begin with the child's number. */
static nninit_status adopt_parameters(nninit_layer *layer) {
    int next = 0;
    for (int i = 0; i < layer->child_count; i++)
        for (int k = 0; k < layer->children[i]->parameter_count; k++) {
            nninit_tensor *part = layer->children[i]->parameters[k];
            if (layer_position(layer, part->storage) >= 0)
                return context_fail(layer->object.context, NNINIT_ERR_INVALID,
                                    "parameter \"%s\" of layer %d is already in the model", part->name, i);
            char name[256];
            snprintf(name, sizeof name, "%d.%s", i, part->name);
            nninit_status status = tensor_view(&layer->parameters[next++], part->storage, name, part->shape, part->rank);
            if (status < 0)
                return status;
        }
    return NNINIT_OK;
}

nninit_status nninit_sequential_create(nninit_layer **out, nninit_context *context, nninit_layer *const *layers,
                                       int count) {
    nninit_status status = check_out(out, context);
    if (status < 0)
        return status;
    if (!layers || count < 1)
        return context_fail(context, NNINIT_ERR_INVALID, "a sequential of %d layers; it needs at least 1", count);
    status = check_chain(context, layers, count);
    if (status < 0)
        return status;
    int parameters = 0;
    for (int i = 0; i < count; i++)
        parameters += layers[i]->parameter_count;
    nninit_layer *layer;
    status = layer_make(&layer, context, LAYER_SEQUENTIAL, parameters);
    if (status < 0)
        return status;
    layer->children = mem_array(context, count, sizeof *layer->children);
    status = layer->children ? NNINIT_OK : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK) {
        for (; layer->child_count < count; layer->child_count++)
            layer->children[layer->child_count] = object_claim(layers[layer->child_count]);
        for (int i = count - 1; i >= 0; i--)
            layer->inputs = layers[i]->inputs ? layers[i]->inputs : layer->inputs;
        for (int i = 0; i < count; i++)
            layer->outputs = layers[i]->outputs ? layers[i]->outputs : layer->outputs;
        status = adopt_parameters(layer);
    }
    if (status < 0) {
        object_drop(layer);
        return status;
    }
    *out = layer;
    return NNINIT_OK;
}

nninit_status nninit_mlp_create(nninit_layer **out, nninit_context *context, const int64_t *widths, int count,
                                nninit_activation activation, nninit_generator *generator) {
    nninit_status status = check_out(out, context);
    if (status < 0)
        return status;
    if (!widths || count < 2)
        return context_fail(context, NNINIT_ERR_INVALID, "%d widths; a perceptron has at least 2", count);
    nninit_layer *between = NULL;
    nninit_layer **layers = mem_array(context, 2 * (int64_t)count, sizeof *layers);
    if (!layers)
        return NNINIT_ERR_MEMORY;
    if (activation != NNINIT_IDENTITY)
        status = nninit_activation_create(&between, context, activation, 0.01);
    int n = 0;
    for (int i = 0; i + 1 < count && status == NNINIT_OK; i++) {
        if (i > 0 && between)
            layers[n++] = object_claim(between);
        status = nninit_linear_create(&layers[n], context, widths[i], widths[i + 1], 1, generator);
        n += status == NNINIT_OK;
    }
    if (status == NNINIT_OK)
        status = nninit_sequential_create(out, context, layers, n);
    for (int i = 0; i < n; i++)
        object_drop(layers[i]);
    object_drop(between);
    mem_free(context, layers);
    return status;
}

void nninit_layer_destroy(nninit_layer **layer) {
    if (!layer)
        return;
    object_drop(*layer);
    *layer = NULL;
}

int64_t nninit_layer_inputs(const nninit_layer *layer) {
    return layer ? layer->inputs : -1;
}

int64_t nninit_layer_outputs(const nninit_layer *layer) {
    return layer ? layer->outputs : -1;
}

int nninit_layer_parameter_count(const nninit_layer *layer) {
    return layer ? layer->parameter_count : -1;
}

nninit_tensor *nninit_layer_parameter(nninit_layer *layer, int index) {
    return layer && index >= 0 && index < layer->parameter_count ? layer->parameters[index] : NULL;
}

nninit_status nninit_layer_gradient(nninit_layer *layer, int index, nninit_tensor **gradient) {
    if (gradient)
        *gradient = NULL;
    if (!layer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = layer->object.context;
    if (!gradient || index < 0 || index >= layer->parameter_count)
        return context_fail(context, NNINIT_ERR_INVALID, "gradient %d of a layer with %d parameters", index,
                            layer->parameter_count);
    if (!layer->gradients)
        return context_fail(context, NNINIT_ERR_STATE, "nninit_gradient() has not run on this layer");
    *gradient = layer->gradients[index];
    return NNINIT_OK;
}

nninit_status nninit_layer_find(nninit_layer *layer, const char *name, nninit_tensor **tensor) {
    if (tensor)
        *tensor = NULL;
    if (!layer)
        return NNINIT_ERR_INVALID;
    if (!name || !tensor)
        return context_fail(layer->object.context, NNINIT_ERR_INVALID, "%s is NULL", name ? "tensor" : "name");
    for (int i = 0; i < layer->parameter_count; i++)
        if (strcmp(layer->parameters[i]->name, name) == 0) {
            *tensor = layer->parameters[i];
            return NNINIT_OK;
        }
    return context_fail(layer->object.context, NNINIT_ERR_NOT_FOUND, "no parameter is called \"%.100s\"", name);
}

/* A mismatch gives the last star one more character; earlier stars need no second try. */
bool layer_name_matches(const char *pattern, const char *name) {
    const char *star = NULL, *taken = name; /* what the last star has taken ends at `taken` */
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            taken = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

nninit_status nninit_layer_init(nninit_layer *layer, const char *pattern, const nninit_initializer *initializer,
                                nninit_generator *generator) {
    if (!layer)
        return NNINIT_ERR_INVALID;
    if (!pattern)
        return context_fail(layer->object.context, NNINIT_ERR_INVALID, "pattern is NULL");
    int found = 0;
    for (int i = 0; i < layer->parameter_count; i++) {
        if (!layer_name_matches(pattern, layer->parameters[i]->name))
            continue;
        found++;
        nninit_status status = nninit_initializer_apply(initializer, layer->parameters[i], generator);
        if (status < 0)
            return status;
    }
    return found ? NNINIT_OK
                 : context_fail(layer->object.context, NNINIT_ERR_NOT_FOUND, "no parameter matches \"%.100s\"", pattern);
}

int layer_leaves(nninit_layer *model, nninit_layer **leaves) {
    if (model->kind != LAYER_SEQUENTIAL) {
        if (leaves)
            *leaves = model;
        return 1;
    }
    int count = 0;
    for (int i = 0; i < model->child_count; i++)
        count += layer_leaves(model->children[i], leaves ? leaves + count : NULL);
    return count;
}

int layer_position(const nninit_layer *model, const struct storage *storage) {
    for (int i = 0; i < model->parameter_count; i++)
        if (model->parameters[i] && model->parameters[i]->storage == storage)
            return i;
    return -1;
}
