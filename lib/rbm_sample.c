/* SPDX-License-Identifier: MIT */
/* What a machine makes of given states: probabilities, reconstructions, transformed data sets and Gibbs samples. */
#include "rbm_program.h"

#include <math.h>
#include <string.h>

enum { PASS_ROWS = 500 }; /* of a batch of a pass over a data set */

static nninit_status check_arrays(nninit_rbm *rbm, const void *in, const void *out, int64_t rows) {
    if (in && out && rows >= 1 && rows <= INT32_MAX)
        return NNINIT_OK;
    return context_fail(rbm->object.context, NNINIT_ERR_INVALID, "v or h is NULL, or rows (%lld) is not 1 to %d",
                        (long long)rows, INT32_MAX);
}

static nninit_status pass_array(nninit_rbm *rbm, enum rbm_mode mode, const float *x, int64_t rows, float *y) {
    const struct rbm_request request = {mode, rows, ELEMENT_F32, 1, false};
    struct rbm_run *run;
    int64_t done;
    nninit_status status = check_arrays(rbm, x, y, rows);
    if (status == NNINIT_OK)
        status = rbm_run_get(&run, rbm, &request);
    if (status == NNINIT_OK)
        status = rbm_run_bind(run, x, rows, 0);
    if (status == NNINIT_OK)
        status = rbm_run_count_up(run);
    if (status == NNINIT_OK)
        status = rbm_run_steps(run, NULL, 1, &done);
    return status < 0 ? status : rbm_run_read(run, run->output, y);
}

nninit_status nninit_rbm_up(nninit_rbm *rbm, const float *v, int64_t rows, float *h) {
    return rbm ? pass_array(rbm, RBM_UP, v, rows, h) : NNINIT_ERR_INVALID;
}

nninit_status nninit_rbm_down(nninit_rbm *rbm, const float *h, int64_t rows, float *v) {
    return rbm ? pass_array(rbm, RBM_DOWN, h, rows, v) : NNINIT_ERR_INVALID;
}

/* A pass over a data set in order; `use` is told of each batch that has run. */
struct pass {
    nninit_rbm *rbm;
    nninit_dataset *dataset;
    enum rbm_mode mode;
    nninit_status (*use)(struct pass *pass, const struct rbm_run *run, int64_t first, int64_t rows);
    float *output;   /* [count, hidden] of a transformation, or room for a batch */
    float *input;    /* room for a batch */
    int64_t *labels; /* of a transformation: those that a callback gives, or NULL */
    double squared, entropy;
};

static nninit_status pass_batch(struct pass *p, int64_t first, int64_t rows) {
    nninit_dataset *dataset = p->dataset;
    const struct rbm_request request = {p->mode, rows, source_element(dataset), source_divisor(dataset),
                                        generator_is_philox(p->rbm->generator)};
    struct rbm_run *run;
    int32_t indices[PASS_ROWS];
    int64_t done;
    for (int64_t i = 0; i < rows; i++)
        indices[i] = (int32_t)(first + i);
    nninit_status status = rbm_run_get(&run, p->rbm, &request);
    if (status == NNINIT_OK)
        status = rbm_run_rows(run, dataset, indices, 1);
    if (status == NNINIT_OK)
        status = rbm_run_steps(run, p->rbm->generator, 1, &done);
    return status < 0 ? status : p->use(p, run, first, rows);
}

static nninit_status pass_run(struct pass *p) {
    nninit_context *context = p->rbm->object.context;
    nninit_status status = source_reserve(&p->rbm->source, p->dataset, PASS_ROWS);
    for (int64_t first = 0, rows; first < p->dataset->count && status == NNINIT_OK; first += rows) {
        rows = p->dataset->count - first < PASS_ROWS ? p->dataset->count - first : PASS_ROWS;
        status = pass_batch(p, first, rows);
        if (status == NNINIT_OK && context_cancelled(context))
            status = context_fail(context, NNINIT_ERR_CANCELLED, "cancelled at row %lld", (long long)first);
    }
    return status;
}

static nninit_status keep_output(struct pass *p, const struct rbm_run *run, int64_t first, int64_t rows) {
    if (p->labels && p->dataset->read)
        memcpy(p->labels + first, p->rbm->source.labels, (size_t)rows * sizeof *p->labels);
    return rbm_run_read(run, run->output, p->output + first * p->rbm->hidden);
}

nninit_status nninit_rbm_transform(nninit_rbm *rbm, nninit_dataset *dataset, nninit_rbm_values values,
                                   nninit_dataset **out) {
    if (out)
        *out = NULL;
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rbm->object.context;
    if (!out || (values != NNINIT_RBM_MEANS && values != NNINIT_RBM_SAMPLES))
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL, or values %d are unknown", (int)values);
    nninit_status status = rbm_check_dataset(rbm, dataset);
    if (status == NNINIT_OK && values == NNINIT_RBM_SAMPLES)
        status = rbm_check_generator(rbm);
    if (status == NNINIT_OK)
        status = rbm_check_rows(rbm, dataset);
    if (status < 0)
        return status;
    struct pass p = {.rbm = rbm, .dataset = dataset, .mode = values == NNINIT_RBM_MEANS ? RBM_UP : RBM_UP_SAMPLE,
                     .use = keep_output};
    nninit_dataset *made = NULL;
    p.output = mem_array(context, dataset->count * rbm->hidden, sizeof *p.output);
    p.labels = dataset->read ? mem_array(context, dataset->count, sizeof *p.labels) : NULL;
    status = p.output && (p.labels || !dataset->read) ? pass_run(&p) : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK)
        status = dataset_own(&made, dataset, p.output, p.labels, rbm->hidden);
    if (status < 0)
        mem_free(context, p.output);
    mem_free(context, p.labels);
    *out = made;
    return status;
}

/* Add a row's errors: v what was shown, x the input of its reconstruction. */
static void add_errors(struct pass *p, const float *v, const float *x) {
    const nninit_rbm *rbm = p->rbm;
    const int64_t features = rbm_features(rbm), visible = rbm->visible;
    for (int64_t i = 0; i < features; i++) {
        const double z = (double)x[i], mean = rbm->units == NNINIT_RBM_GAUSSIAN ? z : 1 / (1 + exp(-z));
        p->squared += ((double)v[i] - mean) * ((double)v[i] - mean);
        p->entropy += rbm_softplus(z) - (double)v[i] * z;
    }
    double most = -INFINITY, sum = 0;
    for (int64_t i = features; i < visible; i++)
        most = fmax(most, (double)x[i]);
    for (int64_t i = features; i < visible; i++)
        sum += exp((double)x[i] - most);
    for (int64_t i = features; i < visible; i++) {
        const double log_p = (double)x[i] - most - log(sum);
        p->squared += ((double)v[i] - exp(log_p)) * ((double)v[i] - exp(log_p));
        p->entropy -= (double)v[i] * log_p;
    }
}

static nninit_status sum_errors(struct pass *p, const struct rbm_run *run, int64_t first, int64_t rows) {
    (void)first;
    nninit_status status = rbm_run_read(run, run->visible, p->input);
    if (status == NNINIT_OK)
        status = rbm_run_read(run, run->output, p->output);
    for (int64_t r = 0; r < rows && status == NNINIT_OK; r++)
        add_errors(p, p->input + r * p->rbm->visible, p->output + r * p->rbm->visible);
    return status;
}

nninit_status nninit_rbm_reconstruction(nninit_rbm *rbm, nninit_dataset *dataset, double *squared, double *cross_entropy) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rbm->object.context;
    nninit_status status = rbm_check_dataset(rbm, dataset);
    if (status == NNINIT_OK && cross_entropy && rbm->units == NNINIT_RBM_GAUSSIAN)
        status = context_fail(context, NNINIT_ERR_UNSUPPORTED, "Gaussian units have no cross-entropy");
    if (status == NNINIT_OK)
        status = rbm_check_rows(rbm, dataset);
    if (status < 0)
        return status;
    struct pass p = {.rbm = rbm, .dataset = dataset, .mode = RBM_RECONSTRUCT, .use = sum_errors};
    p.input = mem_array(context, PASS_ROWS * rbm->visible, sizeof *p.input);
    p.output = mem_array(context, PASS_ROWS * rbm->visible, sizeof *p.output);
    status = p.input && p.output ? pass_run(&p) : NNINIT_ERR_MEMORY;
    mem_free(context, p.input);
    mem_free(context, p.output);
    if (status < 0)
        return status;
    if (squared)
        *squared = p.squared / ((double)dataset->count * (double)rbm->visible);
    if (cross_entropy)
        *cross_entropy = p.entropy / (double)dataset->count;
    return NNINIT_OK;
}

/* Zeros: no unit is kept. */
static nninit_status write_fixed(struct rbm_run *run, const float *fixed) {
    nninit_context *context = run->rbm->object.context;
    if (fixed)
        return context->executor->state_write(run->exec, run->fixed, fixed);
    float *none = mem_array(context, run->request.rows * run->rbm->visible, sizeof *none);
    nninit_status status = none ? context->executor->state_write(run->exec, run->fixed, none) : NNINIT_ERR_MEMORY;
    mem_free(context, none);
    return status;
}

nninit_status nninit_rbm_sample(nninit_rbm *rbm, float *v, int64_t rows, int64_t steps, const float *fixed, float *means) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rbm->object.context;
    const struct rbm_request request = {RBM_GIBBS, rows, ELEMENT_F32, 1, generator_is_philox(rbm->generator)};
    struct rbm_run *run;
    nninit_status status = check_arrays(rbm, v, v, rows);
    if (status == NNINIT_OK && steps < 0)
        status = context_fail(context, NNINIT_ERR_INVALID, "steps is %lld; it must be at least 0", (long long)steps);
    if (status == NNINIT_OK)
        status = rbm_check_generator(rbm);
    if (status == NNINIT_OK)
        status = rbm_run_get(&run, rbm, &request);
    if (status == NNINIT_OK)
        status = context->executor->state_write(run->exec, run->state, v);
    if (status == NNINIT_OK)
        status = context->executor->state_write(run->exec, run->output, v);
    if (status == NNINIT_OK)
        status = write_fixed(run, fixed);
    for (int64_t s = 0, done; s < steps && status == NNINIT_OK; s++) {
        status = rbm_run_steps(run, rbm->generator, 1, &done);
        if (status == NNINIT_OK && context_cancelled(context))
            status = context_fail(context, NNINIT_ERR_CANCELLED, "cancelled after step %lld", (long long)s + 1);
    }
    if (status == NNINIT_OK)
        status = rbm_run_read(run, run->state, v);
    return status < 0 || !means ? status : rbm_run_read(run, run->output, means);
}
