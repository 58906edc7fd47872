/* SPDX-License-Identifier: MIT */
/* The partition function by enumeration, and what follows from it. States of one side come in Gray code, so that one unit
 * changes from each to the next, and with it one row of weights in the other side's input. */
#include "rbm.h"

#include "fpenv.h"

#include <stdlib.h>
#include <string.h>

/* So many states are summed by themselves, from inputs that are summed anew, so that rounding does not pile up. */
enum { BLOCK = 1 << 12 };

/* The side whose states are enumerated, `units` of them, and the other. */
struct sides {
    const nninit_rbm *rbm;
    int64_t units, others;
    const double *weight;           /* [units, others] */
    const double *bias, *other_bias; /* [units], [others] */
    double *input;                  /* [others] */
};

static void fresh_input(const struct sides *s, uint64_t state) {
    memcpy(s->input, s->other_bias, (size_t)s->others * sizeof *s->input);
    for (int64_t k = 0; k < s->units; k++)
        for (int64_t i = 0; state >> k & 1 && i < s->others; i++)
            s->input[i] += s->weight[k * s->others + i];
}

/* One unit goes on (sign 1) or off (-1). */
static void change_input(const struct sides *s, int unit, double sign) {
    const double *weight = s->weight + unit * s->others;
    for (int64_t i = 0; i < s->others; i++)
        s->input[i] += sign * weight[i];
}

/* Sum of softplus: the logarithm is taken of products of 512 factors, each above 1 and at most 2. */
static double softplus_sum(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n;) {
        const int64_t end = n - i < 512 ? n : i + 512;
        double product = 1;
        for (; i < end; i++) {
            sum += x[i] > 0 ? x[i] : 0;
            product *= 1 + exp(-fabs(x[i]));
        }
        sum += log(product);
    }
    return sum;
}

static double log_sum_exp(const double *x, int64_t n) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, x[i]);
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i] - most);
    return most + log(sum);
}

/* A Gaussian unit of input x = b + w.h: the integral of exp(-(v - b)^2 / 2 + w.h v) is sqrt(2 pi) exp((x^2 - b^2) / 2). */
static double gaussian_sum(const struct sides *s, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += .5 * (s->input[i] * s->input[i] - s->other_bias[i] * s->other_bias[i]);
    return sum + .5 * (double)n * log(2 * 3.14159265358979323846);
}

/* log of what the other side's states sum to. */
static double other_side(const struct sides *s, bool visible) {
    const int64_t n = visible ? rbm_features(s->rbm) : s->others;
    double sum = visible && s->rbm->units == NNINIT_RBM_GAUSSIAN ? gaussian_sum(s, n) : softplus_sum(s->input, n);
    return n < s->others ? sum + log_sum_exp(s->input + n, s->others - n) : sum;
}

/* A sum of exponentials, sum exp(most). */
struct scaled {
    double most, sum;
};

static void add(struct scaled *total, struct scaled part) {
    if (part.most > total->most) {
        total->sum = total->sum * exp(total->most - part.most) + part.sum;
        total->most = part.most;
    } else {
        total->sum += part.sum * exp(part.most - total->most);
    }
}

static double own_bias(const struct sides *s, uint64_t state) {
    double sum = 0;
    for (int64_t k = 0; k < s->units; k++)
        sum += state >> k & 1 ? s->bias[k] : 0;
    return sum;
}

/* Of the states number first to end - 1. visible: the other side are the visible units. */
static struct scaled sum_block(const struct sides *s, bool visible, uint64_t first, uint64_t end) {
    struct scaled sum = {-INFINITY, 0};
    double bias = own_bias(s, first ^ first >> 1);
    fresh_input(s, first ^ first >> 1);
    for (uint64_t n = first;;) {
        add(&sum, (struct scaled){bias + other_side(s, visible), 1});
        if (++n == end)
            return sum;
        const int unit = __builtin_ctzll(n);
        const double sign = (n ^ n >> 1) >> unit & 1 ? 1 : -1;
        bias += sign * s->bias[unit];
        change_input(s, unit, sign);
    }
}

static double enumerate(const struct sides *s, bool visible) {
    const uint64_t states = UINT64_C(1) << s->units;
    struct scaled sum = {-INFINITY, 0};
    for (uint64_t first = 0; first < states; first += BLOCK)
        add(&sum, sum_block(s, visible, first, states - first < BLOCK ? states : first + BLOCK));
    return sum.most + log(sum.sum);
}

static bool enumerates_visible(const nninit_rbm *rbm) {
    return rbm->units == NNINIT_RBM_BERNOULLI && rbm_option(rbm, NNINIT_RBM_LABELS) == 0 && rbm->visible < rbm->hidden;
}

static nninit_status check_size(nninit_rbm *rbm) {
    const bool visible = enumerates_visible(rbm);
    const int64_t units = visible ? rbm->visible : rbm->hidden;
    nninit_status status = rbm_check(rbm);
    if (status == NNINIT_OK && units > NNINIT_RBM_ENUMERATION_LIMIT)
        status = context_fail(rbm->object.context, NNINIT_ERR_SHAPE,
                              "states of %lld %s units would have to be enumerated; at most %d can be", (long long)units,
                              visible ? "visible" : "hidden", NNINIT_RBM_ENUMERATION_LIMIT);
    return status;
}

static nninit_status log_partition(nninit_rbm *rbm, const struct rbm_values *v, double *log_z) {
    const bool visible = enumerates_visible(rbm);
    struct sides s = {rbm, rbm->hidden, rbm->visible, v->weight, v->hidden_bias, v->visible_bias, NULL};
    if (visible)
        s = (struct sides){rbm, rbm->visible, rbm->hidden, v->turned, v->visible_bias, v->hidden_bias, NULL};
    s.input = mem_array(rbm->object.context, s.others, sizeof *s.input);
    if (!s.input)
        return NNINIT_ERR_MEMORY;
    *log_z = enumerate(&s, !visible);
    mem_free(rbm->object.context, s.input);
    return NNINIT_OK;
}

nninit_status nninit_rbm_log_partition(nninit_rbm *rbm, double *log_z) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    if (!log_z)
        return context_fail(rbm->object.context, NNINIT_ERR_INVALID, "log_z is NULL");
    struct rbm_values values = {0};
    fenv_t caller;
    nninit_status status = check_size(rbm);
    fpenv_enter(&caller);
    if (status == NNINIT_OK)
        status = rbm_values_read(&values, rbm);
    if (status == NNINIT_OK)
        status = log_partition(rbm, &values, log_z);
    fpenv_leave(&caller);
    rbm_values_free(&values, rbm);
    return status;
}

struct row {
    const float *v;
    int64_t visible;
};

static int compare_rows(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    for (int64_t i = 0; i < x->visible; i++)
        if (x->v[i] != y->v[i])
            return x->v[i] < y->v[i] ? -1 : 1;
    return 0;
}

/* Sum over distinct rows of p log p - p log p(v), p = the share of rows that are equal to it. */
static double divergence(const nninit_rbm *rbm, const struct rbm_values *values, const struct row *sorted, int64_t rows,
                         double log_z, double *input) {
    double kl = 0;
    for (int64_t r = 0, same; r < rows; r += same) {
        same = 1;
        while (r + same < rows && compare_rows(&sorted[r], &sorted[r + same]) == 0)
            same++;
        const double p = (double)same / (double)rows;
        kl += p * (log(p) + rbm_energy(rbm, values, sorted[r].v, input) + log_z);
    }
    return kl;
}

static nninit_status kl_of(nninit_rbm *rbm, const float *v, int64_t rows, double *kl) {
    nninit_context *context = rbm->object.context;
    struct rbm_values values = {0};
    double log_z, *input = mem_array(context, rbm->hidden, sizeof *input);
    struct row *sorted = mem_array(context, rows, sizeof *sorted);
    nninit_status status = input && sorted ? rbm_values_read(&values, rbm) : NNINIT_ERR_MEMORY;
    for (int64_t r = 0; r < rows && sorted; r++)
        sorted[r] = (struct row){v + r * rbm->visible, rbm->visible};
    if (status == NNINIT_OK)
        status = log_partition(rbm, &values, &log_z);
    if (status == NNINIT_OK) {
        qsort(sorted, (size_t)rows, sizeof *sorted, compare_rows);
        *kl = divergence(rbm, &values, sorted, rows, log_z, input);
    }
    rbm_values_free(&values, rbm);
    mem_free(context, input);
    mem_free(context, sorted);
    return status;
}

/* Rows without exactly one label are no states of the machine: it gives them no probability, whatever their energy. */
static nninit_status check_labels(nninit_rbm *rbm, const float *v, int64_t rows) {
    for (int64_t r = 0; r < rows && rbm_features(rbm) < rbm->visible; r++) {
        int64_t on = 0;
        for (int64_t i = rbm_features(rbm); i < rbm->visible; i++)
            on += v[r * rbm->visible + i] != 0;
        if (on != 1)
            return context_fail(rbm->object.context, NNINIT_ERR_INVALID, "row %lld has %lld labels on; it must be 1",
                                (long long)r, (long long)on);
    }
    return NNINIT_OK;
}

nninit_status nninit_rbm_kl(nninit_rbm *rbm, const float *v, int64_t rows, double *kl) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rbm->object.context;
    if (!v || !kl || rows < 1)
        return context_fail(context, NNINIT_ERR_INVALID, "v or kl is NULL, or rows is %lld; it must be at least 1",
                            (long long)rows);
    if (rbm->units == NNINIT_RBM_GAUSSIAN)
        return context_fail(context, NNINIT_ERR_UNSUPPORTED, "a density has no divergence from points: units are Gaussian");
    nninit_status status = check_size(rbm);
    if (status == NNINIT_OK)
        status = rbm_check_states(rbm, v, rows);
    if (status == NNINIT_OK)
        status = check_labels(rbm, v, rows);
    if (status < 0)
        return status;
    fenv_t caller;
    fpenv_enter(&caller);
    status = kl_of(rbm, v, rows, kl);
    fpenv_leave(&caller);
    return status;
}
