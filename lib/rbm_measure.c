/* SPDX-License-Identifier: MIT */
/* Measures of a machine that need no partition function, in double. */
#include "rbm.h"

#include "fpenv.h"

#include <string.h>

/* What a measure works with. */
struct measuring {
    nninit_rbm *rbm;
    struct rbm_values values;
    double *input; /* [hidden] */
    float *row;    /* [visible] */
    fenv_t caller;
};

static void measuring_end(struct measuring *m) {
    fpenv_leave(&m->caller);
    rbm_values_free(&m->values, m->rbm);
    mem_free(m->rbm->object.context, m->input);
    mem_free(m->rbm->object.context, m->row);
}

/* To be ended on failure too. */
static nninit_status measuring_begin(struct measuring *m, nninit_rbm *rbm) {
    *m = (struct measuring){.rbm = rbm, .input = mem_array(rbm->object.context, rbm->hidden, sizeof(double)),
                            .row = mem_array(rbm->object.context, rbm->visible, sizeof(float))};
    fpenv_enter(&m->caller);
    nninit_status status = m->input && m->row ? rbm_check(rbm) : NNINIT_ERR_MEMORY;
    return status < 0 ? status : rbm_values_read(&m->values, rbm);
}

static nninit_status check_rows(nninit_rbm *rbm, const void *v, int64_t rows, const void *out) {
    if (v && out && rows >= 1)
        return NNINIT_OK;
    return context_fail(rbm->object.context, NNINIT_ERR_INVALID, "a pointer is NULL, or rows is %lld; it must be at least 1",
                        (long long)rows);
}

nninit_status nninit_rbm_free_energy(nninit_rbm *rbm, const float *v, int64_t rows, double *energy) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    struct measuring m;
    nninit_status status = check_rows(rbm, v, rows, energy);
    if (status < 0)
        return status;
    status = measuring_begin(&m, rbm);
    for (int64_t r = 0; r < rows && status == NNINIT_OK; r++)
        energy[r] = rbm_energy(rbm, &m.values, v + r * rbm->visible, m.input);
    measuring_end(&m);
    return status;
}

/* Mean free energy of the first rows of a data set. */
static nninit_status mean_energy(struct measuring *m, nninit_dataset *dataset, int64_t rows, double *mean) {
    nninit_status status = rbm_check_dataset(m->rbm, dataset);
    if (status == NNINIT_OK && (rows < 0 || rows > dataset->count))
        status = context_fail(m->rbm->object.context, NNINIT_ERR_INVALID, "rows is %lld; the data set has %lld",
                              (long long)rows, (long long)dataset->count);
    if (status < 0)
        return status;
    const int64_t count = rows == 0 ? dataset->count : rows;
    double sum = 0;
    for (int64_t r = 0; r < count && status == NNINIT_OK; r++) {
        status = nninit_dataset_read(dataset, &r, 1, m->row, NULL);
        if (status == NNINIT_OK)
            sum += rbm_energy(m->rbm, &m->values, m->row, m->input);
    }
    *mean = sum / (double)count;
    return status;
}

nninit_status nninit_rbm_free_energy_gap(nninit_rbm *rbm, nninit_dataset *train, nninit_dataset *held, int64_t rows,
                                         double *gap) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    struct measuring m;
    double of_train = 0, of_held = 0;
    if (!gap)
        return context_fail(rbm->object.context, NNINIT_ERR_INVALID, "gap is NULL");
    nninit_status status = measuring_begin(&m, rbm);
    if (status == NNINIT_OK)
        status = mean_energy(&m, train, rows, &of_train);
    if (status == NNINIT_OK)
        status = mean_energy(&m, held, rows, &of_held);
    measuring_end(&m);
    if (status == NNINIT_OK)
        *gap = of_held - of_train;
    return status;
}

/* log p(unit given all others) = log sigmoid(F(flipped) - F(v)), with `input` = Wv + c. */
static double flip(const struct measuring *m, const float *v, int64_t unit) {
    const int64_t hidden = m->rbm->hidden;
    const double *weights = m->values.turned + unit * hidden, change = 1 - 2 * (double)v[unit];
    double difference = -change * m->values.visible_bias[unit];
    for (int64_t j = 0; j < hidden; j++)
        difference += rbm_softplus(m->input[j]) - rbm_softplus(m->input[j] + change * weights[j]);
    return -rbm_softplus(-difference);
}

/* The same of every unit, which shares the hidden units' terms for the row as it is. */
static double flip_all(const struct measuring *m, const float *v) {
    const int64_t visible = m->rbm->visible, hidden = m->rbm->hidden;
    double before = 0, sum = 0;
    for (int64_t j = 0; j < hidden; j++)
        before += rbm_softplus(m->input[j]);
    for (int64_t i = 0; i < visible; i++) {
        const double *weights = m->values.turned + i * hidden, change = 1 - 2 * (double)v[i];
        double after = 0;
        for (int64_t j = 0; j < hidden; j++)
            after += rbm_softplus(m->input[j] + change * weights[j]);
        sum -= rbm_softplus(after - before + change * m->values.visible_bias[i]);
    }
    return sum;
}

static nninit_status pseudo_likelihood(struct measuring *m, const float *v, int64_t rows, nninit_generator *generator,
                                       double *value) {
    const int64_t visible = m->rbm->visible;
    int64_t *units = generator ? mem_array(m->rbm->object.context, rows, sizeof *units) : NULL;
    nninit_status status = NNINIT_OK;
    if (generator)
        status = units ? nninit_generator_randint(generator, units, rows, 0, visible) : NNINIT_ERR_MEMORY;
    double sum = 0;
    for (int64_t r = 0; r < rows && status == NNINIT_OK; r++) {
        const float *row = v + r * visible;
        rbm_input(m->rbm, &m->values, row, visible, m->input);
        sum += units ? (double)visible * flip(m, row, units[r]) : flip_all(m, row);
    }
    mem_free(m->rbm->object.context, units);
    if (status == NNINIT_OK)
        *value = sum / (double)rows;
    return status;
}

nninit_status nninit_rbm_pseudo_likelihood(nninit_rbm *rbm, const float *v, int64_t rows, nninit_generator *generator,
                                           double *value) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rbm->object.context;
    struct measuring m;
    nninit_status status = check_rows(rbm, v, rows, value);
    if (status == NNINIT_OK && generator && ((struct object *)generator)->context != context)
        status = context_fail(context, NNINIT_ERR_INVALID, "the generator belongs to another context");
    if (status == NNINIT_OK && (rbm->units == NNINIT_RBM_GAUSSIAN || rbm_option(rbm, NNINIT_RBM_LABELS) > 0))
        status = context_fail(context, NNINIT_ERR_UNSUPPORTED, "flips are of Bernoulli units without labels");
    if (status == NNINIT_OK)
        status = rbm_check_states(rbm, v, rows);
    if (status < 0)
        return status;
    status = measuring_begin(&m, rbm);
    if (status == NNINIT_OK)
        status = pseudo_likelihood(&m, v, rows, generator, value);
    measuring_end(&m);
    return status;
}
