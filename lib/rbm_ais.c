/* SPDX-License-Identifier: MIT */
/* Annealed importance sampling. Between a distribution without weights and the machine's lie, for each inverse temperature
 * beta, p(v) ~ exp(base.v + beta difference.v) times (1 + exp(beta (Wv + c)[j])) for each hidden unit j, difference =
 * b - base; Gaussian units have exp(-|v|^2 / 2) besides. A chain's weight is the product of p's ratios on its way. */
#include "rbm_program.h"

#include "fpenv.h"
#include "options.h"

#include <math.h>
#include <string.h>

/* Salakhutdinov & Murray 2008, 4.1. */
enum { COARSE = 500, MIDDLE = 4000, FINE = 10000, TEMPERATURES = COARSE + MIDDLE + FINE + 1, CHAINS = 100 };

struct ais {
    nninit_context *context;
    nninit_rbm *rbm;
    nninit_generator *generator;
    nninit_rbm_ais_options options;
    struct rbm_run *run;
    double *weights;          /* [chains], logarithms */
    double *means;            /* [visible] */
    float *base, *difference; /* [visible] */
    float *sums;              /* [3][chains] */
};

static double beta_of(const nninit_rbm_ais_options *o, int64_t k) {
    if (o->betas)
        return o->betas[k];
    if (k <= COARSE)
        return .5 * (double)k / COARSE;
    if (k <= COARSE + MIDDLE)
        return .5 + .4 * (double)(k - COARSE) / MIDDLE;
    return .9 + .1 * (double)(k - COARSE - MIDDLE) / FINE;
}

static nninit_status check_betas(const struct ais *a) {
    const nninit_rbm_ais_options *o = &a->options;
    bool ascend = o->betas[0] == 0 && o->betas[o->temperatures - 1] == 1;
    for (int64_t k = 1; k < o->temperatures; k++)
        ascend = ascend && o->betas[k] >= o->betas[k - 1];
    return ascend ? NNINIT_OK
                  : context_fail(a->context, NNINIT_ERR_INVALID, "betas do not ascend from 0 to 1");
}

static nninit_status take_options(struct ais *a, const nninit_rbm_ais_options *given) {
    nninit_rbm_ais_options *o = &a->options;
    nninit_status status = options_take(a->context, o, sizeof *o, given);
    if (status < 0)
        return status;
    o->chains = o->chains == 0 ? CHAINS : o->chains;
    o->temperatures = o->temperatures == 0 && !o->betas ? TEMPERATURES : o->temperatures;
    if (o->chains < 2 || o->chains > INT32_MAX || o->temperatures < 2 || (!o->betas && o->temperatures != TEMPERATURES))
        return context_fail(a->context, NNINIT_ERR_INVALID,
                            "%lld chains, %lld temperatures; there must be at least 2 of each, and betas for those",
                            (long long)o->chains, (long long)o->temperatures);
    status = o->betas ? check_betas(a) : NNINIT_OK;
    return status < 0 || !o->base ? status : rbm_check_dataset(a->rbm, o->base);
}

static nninit_status allocate(struct ais *a) {
    const int64_t visible = a->rbm->visible, chains = a->options.chains;
    a->weights = mem_array(a->context, chains, sizeof *a->weights);
    a->means = mem_array(a->context, visible, sizeof *a->means);
    a->base = mem_array(a->context, visible, sizeof *a->base);
    a->difference = mem_array(a->context, visible, sizeof *a->difference);
    a->sums = mem_array(a->context, 3 * chains, sizeof *a->sums);
    return a->weights && a->means && a->base && a->difference && a->sums ? NNINIT_OK : NNINIT_ERR_MEMORY;
}

static void release(struct ais *a) {
    mem_free(a->context, a->weights);
    mem_free(a->context, a->means);
    mem_free(a->context, a->base);
    mem_free(a->context, a->difference);
    mem_free(a->context, a->sums);
}

static nninit_status make_base(struct ais *a) {
    const int64_t visible = a->rbm->visible;
    nninit_status status = a->options.base ? rbm_means(a->rbm, a->options.base, a->means) : NNINIT_OK;
    if (status == NNINIT_OK && a->options.base)
        rbm_base_bias(a->rbm, a->means, a->base);
    if (status == NNINIT_OK)
        status = nninit_tensor_read(a->rbm->parameters[RBM_VISIBLE_BIAS], a->difference, visible);
    for (int64_t i = 0; i < visible && status == NNINIT_OK; i++)
        a->difference[i] -= a->base[i];
    return status;
}

static nninit_status start(struct ais *a) {
    const struct rbm_request request = {RBM_AIS, a->options.chains, ELEMENT_F32, 1, generator_is_philox(a->generator)};
    const struct executor *executor;
    float *zeros = mem_array(a->context, a->options.chains * a->rbm->visible, sizeof *zeros);
    nninit_status status = zeros ? rbm_run_get(&a->run, a->rbm, &request) : NNINIT_ERR_MEMORY;
    executor = a->context->executor;
    if (status == NNINIT_OK)
        status = executor->state_write(a->run->exec, a->run->state, zeros);
    if (status == NNINIT_OK)
        status = arena_write(a->run->annealing, AIS_DIFFERENCE_ROW, a->difference);
    if (status == NNINIT_OK)
        status = arena_write(a->run->annealing, AIS_DIFFERENCE, a->difference);
    if (status == NNINIT_OK)
        status = arena_write(a->run->annealing, AIS_BASE, a->base);
    mem_free(a->context, zeros);
    return status;
}

/* The sums at both temperatures, of the chains as they are; then a Gibbs step at the new one. */
static nninit_status step(struct ais *a, float old_beta, float beta) {
    const struct executor *executor = a->context->executor;
    struct rbm_run *run = a->run;
    const int64_t chains = a->options.chains;
    int64_t done;
    nninit_status status = executor->slot_write(run->exec, run->old_beta, 0, 1, &old_beta);
    if (status == NNINIT_OK)
        status = executor->slot_write(run->exec, run->beta, 0, 1, &beta);
    if (status == NNINIT_OK)
        status = rbm_run_steps(run, a->generator, 1, &done);
    if (status == NNINIT_OK)
        status = rbm_run_read(run, run->old_sum, a->sums);
    if (status == NNINIT_OK)
        status = rbm_run_read(run, run->sum, a->sums + chains);
    return status < 0 ? status : rbm_run_read(run, run->linear, a->sums + 2 * chains);
}

/* A Gibbs step at temperature 0 draws from the first distribution, whatever came before. */
static nninit_status anneal(struct ais *a) {
    const int64_t chains = a->options.chains;
    nninit_status status = step(a, 0, 0);
    for (int64_t k = 1; k < a->options.temperatures && status == NNINIT_OK; k++) {
        const float old_beta = (float)beta_of(&a->options, k - 1), beta = (float)beta_of(&a->options, k);
        status = step(a, old_beta, beta);
        for (int64_t c = 0; c < chains && status == NNINIT_OK; c++)
            a->weights[c] += (double)a->sums[chains + c] - (double)a->sums[c] +
                             ((double)beta - (double)old_beta) * (double)a->sums[2 * chains + c];
        if (status == NNINIT_OK && context_cancelled(a->context))
            status = context_fail(a->context, NNINIT_ERR_CANCELLED, "cancelled at temperature %lld of %lld", (long long)k,
                                  (long long)a->options.temperatures);
    }
    return status;
}

/* log Z of the first distribution, and what the machine's energy of Gaussian units adds: |v - b|^2 where the chains' have
 * |v|^2 - 2 b.v. */
static double base_log_z(const struct ais *a) {
    const nninit_rbm *rbm = a->rbm;
    const int64_t features = rbm_features(rbm);
    double log_z = (double)rbm->hidden * log(2), most = -INFINITY, labels = 0;
    for (int64_t i = 0; i < features; i++) {
        const double base = (double)a->base[i];
        log_z += rbm->units == NNINIT_RBM_GAUSSIAN ? .5 * log(2 * 3.14159265358979323846) + .5 * base * base : rbm_softplus(base);
    }
    for (int64_t i = features; i < rbm->visible; i++)
        most = fmax(most, (double)a->base[i]);
    for (int64_t i = features; i < rbm->visible; i++)
        labels += exp((double)a->base[i] - most);
    return features < rbm->visible ? log_z + most + log(labels) : log_z;
}

static double gaussian_constant(const struct ais *a) {
    double sum = 0;
    for (int64_t i = 0; a->rbm->units == NNINIT_RBM_GAUSSIAN && i < rbm_features(a->rbm); i++) {
        const double bias = (double)a->difference[i] + (double)a->base[i];
        sum += .5 * bias * bias;
    }
    return sum;
}

static nninit_status finish(const struct ais *a, nninit_rbm_ais_result *result) {
    const int64_t chains = a->options.chains;
    double most = -INFINITY, mean = 0, square = 0;
    for (int64_t c = 0; c < chains; c++)
        most = fmax(most, a->weights[c]);
    for (int64_t c = 0; c < chains; c++)
        mean += exp(a->weights[c] - most) / (double)chains;
    for (int64_t c = 0; c < chains; c++)
        square += pow(exp(a->weights[c] - most) - mean, 2);
    const double error = sqrt(square / (double)(chains - 1) / (double)chains); /* of the mean */
    const double offset = base_log_z(a) - gaussian_constant(a) + most;
    if (!isfinite(offset + mean))
        return context_fail(a->context, NNINIT_ERR_NUMERIC, "the machine's values are not finite");
    const nninit_rbm_ais_result all = {result->size, offset + log(mean), error / mean,
                                       mean > 3 * error ? offset + log(mean - 3 * error) : -INFINITY,
                                       offset + log(mean + 3 * error), base_log_z(a) - gaussian_constant(a)};
    memcpy(result, &all, result->size < sizeof all ? result->size : sizeof all);
    return NNINIT_OK;
}

nninit_status nninit_rbm_ais(nninit_rbm *rbm, const nninit_rbm_ais_options *options, nninit_generator *generator,
                             nninit_rbm_ais_result *result) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    struct ais a = {.context = rbm->object.context, .rbm = rbm, .generator = generator};
    if (!result || result->size == 0 || !generator || generator->object.context != a.context)
        return context_fail(a.context, NNINIT_ERR_INVALID,
                            "result is NULL or of size 0, or the generator is NULL or of another context");
    fenv_t caller;
    nninit_status status = take_options(&a, options);
    if (status == NNINIT_OK)
        status = allocate(&a);
    fpenv_enter(&caller);
    if (status == NNINIT_OK)
        status = make_base(&a);
    if (status == NNINIT_OK)
        status = start(&a);
    if (status == NNINIT_OK)
        status = anneal(&a);
    if (status == NNINIT_OK)
        status = finish(&a, result);
    fpenv_leave(&caller);
    release(&a);
    return status;
}
