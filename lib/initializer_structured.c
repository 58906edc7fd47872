/* SPDX-License-Identifier: MIT */
/* Rules whose values depend on their place or on each other. */
#include "initializer.h"

#include "generator.h"

#include <math.h>

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static nninit_status need_rank(const nninit_initializer *init, int rank, int from, int to) {
    if (rank >= from && rank <= to)
        return NNINIT_OK;
    return context_fail(init->object.context, NNINIT_ERR_SHAPE, "%s is defined for %d to %d dimensions, not for %d",
                        initializer_rules[init->kind].name, from, to, rank);
}

/* A part `share` of the places has this value, the others 0. */
static void set_two_values(struct distribution *d, double value, double share) {
    *d = (struct distribution){DISTRIBUTION_STRUCTURED, value * share, fabs(value) * sqrt(share * (1 - share)),
                               fmin(value, 0), fmax(value, 0), 0, 0};
}

static void set_zero(const struct filling *f) {
    for (int64_t i = 0; i < f->count; i++)
        real_set(f->dtype, f->values, i, 0);
}

static double diagonal_share(const int64_t *shape) {
    return (double)least(shape[0], shape[1]) / ((double)shape[0] * (double)shape[1]);
}

static void fill_diagonal(const struct filling *f, double value) {
    set_zero(f);
    for (int64_t i = 0; i < least(f->shape[0], f->shape[1]); i++)
        real_set(f->dtype, f->values, i * f->shape[1] + i, value);
}

nninit_status identity_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                    struct distribution *d) {
    nninit_status status = need_rank(init, rank, 2, 2);
    if (status == NNINIT_OK)
        set_two_values(d, init->option[NNINIT_INIT_GAIN], diagonal_share(shape));
    return status;
}

nninit_status identity_fill(const struct filling *f) {
    fill_diagonal(f, f->init->option[NNINIT_INIT_GAIN]);
    return NNINIT_OK;
}

nninit_status dirac_distribution(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
    nninit_status status = need_rank(init, rank, 3, 5);
    if (status < 0)
        return status;
    double groups = init->option[NNINIT_INIT_GROUPS], places = 1;
    if (fmod((double)shape[0], groups) != 0)
        return context_fail(init->object.context, NNINIT_ERR_SHAPE, "groups is %g, which does not divide shape[0], %lld",
                            groups, (long long)shape[0]);
    for (int i = 0; i < rank; i++)
        places *= (double)shape[i];
    set_two_values(d, 1, groups * fmin((double)shape[0] / groups, (double)shape[1]) / places);
    return NNINIT_OK;
}

nninit_status dirac_fill(const struct filling *f) {
    const int64_t *shape = f->shape;
    int64_t groups = (int64_t)f->init->option[NNINIT_INIT_GROUPS], outputs = shape[0] / groups, field = 1, centre = 0;
    for (int i = 2; i < f->rank; i++) {
        field *= shape[i];
        centre = centre * shape[i] + shape[i] / 2;
    }
    set_zero(f);
    for (int64_t g = 0; g < groups; g++)
        for (int64_t k = 0; k < least(outputs, shape[1]); k++)
            real_set(f->dtype, f->values, ((g * outputs + k) * shape[1] + k) * field + centre, 1);
    return NNINIT_OK;
}

/* In double, as Python's math.ceil(sparsity * rows). */
static int64_t zeros_per_column(const nninit_initializer *init, const int64_t *shape) {
    return (int64_t)ceil(init->option[NNINIT_INIT_SPARSITY] * (double)shape[0]);
}

nninit_status sparse_distribution(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
    nninit_status status = need_rank(init, rank, 2, 2);
    if (status < 0)
        return status;
    if (shape[0] > INT32_MAX)
        return context_fail(init->object.context, NNINIT_ERR_SHAPE, "shape[0] is %lld; sparse permutes at most %d rows",
                            (long long)shape[0], INT32_MAX);
    double kept = 1 - (double)zeros_per_column(init, shape) / (double)shape[0];
    *d = (struct distribution){DISTRIBUTION_STRUCTURED, 0, init->option[NNINIT_INIT_STD] * sqrt(kept), -INFINITY,
                               INFINITY, 0, 0};
    return NNINIT_OK;
}

nninit_status sparse_fill(const struct filling *f) {
    nninit_context *context = f->init->object.context;
    int64_t rows = f->shape[0], columns = f->shape[1], zeros = zeros_per_column(f->init, f->shape);
    int64_t *order = mem_array(context, rows, sizeof *order);
    if (!order)
        return NNINIT_ERR_MEMORY;
    nninit_status status =
        nninit_generator_normal(f->generator, f->dtype, f->values, f->count, 0, f->init->option[NNINIT_INIT_STD]);
    for (int64_t c = 0; c < columns && status == NNINIT_OK; c++) {
        status = nninit_generator_randperm(f->generator, order, rows);
        for (int64_t i = 0; i < zeros; i++)
            real_set(f->dtype, f->values, order[i] * columns + c, 0);
    }
    mem_free(context, order);
    return status;
}

/* The least power of two that is not below n. */
static int64_t hadamard_order(int64_t n) {
    int64_t order = 1;
    while (order < n)
        order *= 2;
    return order;
}

nninit_status hadamard_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                    struct distribution *d) {
    nninit_status status = need_rank(init, rank, 2, 2);
    if (status < 0)
        return status;
    double size = 1 / sqrt((double)hadamard_order(shape[0]));
    if (shape[0] <= shape[1])
        set_two_values(d, 1, diagonal_share(shape));
    else
        *d = (struct distribution){DISTRIBUTION_STRUCTURED, NAN, NAN, -size, size, 0, 0};
    return NNINIT_OK;
}

/* Sylvester's matrix: -1 where row and column share an odd number of bits. The paper's I(m, p) H I(p, n) is its corner. */
nninit_status hadamard_fill(const struct filling *f) {
    int64_t rows = f->shape[0], columns = f->shape[1];
    if (rows <= columns) {
        fill_diagonal(f, 1);
        return NNINIT_OK;
    }
    double size = 1 / sqrt((double)hadamard_order(rows));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            int odd = 0;
            for (int64_t shared = i & j; shared; shared &= shared - 1)
                odd ^= 1;
            real_set(f->dtype, f->values, i * columns + j, odd ? -size : size);
        }
    return NNINIT_OK;
}

static double nguyen_norm(double units, double inputs) {
    return 0.7 * pow(units, 1 / inputs);
}

/* A row's elements: by symmetry their mean is 0 and the mean of their squares norm^2 / columns. */
nninit_status nguyen_distribution(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
    nninit_status status = need_rank(init, rank, 1, 2);
    double inputs = init->option[NNINIT_INIT_LAYER_FAN_IN];
    if (status < 0)
        return status;
    if (rank == 1 && inputs < 1)
        return context_fail(init->object.context, NNINIT_ERR_INVALID,
                            "nguyen_widrow needs fan_in for a bias, the number of inputs of its layer");
    inputs = rank == 2 ? (double)shape[1] : inputs;
    double norm = nguyen_norm((double)shape[0], inputs);
    if (rank == 1)
        *d = (struct distribution){DISTRIBUTION_UNIFORM, 0, 2 * norm / sqrt(12.0), -norm, norm, 0, 0};
    else
        *d = (struct distribution){DISTRIBUTION_STRUCTURED, 0, norm / sqrt(inputs), -norm, norm, 0, 0};
    return NNINIT_OK;
}

static void set_norm(const struct filling *f, int64_t first, int64_t columns, double norm) {
    double sum = 0;
    for (int64_t j = first; j < first + columns; j++)
        sum += real_get(f->dtype, f->values, j) * real_get(f->dtype, f->values, j);
    if (sum == 0) /* no direction: that of the first input */
        real_set(f->dtype, f->values, first, norm);
    for (int64_t j = first; j < first + columns && sum > 0; j++)
        real_set(f->dtype, f->values, j, real_get(f->dtype, f->values, j) / sqrt(sum) * norm);
}

nninit_status nguyen_fill(const struct filling *f) {
    double norm = nguyen_norm((double)f->shape[0], f->rank == 2 ? (double)f->shape[1]
                                                                : f->init->option[NNINIT_INIT_LAYER_FAN_IN]);
    if (f->rank == 1)
        return nninit_generator_uniform(f->generator, f->dtype, f->values, f->count, -norm, norm);
    nninit_status status = nninit_generator_uniform(f->generator, f->dtype, f->values, f->count, -1, 1);
    for (int64_t i = 0; i < f->shape[0] && status == NNINIT_OK; i++)
        set_norm(f, i * f->shape[1], f->shape[1], norm);
    return status;
}
