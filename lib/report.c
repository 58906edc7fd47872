/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "options.h"

#include "fpenv.h"
#include "session.h"
#include "step.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void report_finish(struct object *object) {
    nninit_report *report = (nninit_report *)object;
    for (int i = 0; report->layers && i < report->layer_count; i++) {
        const nninit_report_layer *layer = &report->layers[i];
        mem_free(object->context, (void *)layer->name);
        mem_free(object->context, (void *)layer->outputs);
        mem_free(object->context, (void *)layer->gradients);
        mem_free(object->context, (void *)layer->weight_spectrum);
        mem_free(object->context, (void *)layer->jacobian_spectrum);
    }
    mem_free(object->context, report->layers);
    mem_free(object->context, report->text);
    mem_free(object->context, report->json);
}

static const struct object_type report_type = {"report", NULL, report_finish};

static nninit_status take_options(struct reporting *r, const nninit_report_options *given, int64_t rows) {
    nninit_report_options *o = &r->options;
    nninit_status status = options_take(r->context, o, sizeof *o, given);
    if (status < 0)
        return status;
    if (o->row < 0 || o->row >= rows)
        return context_fail(r->context, NNINIT_ERR_INVALID, "row is %lld; the batch has %lld rows", (long long)o->row,
                            (long long)rows);
    if (o->loss_count < 0 || (o->loss_count > 0 && !o->losses))
        return context_fail(r->context, NNINIT_ERR_INVALID, "losses is NULL, or their number (%lld) is negative",
                            (long long)o->loss_count);
    if (o->optimizer && o->optimizer->object.context != r->context)
        return context_fail(r->context, NNINIT_ERR_INVALID, "the optimizer belongs to another context");
    if (o->optimizer && o->optimizer->model && o->optimizer->model != r->model)
        return context_fail(r->context, NNINIT_ERR_STATE, "the optimizer belongs to another model");
    return NNINIT_OK;
}

static nninit_status allocate(struct reporting *r) {
    nninit_report *report = r->report;
    int64_t largest = 0, inputs = r->model->inputs;
    report->layer_count = layer_leaves(r->model, NULL);
    r->leaves = mem_array(r->context, report->layer_count, sizeof *r->leaves);
    report->layers = mem_array(r->context, report->layer_count, sizeof *report->layers);
    if (!r->leaves || !report->layers)
        return NNINIT_ERR_MEMORY;
    layer_leaves(r->model, r->leaves);
    r->widest = inputs;
    for (int i = 0; i < report->layer_count; i++) {
        const nninit_layer *leaf = r->leaves[i];
        const int64_t size = leaf->kind == LAYER_LINEAR ? leaf->outputs * leaf->inputs : 0;
        r->widest = leaf->outputs > r->widest ? leaf->outputs : r->widest;
        largest = size > largest ? size : largest;
    }
    const int64_t room = r->options.no_spectra ? 0 : r->widest * inputs > largest ? r->widest * inputs : largest;
    r->weight = mem_array(r->context, largest, sizeof *r->weight);
    r->gradient = mem_array(r->context, largest, sizeof *r->gradient);
    r->m = mem_array(r->context, r->options.optimizer ? largest : 0, sizeof *r->m);
    r->v = mem_array(r->context, r->options.optimizer ? largest : 0, sizeof *r->v);
    r->matrix = mem_array(r->context, room, sizeof *r->matrix);
    r->jacobian = mem_array(r->context, room, sizeof *r->jacobian);
    r->product = mem_array(r->context, room, sizeof *r->product);
    r->sums = mem_array(r->context, 2 * r->widest, sizeof *r->sums);
    r->marks = mem_array(r->context, r->widest, sizeof *r->marks);
    return r->weight && r->gradient && r->m && r->v && r->matrix && r->jacobian && r->product && r->sums && r->marks
               ? NNINIT_OK
               : NNINIT_ERR_MEMORY;
}

static void release(struct reporting *r) {
    void *const rooms[] = {r->leaves, r->weight, r->gradient, r->m, r->v, r->matrix, r->jacobian, r->product, r->sums,
                           r->marks};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
        mem_free(r->context, rooms[i]);
}

/* The leaves' names: their numbers from the outermost sequential on. *next: how many there are. */
static nninit_status name_leaves(nninit_report *report, const nninit_layer *layer, const char *name, int *next) {
    nninit_status status = NNINIT_OK;
    if (layer->kind != LAYER_SEQUENTIAL) {
        report->layers[*next].name = mem_string(report->object.context, name);
        return report->layers[(*next)++].name ? NNINIT_OK : NNINIT_ERR_MEMORY;
    }
    for (int i = 0; i < layer->child_count && status == NNINIT_OK; i++) {
        const size_t size = strlen(name) + 13; /* a point, ten digits, and a sign as far as the compiler knows */
        char *longer = mem_alloc(report->object.context, size);
        if (!longer)
            return NNINIT_ERR_MEMORY;
        snprintf(longer, size, "%s%s%d", name, *name ? "." : "", i);
        status = name_leaves(report, layer->children[i], longer, next);
        mem_free(report->object.context, longer);
    }
    return status;
}

static nninit_status read_kept(struct reporting *r, const struct session *session, int value, int64_t units,
                               const float **out) {
    float *values = mem_array(r->context, r->report->rows * units, sizeof *values);
    *out = values;
    return values ? r->context->executor->buffer_read(session->exec, value, values) : NNINIT_ERR_MEMORY;
}

/* What the session of the batch has kept. A gradient after leaf i is that of its outputs. */
static nninit_status read_layers(struct reporting *r) {
    static const char *const activations[] = {[NNINIT_SIGMOID] = "sigmoid", [NNINIT_TANH] = "tanh", [NNINIT_RELU] = "relu",
                                              [NNINIT_LEAKY_RELU] = "leaky_relu"};
    const struct session *session = r->model->sessions;
    const int count = r->report->layer_count;
    int64_t units = r->model->inputs;
    nninit_status status = NNINIT_OK;
    for (int i = 0; i < count && status == NNINIT_OK; i++) {
        nninit_report_layer *layer = &r->report->layers[i];
        const nninit_layer *leaf = r->leaves[i];
        const int gradient = session->kept[count + 1 + i + 1];
        units = leaf->kind == LAYER_LINEAR ? leaf->outputs : units;
        layer->size = sizeof *layer;
        layer->kind = leaf->kind == LAYER_LINEAR ? "linear" : activations[leaf->activation];
        layer->units = units;
        status = read_kept(r, session, session->kept[i + 1], units, &layer->outputs);
        if (status == NNINIT_OK && gradient >= 0)
            status = read_kept(r, session, gradient, units, &layer->gradients);
    }
    return status;
}

static nninit_status make(struct reporting *r, nninit_loss loss, const void *target) {
    nninit_report *report = r->report;
    nninit_status status = step_gradient(r->model, loss, r->x, target, report->rows, true, &report->loss);
    if (status < 0 && status != NNINIT_ERR_NUMERIC)
        return status;
    int names = 0;
    status = name_leaves(report, r->model, "", &names);
    if (status == NNINIT_OK)
        status = read_layers(r);
    double square = 0;
    const int64_t count = report->rows * r->model->inputs;
    for (int64_t i = 0; i < count; i++)
        square += (double)r->x[i] * r->x[i];
    report->input_square = square / (double)count;
    report->input_signal = report_signal(r->x, report->rows, r->model->inputs, r->sums);
    for (int i = 0; i < report->layer_count && status == NNINIT_OK; i++)
        status = report_measure(r, i);
    if (status == NNINIT_OK && !r->options.no_spectra)
        status = report_spectra(r);
    if (status < 0)
        return status;
    report_judge(report, &r->options);
    return report_write(report);
}

nninit_status nninit_report_create(nninit_report **out, nninit_layer *model, nninit_loss loss, const float *x,
                                   const void *target, int64_t rows, const nninit_report_options *options) {
    if (out)
        *out = NULL;
    if (!model)
        return NNINIT_ERR_INVALID;
    struct reporting r = {.context = model->object.context, .model = model, .x = x};
    if (!out)
        return context_fail(r.context, NNINIT_ERR_INVALID, "out is NULL");
    nninit_status status = step_check(model, loss, x, target, rows);
    if (status == NNINIT_OK)
        status = take_options(&r, options, rows);
    if (status < 0)
        return status;
    r.report = object_create(r.context, &report_type, sizeof *r.report);
    if (!r.report)
        return NNINIT_ERR_MEMORY;
    r.report->rows = rows;
    fenv_t caller;
    fpenv_enter(&caller);
    status = allocate(&r);
    if (status == NNINIT_OK)
        status = make(&r, loss, target);
    fpenv_leave(&caller);
    release(&r);
    if (status < 0)
        object_drop(r.report);
    else
        *out = r.report;
    return status;
}

void nninit_report_destroy(nninit_report **report) {
    if (!report)
        return;
    object_drop(*report);
    *report = NULL;
}

nninit_verdict nninit_report_verdict(const nninit_report *report) {
    return report && report->finding_count ? report->findings[0].verdict : NNINIT_VERDICT_HEALTHY;
}

double nninit_report_loss(const nninit_report *report) {
    return report ? (double)report->loss : (double)NAN;
}

int nninit_report_layer_count(const nninit_report *report) {
    return report ? report->layer_count : -1;
}

int nninit_report_finding_count(const nninit_report *report) {
    return report ? report->finding_count : -1;
}

/* As much of item `index` as the caller's struct, which begins with its size, can hold. */
static nninit_status lend(const nninit_report *report, const void *items, int count, size_t size, int index, void *out) {
    size_t given;
    if (!report)
        return NNINIT_ERR_INVALID;
    if (out)
        memcpy(&given, out, sizeof given);
    if (!out || given <= sizeof given)
        return context_fail(report->object.context, NNINIT_ERR_INVALID, "the struct is NULL, or its size is not set");
    if (index < 0 || index >= count)
        return context_fail(report->object.context, NNINIT_ERR_INVALID, "index is %d; there are %d", index, count);
    memcpy((char *)out + sizeof given, (const char *)items + (size_t)index * size + sizeof given,
           (given < size ? given : size) - sizeof given);
    return NNINIT_OK;
}

nninit_status nninit_report_get_layer(const nninit_report *report, int index, nninit_report_layer *layer) {
    return lend(report, report ? report->layers : NULL, nninit_report_layer_count(report), sizeof *layer, index, layer);
}

nninit_status nninit_report_get_finding(const nninit_report *report, int index, nninit_finding *finding) {
    return lend(report, report ? report->findings : NULL, nninit_report_finding_count(report), sizeof *finding, index,
                finding);
}

const char *nninit_report_text(const nninit_report *report) {
    return report ? report->text : NULL;
}

const char *nninit_report_json(const nninit_report *report) {
    return report ? report->json : NULL;
}
