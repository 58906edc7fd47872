/* SPDX-License-Identifier: MIT */
/* A stack as a model of its data: samples and, by a joint top, labels. */
#include "dbn.h"

#include <math.h>
#include <string.h>

/* Room for the rows of any layer, twice, and for what the top machine keeps. */
struct layers {
    nninit_context *context;
    float *x, *y;
    float *fixed;
};

static nninit_status layers_begin(struct layers *l, const nninit_dbn *dbn, int64_t rows) {
    int64_t widest = dbn->machines[dbn->count - 1]->hidden;
    for (int k = 0; k < dbn->count; k++)
        widest = dbn->machines[k]->visible > widest ? dbn->machines[k]->visible : widest;
    *l = (struct layers){.context = dbn->object.context};
    if (rows < 1 || rows > INT32_MAX)
        return context_fail(l->context, NNINIT_ERR_INVALID, "rows is %lld; it must be 1 to %d", (long long)rows, INT32_MAX);
    l->x = mem_array(l->context, rows * widest, sizeof *l->x);
    l->y = mem_array(l->context, rows * widest, sizeof *l->y);
    l->fixed = mem_array(l->context, rows * widest, sizeof *l->fixed);
    return l->x && l->y && l->fixed ? NNINIT_OK : NNINIT_ERR_MEMORY;
}

static void layers_end(struct layers *l) {
    mem_free(l->context, l->x);
    mem_free(l->context, l->y);
    mem_free(l->context, l->fixed);
}

static void swap(struct layers *l) {
    float *x = l->x;
    l->x = l->y;
    l->y = x;
}

/* The means below the top machine, to l->x [rows, its features]. */
static nninit_status rise(struct layers *l, nninit_dbn *dbn, const float *v, int64_t rows) {
    nninit_status status = NNINIT_OK;
    memcpy(l->x, v, (size_t)(rows * rbm_features(dbn->machines[0])) * sizeof *l->x);
    for (int k = 0; k < dbn->count - 1 && status == NNINIT_OK; k++) {
        status = nninit_rbm_up(dbn->machines[k], l->x, rows, l->y);
        swap(l);
    }
    return status;
}

/* Put labels behind the rows of l->x, or where they are not given all of them evenly: [rows, visible of the top]. */
static void widen(struct layers *l, const nninit_dbn *dbn, const int64_t *labels, int64_t rows) {
    const int64_t visible = dbn->machines[dbn->count - 1]->visible, features = visible - dbn->labels;
    for (int64_t r = 0; r < rows; r++) {
        memcpy(l->y + r * visible, l->x + r * features, (size_t)features * sizeof *l->y);
        for (int64_t c = 0; c < dbn->labels; c++) {
            l->y[r * visible + features + c] = labels ? labels[r] == c : 1.0f / (float)dbn->labels;
            l->fixed[r * visible + features + c] = labels != NULL;
        }
    }
    swap(l);
}

/* … and back to the features. */
static void narrow(struct layers *l, const nninit_dbn *dbn, int64_t rows) {
    const int64_t visible = dbn->machines[dbn->count - 1]->visible, features = visible - dbn->labels;
    for (int64_t r = 0; r < rows; r++)
        memcpy(l->y + r * features, l->x + r * visible, (size_t)features * sizeof *l->y);
    swap(l);
}

/* From states of the top machine's features to means of the stack's visible units. */
static nninit_status fall(struct layers *l, nninit_dbn *dbn, int64_t rows) {
    nninit_status status = NNINIT_OK;
    for (int k = dbn->count - 2; k >= 0 && status == NNINIT_OK; k--) {
        nninit_rbm *rbm = dbn->machines[k];
        status = nninit_rbm_down(rbm, l->x, rows, l->y);
        if (status == NNINIT_OK && k > 0)
            status = nninit_generator_bernoulli_each(rbm->generator, NNINIT_FLOAT32, l->y, l->y, rows * rbm->visible);
        swap(l);
    }
    return status;
}

static nninit_status check_labels(const nninit_dbn *dbn, const int64_t *labels, int64_t rows) {
    nninit_context *context = dbn->object.context;
    if (labels && dbn->labels == 0)
        return context_fail(context, NNINIT_ERR_STATE, "the top machine has no labels");
    for (int64_t r = 0; labels && r < rows; r++)
        if (labels[r] < 0 || labels[r] >= dbn->labels)
            return context_fail(context, NNINIT_ERR_INVALID, "label %lld of row %lld; the top machine has %lld",
                                (long long)labels[r], (long long)r, (long long)dbn->labels);
    return NNINIT_OK;
}

nninit_status nninit_dbn_sample(nninit_dbn *dbn, float *v, int64_t rows, int64_t steps, const int64_t *labels) {
    if (!dbn)
        return NNINIT_ERR_INVALID;
    if (!v)
        return context_fail(dbn->object.context, NNINIT_ERR_INVALID, "v is NULL");
    nninit_rbm *top = dbn->machines[dbn->count - 1];
    struct layers l;
    nninit_status status = layers_begin(&l, dbn, rows);
    if (status == NNINIT_OK)
        status = check_labels(dbn, labels, rows);
    if (status == NNINIT_OK)
        status = rise(&l, dbn, v, rows);
    if (status == NNINIT_OK) {
        widen(&l, dbn, labels, rows);
        status = nninit_rbm_sample(top, l.x, rows, steps, l.fixed, dbn->count == 1 ? l.y : NULL);
    }
    if (status == NNINIT_OK && dbn->count == 1)
        swap(&l);
    if (status == NNINIT_OK) {
        narrow(&l, dbn, rows);
        status = fall(&l, dbn, rows);
    }
    if (status == NNINIT_OK)
        memcpy(v, l.x, (size_t)(rows * rbm_features(dbn->machines[0])) * sizeof *v);
    layers_end(&l);
    return status;
}

/* The label whose free energy is lowest: -d[c] - sum over hidden units of softplus(input + U[:, c]). */
static int64_t best_label(const struct rbm_values *values, const nninit_rbm *top, const float *features, double *input) {
    const int64_t first = rbm_features(top), labels = top->visible - first;
    int64_t best = 0;
    double lowest = INFINITY;
    rbm_input(top, values, features, first, input);
    for (int64_t c = 0; c < labels; c++) {
        double energy = -values->visible_bias[first + c];
        for (int64_t j = 0; j < top->hidden; j++)
            energy -= rbm_softplus(input[j] + values->turned[(first + c) * top->hidden + j]);
        if (energy < lowest) {
            lowest = energy;
            best = c;
        }
    }
    return best;
}

nninit_status nninit_dbn_classify(nninit_dbn *dbn, const float *v, int64_t rows, int64_t *labels) {
    if (!dbn)
        return NNINIT_ERR_INVALID;
    nninit_context *context = dbn->object.context;
    nninit_rbm *top = dbn->machines[dbn->count - 1];
    if (!v || !labels)
        return context_fail(context, NNINIT_ERR_INVALID, "%s is NULL", v ? "labels" : "v");
    if (dbn->labels == 0)
        return context_fail(context, NNINIT_ERR_STATE, "the top machine has no labels");
    struct rbm_values values = {0};
    struct layers l;
    double *input = mem_array(context, top->hidden, sizeof *input);
    nninit_status status = layers_begin(&l, dbn, rows);
    if (status == NNINIT_OK)
        status = input ? rbm_values_read(&values, top) : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK)
        status = rise(&l, dbn, v, rows);
    for (int64_t r = 0; r < rows && status == NNINIT_OK; r++)
        labels[r] = best_label(&values, top, l.x + r * rbm_features(top), input);
    rbm_values_free(&values, top);
    mem_free(context, input);
    layers_end(&l);
    return status;
}
