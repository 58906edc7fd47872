/* SPDX-License-Identifier: MIT */
/* docs/selftest.md has what this computes. */
#include "selftest.h"

#include "fpenv.h"
#include "host/statistics.h"
#include "tensor.h"

#include <nninit/selftest.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Density of a rule at nodes of Gauss and Legendre's quadrature: five in each of 64 parts. */
enum { PARTS = 64, NODES = 5 * PARTS };

/* What values should be. */
struct expectation {
    struct distribution d;
    double score[NODES], weight[NODES]; /* unless normal: (x - mean) / std, and its probability */
    double peak;                        /* the highest density */
    double resolution;                  /* a value stands for the reals that are at most this far away */
    double chance;                      /* no value is likelier than this */
};

/* Values that are independent, each by the same law. */
struct drawn {
    int64_t count, columns;
    double *x;    /* sorted once the order is checked */
    double *part; /* P(X <= x) under the rule; later room for sorting */
};

/* The first value that cannot be. */
struct wrong {
    int64_t place; /* -1: none */
    double value;
};

enum { LEAST = 8, LEAST_COINS = 25, LEAST_PAIRS = 64 };

/* The part of the rule's values up to x, and beyond it. */
static double part_below(const struct distribution *d, double x) {
    if (d->kind == DISTRIBUTION_NORMAL)
        return statistics_normal_lower((x - d->mean) / d->std);
    x = fmin(fmax(x, d->low), d->high);
    if (d->kind == DISTRIBUTION_UNIFORM)
        return (x - d->low) / (d->high - d->low);
    return statistics_cut_lower((d->low - d->location) / d->scale, (x - d->location) / d->scale,
                                (d->high - d->location) / d->scale);
}

static double part_above(const struct distribution *d, double x) {
    if (d->kind == DISTRIBUTION_NORMAL)
        return statistics_normal_upper((x - d->mean) / d->std);
    x = fmin(fmax(x, d->low), d->high);
    if (d->kind == DISTRIBUTION_UNIFORM)
        return (d->high - x) / (d->high - d->low);
    return statistics_cut_lower((d->location - d->high) / d->scale, (d->location - x) / d->scale,
                                (d->location - d->low) / d->scale);
}

/* Within 40 std of the mean: beyond, not even an exponential tail has a sixth moment to speak of. */
static void expect_density(struct expectation *e) {
    static const double place[] = {-0.90617984593866399280, -0.53846931010568309104, 0, 0.53846931010568309104,
                                   0.90617984593866399280};
    static const double weight[] = {0.23692688505618908751, 0.47862867049936646804, 0.56888888888888888889,
                                    0.47862867049936646804, 0.23692688505618908751};
    const struct distribution *d = &e->d;
    double from = fmax(d->low, d->mean - 40 * d->std), to = fmin(d->high, d->mean + 40 * d->std), total = 0;
    double half = (to - from) / (2 * PARTS), mode = fmin(fmax(d->location, d->low), d->high);
    for (int i = 0; i < NODES; i++) {
        double x = from + half * (2 * (i / 5) + 1 + place[i % 5]);
        e->score[i] = (x - d->mean) / d->std;
        e->weight[i] = weight[i % 5];
        if (d->kind == DISTRIBUTION_TRUNCATED)
            e->weight[i] *= exp((mode - x) / d->scale * ((x - d->location) + (mode - d->location)) / d->scale / 2);
        total += e->weight[i];
    }
    for (int i = 0; i < NODES; i++)
        e->weight[i] /= total;
    e->peak = 1 / (total * half);
}

/* Without a spread all values are alike. A normal cut to so little that its density varies by less than 1e-6 is a uniform,
 * of which no digits cancel. */
static void simplify(struct distribution *d) {
    if (d->std == 0 && d->kind != DISTRIBUTION_STRUCTURED)
        d->kind = DISTRIBUTION_CONSTANT;
    if (d->kind != DISTRIBUTION_TRUNCATED)
        return;
    double far = fmax(fabs(d->low - d->location), fabs(d->high - d->location)) / d->scale;
    if ((d->high - d->low) / d->scale * (1 + far) < 1e-6)
        d->kind = DISTRIBUTION_UNIFORM;
}

static void expect(struct expectation *e, const struct distribution *d, nninit_dtype dtype) {
    *e = (struct expectation){.d = *d};
    simplify(&e->d);
    if (d->kind == DISTRIBUTION_STRUCTURED)
        return;
    /* A bound of the spacing of values, for density * |value| is at most its peak times this; and four times it, for the
     * rounding of bounds and widths, and of what is computed from them. */
    double spacing = (fabs(d->mean) + 2 * d->std) * real_epsilon(dtype) + real_tiny(dtype);
    e->resolution = 4 * spacing;
    if (e->d.kind == DISTRIBUTION_NORMAL)
        e->peak = 0.39894228040143267794 / d->std;
    else if (e->d.kind == DISTRIBUTION_UNIFORM || e->d.kind == DISTRIBUTION_TRUNCATED)
        expect_density(e);
    e->chance = (dtype == NNINIT_FLOAT32 ? 0x1p-24 : 0x1p-53) + e->peak * spacing;
}

static void report(nninit_selftest *r, nninit_selftest_kind kind, double found, double expected, double p) {
    nninit_selftest_check *check = &r->checks[kind];
    check->found = found;
    check->expected = expected;
    check->p = p;
    check->verdict = NNINIT_SELFTEST_PASSED; /* until the threshold is known */
    r->performed++;
}

static bool is_wrong(const struct expectation *e, nninit_dtype dtype, double x) {
    double epsilon = 4 * real_epsilon(dtype), low = e->d.low, high = e->d.high;
    if (e->d.kind == DISTRIBUTION_CONSTANT)
        return x != (dtype == NNINIT_FLOAT32 ? (double)(float)e->d.mean : e->d.mean);
    return !isfinite(x) || x < low - e->resolution - epsilon * fabs(low) || x > high + e->resolution + epsilon * fabs(high);
}

/* True if all are finite. */
static bool check_values(nninit_selftest *r, const struct expectation *e, const struct sample *s, struct wrong *first) {
    int64_t wrong = 0, infinite = 0;
    for (int64_t i = 0; i < s->count; i++) {
        double x = real_get(s->dtype, s->values, i);
        infinite += !isfinite(x);
        if (is_wrong(e, s->dtype, x) && wrong++ == 0)
            *first = (struct wrong){i, x};
    }
    report(r, NNINIT_SELFTEST_VALUES, (double)wrong, 0, wrong == 0);
    return infinite == 0;
}

static void check_structure(nninit_selftest *r, const struct expectation *e, const struct sample *s) {
    struct structure t;
    if (structure_check(s, e->chance, &t))
        report(r, NNINIT_SELFTEST_STRUCTURE, t.found, t.allowed, t.p);
}

/* What is left of a deviation that the type may be the reason of. */
static double beyond(double deviation, double resolution) {
    return copysign(fmax(fabs(deviation) - resolution, 0), deviation);
}

/* Of n standardized values: mean and mean square. */
static void moments_p(const struct expectation *e, double n, double mean, double square, double *mean_p, double *square_p) {
    if (e->d.kind == DISTRIBUTION_NORMAL) {
        *mean_p = 2 * statistics_normal_upper(fabs(mean) * sqrt(n));
        double half = n / 2 * square; /* of a chi-square with n degrees of freedom */
        *square_p = fmin(1, 2 * fmin(statistics_gamma_lower(n / 2, half), statistics_gamma_upper(n / 2, half)));
        return;
    }
    double squares[NODES];
    for (int i = 0; i < NODES; i++)
        squares[i] = e->score[i] * e->score[i];
    *mean_p = statistics_mean_p(e->score, e->weight, NODES, n, mean);
    *square_p = statistics_mean_p(squares, e->weight, NODES, n, square);
}

static void check_moments(nninit_selftest *r, const struct expectation *e, const struct drawn *s) {
    double sum = 0, squares = 0, n = (double)s->count, mean = e->d.mean, std = e->d.std, mean_p, square_p;
    if (s->count < LEAST)
        return;
    for (int64_t i = 0; i < s->count; i++) {
        double x = (s->x[i] - mean) / std;
        sum += x;
        squares += x * x;
    }
    double coarse = e->resolution / std;
    moments_p(e, n, beyond(sum / n, coarse), 1 + beyond(squares / n - 1, 2 * coarse), &mean_p, &square_p);
    report(r, NNINIT_SELFTEST_MEAN, mean + std * sum / n, mean, mean_p);
    report(r, NNINIT_SELFTEST_VARIANCE, std * std * squares / n, std * std, square_p);
}

static double correlation_p(double correlation, int64_t pairs) {
    return 2 * statistics_normal_upper(fabs(correlation) * sqrt((double)pairs));
}

/* Parts are uniform, so that twelve times the product of what is above a half has the mean 1 for equal ones. No part is
 * in two pairs, so that products are independent. */
static void check_order(nninit_selftest *r, const struct drawn *s) {
    int64_t above = 0, pairs = s->count / 2, row_pairs = s->count / s->columns / 2 * s->columns;
    double serial = 0, rows = 0, n = (double)s->count;
    for (int64_t i = 0; i < s->count; i++)
        above += s->part[i] > 0.5;
    for (int64_t i = 0; i < pairs; i++)
        serial += 12 * (s->part[2 * i] - 0.5) * (s->part[2 * i + 1] - 0.5);
    for (int64_t i = 0; i < row_pairs; i++) {
        const double *x = s->part + i + i / s->columns * s->columns;
        rows += 12 * (x[0] - 0.5) * (x[s->columns] - 0.5);
    }
    if (s->count >= LEAST_COINS)
        report(r, NNINIT_SELFTEST_BALANCE, (double)above / n, 0.5,
               fmin(1, 2 * statistics_coins_upper(n, fmax((double)above, n - (double)above))));
    if (pairs >= LEAST_PAIRS)
        report(r, NNINIT_SELFTEST_SERIAL, serial / (double)pairs, 0, correlation_p(serial / (double)pairs, pairs));
    if (row_pairs >= LEAST_PAIRS && s->columns > 1)
        report(r, NNINIT_SELFTEST_ROWS, rows / (double)row_pairs, 0, correlation_p(rows / (double)row_pairs, row_pairs));
}

/* All of n values are on the near side of where a part of the rule's lies beyond. */
static double all_within(double beyond_part, double n) {
    return exp(n * log1p(-beyond_part));
}

static double one_beyond(double beyond_part, double n) {
    return -expm1(n * log1p(-beyond_part));
}

static void check_extremes(nninit_selftest *r, const struct expectation *e, const struct drawn *s) {
    double n = (double)s->count, least = s->x[0], most = s->x[s->count - 1], h = e->resolution;
    double p = fmin(one_beyond(part_below(&e->d, least + h), n), all_within(part_below(&e->d, least - h), n));
    report(r, NNINIT_SELFTEST_SMALLEST, least, e->d.low, fmin(1, 2 * p));
    p = fmin(one_beyond(part_above(&e->d, most - h), n), all_within(part_above(&e->d, most + h), n));
    report(r, NNINIT_SELFTEST_LARGEST, most, e->d.high, fmin(1, 2 * p));
}

static void check_distribution(nninit_selftest *r, const struct expectation *e, const struct drawn *s) {
    double n = (double)s->count, distance = 0;
    if (s->count < LEAST)
        return;
    for (int64_t i = 0; i < s->count; i++) {
        distance = fmax(distance, (double)(i + 1) / n - part_below(&e->d, s->x[i] + e->resolution));
        distance = fmax(distance, part_below(&e->d, s->x[i] - e->resolution) - (double)i / n);
    }
    report(r, NNINIT_SELFTEST_DISTRIBUTION, distance, 0, statistics_kolmogorov_upper(s->count, distance));
}

/* n balls in m equally likely urns: how many hit an occupied one is a sum of independent indicators (Vatutin & Mikhailov,
 * Theory of Probability 27, 1982). Other urns, none likelier than 1/m, have fewer hits (Wong & Yue, Discrete Mathematics 6,
 * 1973). */
static void check_repeats(nninit_selftest *r, const struct expectation *e, const struct drawn *s) {
    double n = (double)s->count, repeats = 0;
    if (s->count < 2)
        return;
    for (int64_t i = 1; i < s->count; i++)
        repeats += s->x[i] == s->x[i - 1];
    double share = n * log1p(-e->chance); /* of urns that stay empty: its exponential */
    double mean = n + expm1(share) / e->chance;
    if (share > -1e-4) /* the same by pairs and triples, where all digits would cancel */
        mean = n * (n - 1) / 2 * e->chance * (1 - (n - 2) * e->chance / 3);
    report(r, NNINIT_SELFTEST_REPEATS, repeats, mean, statistics_hits_upper(mean, repeats));
}

/* All values, or those of a sparse weight that are not 0 (in one row: where they stand says nothing). */
static struct drawn gather(const struct expectation *e, const struct sample *s) {
    bool is_sparse = s->init->kind == NNINIT_INIT_SPARSE;
    struct drawn g = {0, s->count / s->shape[0], s->room, s->room + s->count};
    for (int64_t i = 0; i < s->count; i++) {
        double x = real_get(s->dtype, s->values, i);
        if (is_sparse && x == 0)
            continue;
        g.x[g.count] = x;
        g.part[g.count++] = part_below(&e->d, x);
    }
    g.columns = is_sparse ? g.count : g.columns;
    return g;
}

static void check(nninit_selftest *r, const struct expectation *e, const struct sample *s, struct wrong *first) {
    if (!check_values(r, e, s, first))
        return;
    if (e->d.kind != DISTRIBUTION_CONSTANT)
        check_structure(r, e, s);
    if (e->d.kind == DISTRIBUTION_CONSTANT || e->d.kind == DISTRIBUTION_STRUCTURED || e->resolution > e->d.std / 16)
        return;
    struct drawn g = gather(e, s);
    if (g.count == 0)
        return;
    check_moments(r, e, &g);
    check_order(r, &g);
    statistics_sort(g.x, g.part, g.count);
    check_extremes(r, e, &g);
    check_distribution(r, e, &g);
    check_repeats(r, e, &g);
}

/* Append what fits. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void say(nninit_selftest *r, const char *format, ...) {
    size_t used = strlen(r->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->text + used, sizeof r->text - used, format, arguments);
    va_end(arguments);
}

/* Verdicts; the check with the least p. */
static const nninit_selftest_check *judge(nninit_selftest *r) {
    const nninit_selftest_check *least = NULL;
    r->threshold = NNINIT_SELFTEST_RATE / r->performed;
    for (nninit_selftest_check *c = r->checks; c < r->checks + NNINIT_SELFTEST_CHECKS; c++) {
        if (c->verdict == NNINIT_SELFTEST_SKIPPED)
            continue;
        if (!(c->p >= r->threshold)) {
            c->verdict = NNINIT_SELFTEST_FAILED;
            r->failed++;
        }
        least = least && least->p <= c->p ? least : c;
    }
    return least;
}

static void describe(nninit_selftest *r, const struct sample *s, const nninit_selftest_check *least,
                     const struct wrong *first) {
    say(r, "%s: %s [", r->failed ? "FAILED" : "passed", initializer_rules[s->init->kind].name);
    for (int i = 0; i < s->rank; i++)
        say(r, i ? ", %lld" : "%lld", (long long)s->shape[i]);
    if (r->failed)
        say(r, "], %d of %d checks", r->failed, r->performed);
    else
        say(r, "], %d checks, least p %.3g (%s)", r->performed, least->p, least->name);
    for (const nninit_selftest_check *c = r->checks; c < r->checks + NNINIT_SELFTEST_CHECKS; c++)
        if (c->verdict == NNINIT_SELFTEST_FAILED && c == &r->checks[NNINIT_SELFTEST_VALUES])
            say(r, "; values: %.0f cannot be, first %g at element %lld", c->found, first->value, (long long)first->place);
        else if (c->verdict == NNINIT_SELFTEST_FAILED)
            say(r, "; %s %.4g where %.4g is expected, p %.2g", c->name, c->found, c->expected, c->p);
}

static void run(const struct sample *s, const struct distribution *d, nninit_selftest *result) {
    static const char *const names[NNINIT_SELFTEST_CHECKS] = {"values",   "structure", "mean",    "variance",
                                                              "distribution", "smallest", "largest", "balance",
                                                              "repeats",  "serial",    "rows"};
    nninit_selftest r = {.size = result->size, .count = s->count};
    for (int i = 0; i < NNINIT_SELFTEST_CHECKS; i++)
        r.checks[i] = (nninit_selftest_check){names[i], NAN, NAN, NAN, NNINIT_SELFTEST_SKIPPED};
    struct wrong first = {-1, 0};
    struct expectation e;
    fenv_t caller;
    fpenv_enter(&caller);
    expect(&e, d, s->dtype);
    check(&r, &e, s, &first);
    describe(&r, s, judge(&r), &first);
    fpenv_leave(&caller);
    memcpy(result, &r, r.size < sizeof r ? r.size : sizeof r);
}

/* The law of what is drawn: of a sparse weight that of the values that are not 0. */
static nninit_status prepare(const nninit_initializer *init, const int64_t *shape, int rank, const nninit_selftest *result,
                             int64_t *count, struct distribution *d) {
    nninit_context *context = init->object.context;
    if (!result || result->size <= sizeof result->size)
        return context_fail(context, NNINIT_ERR_INVALID, "result is NULL, or its size is not set");
    nninit_status status = initializer_count(context, shape, rank, count);
    for (int i = 0; status == NNINIT_OK && i < rank; i++)
        if (shape[i] == 0)
            return context_fail(context, NNINIT_ERR_SHAPE, "shape[%d] is 0; there is no value to check", i);
    if (status == NNINIT_OK)
        status = initializer_distribution(init, shape, rank, d);
    if (status == NNINIT_OK && d->kind == DISTRIBUTION_UNIFORM && !(d->low <= d->high))
        return context_fail(context, NNINIT_ERR_INVALID, "low is %g, above high, %g", d->low, d->high);
    if (status == NNINIT_OK && init->kind == NNINIT_INIT_SPARSE)
        *d = (struct distribution){DISTRIBUTION_NORMAL, 0, init->option[NNINIT_INIT_STD], -INFINITY, INFINITY, 0, 0};
    return status;
}

nninit_status nninit_selftest_values(const nninit_initializer *initializer, nninit_dtype dtype, const void *values,
                                     const int64_t *shape, int rank, nninit_selftest *result) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    int64_t count = 0;
    struct distribution d;
    if (dtype != NNINIT_FLOAT32 && dtype != NNINIT_FLOAT64)
        return context_fail(context, NNINIT_ERR_INVALID, "dtype %d; it must be float32 or float64", (int)dtype);
    nninit_status status = prepare(initializer, shape, rank, result, &count, &d);
    if (status < 0)
        return status;
    if (!values)
        return context_fail(context, NNINIT_ERR_INVALID, "values is NULL");
    double *room = mem_array(context, count, 2 * sizeof *room);
    if (!room)
        return NNINIT_ERR_MEMORY;
    run(&(struct sample){initializer, dtype, values, shape, rank, count, room}, &d, result);
    mem_free(context, room);
    return NNINIT_OK;
}

nninit_status nninit_selftest_tensor(const nninit_initializer *initializer, const nninit_tensor *tensor,
                                     nninit_selftest *result) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    if (!tensor || tensor->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the tensor is NULL, or belongs to another context");
    float *values = mem_array(context, tensor->count, sizeof *values);
    if (!values)
        return NNINIT_ERR_MEMORY;
    nninit_status status = nninit_tensor_read(tensor, values, tensor->count);
    if (status == NNINIT_OK)
        status = nninit_selftest_values(initializer, NNINIT_FLOAT32, values, tensor->shape, tensor->rank, result);
    mem_free(context, values);
    return status;
}

/* What can fail is found before anything is drawn. */
nninit_status nninit_initializer_selftest(const nninit_initializer *initializer, const int64_t *shape, int rank,
                                          nninit_generator *generator, nninit_selftest *result) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    int64_t count = 0;
    struct distribution d;
    nninit_status status = prepare(initializer, shape, rank, result, &count, &d);
    if (status < 0)
        return status;
    double *room = mem_array(context, count, 2 * sizeof *room);
    float *values = room ? mem_array(context, count, sizeof *values) : NULL;
    status = values ? nninit_initializer_fill(initializer, NNINIT_FLOAT32, values, shape, rank, generator)
                    : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK)
        run(&(struct sample){initializer, NNINIT_FLOAT32, values, shape, rank, count, room}, &d, result);
    mem_free(context, values);
    mem_free(context, room);
    return status;
}
