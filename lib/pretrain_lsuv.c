/* SPDX-License-Identifier: MIT */
/* Layer-sequential unit-variance initialization. Outputs are computed by the library's own forward pass, of one segment
 * after the other: the layers from after one linear layer up to the next one, on the outputs of the segment before it. */
#include "fpenv.h"
#include "host/orthogonal.h"
#include "host/statistics.h"
#include "options.h"
#include "snapshot.h"

#include <nninit/pretrain.h>

#include <math.h>
#include <string.h>

struct lsuv {
    nninit_context *context;
    nninit_layer *model;
    nninit_pretrain_lsuv_options options;
    nninit_generator *generator;
    nninit_layer **leaves;
    int leaf_count;
    int64_t rows;
    float *input, *output; /* [rows, widest layer], of the segment at hand */
    float *weight;         /* [largest weight] */
    double *room;          /* of the largest weight, for host_orthogonal() */
};

static nninit_status take_options(struct lsuv *l, const nninit_pretrain_lsuv_options *given) {
    nninit_pretrain_lsuv_options o;
    nninit_status status = options_take(l->context, &o, sizeof o, given);
    if (status < 0)
        return status;
    o.needed_std = o.needed_std == 0 ? 1 : o.needed_std;
    o.tolerance = o.tolerance == 0 ? 0.1 : o.tolerance;
    o.max_attempts = o.max_attempts == 0 ? 10 : o.max_attempts;
    if (!(o.needed_std > 0 && isfinite(o.needed_std)) || !(o.tolerance > 0 && isfinite(o.tolerance)) || o.max_attempts < 1)
        return context_fail(l->context, NNINIT_ERR_INVALID,
                            "needed_std is %g, tolerance %g, max_attempts %d; they must be finite and above 0",
                            o.needed_std, o.tolerance, o.max_attempts);
    l->options = o;
    return NNINIT_OK;
}

static nninit_status check(struct lsuv *l, const float *x, const nninit_pretrain_lsuv_options *options) {
    if (!x || l->rows < 1 || l->rows > INT32_MAX)
        return context_fail(l->context, NNINIT_ERR_INVALID, "x is NULL, or rows (%lld) is not 1 to %d", (long long)l->rows,
                            INT32_MAX);
    if (l->model->inputs == 0)
        return context_fail(l->context, NNINIT_ERR_SHAPE, "the model has no linear layer");
    nninit_status status = take_options(l, options);
    if (status < 0)
        return status;
    if (l->generator ? ((struct object *)l->generator)->context != l->context : !l->options.keep_weights)
        return context_fail(l->context, NNINIT_ERR_INVALID, "the generator is NULL, or belongs to another context");
    return NNINIT_OK;
}

static nninit_status allocate(struct lsuv *l) {
    int64_t widest = l->model->inputs, largest = 0, room = 0;
    l->leaf_count = layer_leaves(l->model, NULL);
    l->leaves = mem_array(l->context, l->leaf_count, sizeof *l->leaves);
    if (!l->leaves)
        return NNINIT_ERR_MEMORY;
    layer_leaves(l->model, l->leaves);
    for (int i = 0; i < l->leaf_count; i++) {
        const nninit_layer *leaf = l->leaves[i];
        if (leaf->kind != LAYER_LINEAR)
            continue;
        const int64_t size = leaf->outputs * leaf->inputs, more = host_orthogonal_room(leaf->outputs, leaf->inputs);
        widest = leaf->outputs > widest ? leaf->outputs : widest;
        largest = size > largest ? size : largest;
        room = more > room ? more : room;
    }
    l->input = mem_array(l->context, l->rows * widest, sizeof *l->input);
    l->output = mem_array(l->context, l->rows * widest, sizeof *l->output);
    l->weight = mem_array(l->context, largest, sizeof *l->weight);
    l->room = mem_array(l->context, l->options.keep_weights ? 0 : room, sizeof *l->room);
    return l->input && l->output && l->weight && l->room ? NNINIT_OK : NNINIT_ERR_MEMORY;
}

static void release(struct lsuv *l) {
    mem_free(l->context, l->leaves);
    mem_free(l->context, l->input);
    mem_free(l->context, l->output);
    mem_free(l->context, l->weight);
    mem_free(l->context, l->room);
}

static nninit_status orthonormalize(struct lsuv *l, nninit_layer *linear) {
    nninit_tensor *weight = linear->parameters[0], *bias = linear->parameter_count == 2 ? linear->parameters[1] : NULL;
    nninit_status status = nninit_generator_normal(l->generator, NNINIT_FLOAT32, l->weight, weight->count, 0, 1);
    if (status < 0)
        return status;
    host_orthogonal(NNINIT_FLOAT32, l->weight, linear->outputs, linear->inputs, 1, l->room);
    status = nninit_tensor_write(weight, l->weight, weight->count);
    if (status < 0 || !bias)
        return status;
    memset(l->output, 0, (size_t)bias->count * sizeof *l->output);
    return nninit_tensor_write(bias, l->output, bias->count);
}

static nninit_status scale(struct lsuv *l, nninit_tensor *weight, double factor) {
    nninit_status status = nninit_tensor_read(weight, l->weight, weight->count);
    if (status < 0)
        return status;
    for (int64_t i = 0; i < weight->count; i++)
        l->weight[i] = (float)(l->weight[i] * factor);
    return nninit_tensor_write(weight, l->weight, weight->count);
}

/* Scale the weight of the last layer of a segment until its outputs are as they should be. */
static nninit_status normalize(struct lsuv *l, nninit_layer *segment, nninit_tensor *weight) {
    const nninit_pretrain_lsuv_options *o = &l->options;
    const char *name = l->model->parameters[layer_position(l->model, weight->storage)]->name;
    for (int attempt = 0;; attempt++) {
        nninit_status status = nninit_layer_forward(segment, l->input, l->rows, l->output);
        if (status < 0)
            return status;
        double mean, variance;
        statistics_moments(l->output, l->rows * segment->outputs, &mean, &variance);
        const double std = sqrt(variance), factor = o->needed_std / std;
        if (!isfinite(std) || !isfinite((float)factor))
            return context_fail(l->context, NNINIT_ERR_NUMERIC,
                                "the outputs that \"%s\" makes of this batch have a standard deviation of %g: they cannot be "
                                "scaled", name, std);
        if (fabs(std - o->needed_std) <= o->tolerance)
            return NNINIT_OK;
        if (attempt == o->max_attempts)
            return context_fail(l->context, NNINIT_ERR_NUMERIC,
                                "the outputs that \"%s\" makes have a standard deviation of %g after %d attempts; needed: "
                                "%g within %g", name, std, attempt, o->needed_std, o->tolerance);
        status = scale(l, weight, factor);
        if (status < 0)
            return status;
    }
}

static nninit_status run(struct lsuv *l) {
    nninit_status status = NNINIT_OK;
    for (int i = 0; i < l->leaf_count && status == NNINIT_OK && !l->options.keep_weights; i++)
        if (l->leaves[i]->kind == LAYER_LINEAR)
            status = orthonormalize(l, l->leaves[i]);
    for (int begin = 0, i = 0; i < l->leaf_count && status == NNINIT_OK; i++) {
        nninit_layer *segment;
        if (l->leaves[i]->kind != LAYER_LINEAR)
            continue;
        status = nninit_sequential_create(&segment, l->context, l->leaves + begin, i + 1 - begin);
        if (status < 0)
            return status;
        status = normalize(l, segment, l->leaves[i]->parameters[0]);
        nninit_layer_destroy(&segment);
        float *output = l->output;
        l->output = l->input;
        l->input = output;
        begin = i + 1;
    }
    return status;
}

nninit_status nninit_pretrain_lsuv(nninit_layer *model, const float *x, int64_t rows,
                                   const nninit_pretrain_lsuv_options *options, nninit_generator *generator) {
    if (!model)
        return NNINIT_ERR_INVALID;
    struct lsuv l = {.context = model->object.context, .model = model, .generator = generator, .rows = rows};
    struct snapshot before;
    fenv_t caller;
    nninit_status status = check(&l, x, options);
    if (status == NNINIT_OK)
        status = allocate(&l);
    if (status == NNINIT_OK)
        status = snapshot_begin(&before, model, generator);
    if (status == NNINIT_OK) {
        memcpy(l.input, x, (size_t)(rows * model->inputs) * sizeof *x);
        fpenv_enter(&caller);
        status = snapshot_end(&before, run(&l));
        fpenv_leave(&caller);
    }
    release(&l);
    return status;
}
