/* SPDX-License-Identifier: MIT */
/* What holds for every draw of a structured rule, by the rule's definition and not by the code that fills. */
#include "selftest.h"

#include "host/statistics.h"

#include <float.h>
#include <math.h>

double real_epsilon(nninit_dtype dtype) {
    return dtype == NNINIT_FLOAT32 ? FLT_EPSILON : DBL_EPSILON;
}

double real_tiny(nninit_dtype dtype) {
    return dtype == NNINIT_FLOAT32 ? FLT_TRUE_MIN : DBL_TRUE_MIN;
}

/* The elements that are equal in all dimensions but the first two. */
static int64_t field_of(const struct sample *s) {
    int64_t field = 1;
    for (int i = 2; i < s->rank; i++)
        field *= s->shape[i];
    return field;
}

/* The middle of the field; of an even size the place before (early) or behind it. */
static int64_t centre_of(const struct sample *s, bool early) {
    int64_t centre = 0;
    for (int i = 2; i < s->rank; i++)
        centre = centre * s->shape[i] + (s->shape[i] - early) / 2;
    return centre;
}

static bool is_diagonal(const struct sample *s, int64_t i) {
    return i / s->shape[1] == i % s->shape[1];
}

static double dirac_at(const struct sample *s, int64_t i) {
    int64_t field = field_of(s), channel = i / field % s->shape[1], output = i / field / s->shape[1];
    int64_t outputs = s->shape[0] / (int64_t)s->init->option[NNINIT_INIT_GROUPS];
    return output % outputs == channel && i % field == centre_of(s, false);
}

/* Sylvester's construction, [H H; H -H]: each half doubles from the corner. */
static double hadamard_at(const struct sample *s, int64_t i) {
    int64_t row = i / s->shape[1], column = i % s->shape[1], order = 1;
    double sign = 1;
    if (s->shape[0] <= s->shape[1])
        return is_diagonal(s, i);
    for (; order < s->shape[0]; order *= 2)
        if (row / order % 2 && column / order % 2)
            sign = -sign;
    return sign / sqrt((double)order);
}

static double given_at(const struct sample *s, int64_t i) {
    return real_get(s->init->array.dtype, s->init->array.values, i);
}

static double identity_at(const struct sample *s, int64_t i) {
    return is_diagonal(s, i) ? s->init->option[NNINIT_INIT_GAIN] : 0;
}

/* Each place has its value, of which the rounding to the type may be another's. */
static void check_places(const struct sample *s, double (*wanted)(const struct sample *s, int64_t i), struct structure *t) {
    double epsilon = real_epsilon(s->dtype), tiny = real_tiny(s->dtype);
    for (int64_t i = 0; i < s->count; i++) {
        double want = wanted(s, i), far = fabs(real_get(s->dtype, s->values, i) - want);
        t->found += want == 0 ? far > 0 : far > epsilon * fabs(want) + tiny;
    }
}

/* Rows or columns, whichever are fewer, of the matrix whose elements stand `step` apart from `first` on are orthonormal times
 * the gain; 0 stands elsewhere. Rounding the elements moves a product of two by epsilon; a sum of n products in the type, as
 * others compute theirs, is off by up to n epsilon. */
static void check_orthogonal(const struct sample *s, int64_t columns, int64_t step, int64_t first, struct structure *t) {
    int64_t rows = s->shape[0], length = rows < columns ? columns : rows, vectors = rows < columns ? rows : columns;
    double gain = s->init->option[NNINIT_INIT_GAIN];
    for (int64_t i = 0; i < s->count; i++) {
        double x = real_get(s->dtype, s->values, i) / gain;
        int64_t row = i / step / columns, column = i / step % columns;
        if (i % step == first)
            s->room[rows < columns ? row * length + column : column * length + row] = x;
        else
            t->found = fmax(t->found, fabs(x));
    }
    for (int64_t i = 0; i < vectors; i++)
        for (int64_t j = 0; j <= i; j++) {
            double product = 0;
            for (int64_t k = 0; k < length; k++)
                product += s->room[i * length + k] * s->room[j * length + k];
            t->found = fmax(t->found, fabs(product - (i == j)));
        }
    t->allowed = (double)(length + 1) * (2 * real_epsilon(s->dtype) + real_tiny(s->dtype) / fabs(gain));
}

/* Rows of norm 0.7 rows^(1 / columns). */
static void check_norms(const struct sample *s, struct structure *t) {
    int64_t columns = s->shape[1];
    double norm = 0.7 * pow((double)s->shape[0], 1 / (double)columns);
    for (int64_t i = 0; i < s->shape[0]; i++) {
        double squares = 0;
        for (int64_t j = i * columns; j < (i + 1) * columns; j++)
            squares += real_get(s->dtype, s->values, j) * real_get(s->dtype, s->values, j);
        t->found = fmax(t->found, fabs(sqrt(squares) / norm - 1));
    }
    t->allowed = (double)(columns + 1) * real_epsilon(s->dtype);
}

/* Each column has the zeros that it must have. A normal may be another one by chance: a word is 0, which makes one or two of
 * them 0. */
static void check_zeros(const struct sample *s, double chance, struct structure *t) {
    int64_t rows = s->shape[0], columns = s->shape[1];
    double must = ceil(s->init->option[NNINIT_INIT_SPARSITY] * (double)rows), more = 0;
    bool missing = false;
    for (int64_t c = 0; c < columns; c++) {
        double zeros = 0;
        for (int64_t r = 0; r < rows; r++)
            zeros += real_get(s->dtype, s->values, r * columns + c) == 0;
        t->found += zeros != must;
        more += fmax(zeros - must, 0);
        missing |= zeros < must;
    }
    t->p = missing ? 0 : statistics_hits_upper(((double)rows - must) * (double)columns * chance, ceil(more / 2));
}

bool structure_check(const struct sample *s, double chance, struct structure *t) {
    const double *option = s->init->option;
    *t = (struct structure){0};
    switch (s->init->kind) {
    case NNINIT_INIT_IDENTITY: check_places(s, identity_at, t); break;
    case NNINIT_INIT_DIRAC: check_places(s, dirac_at, t); break;
    case NNINIT_INIT_HADAMARD: check_places(s, hadamard_at, t); break;
    case NNINIT_INIT_ARRAY:
    case NNINIT_INIT_FILE: check_places(s, given_at, t); break;
    case NNINIT_INIT_ORTHOGONAL:
        if (option[NNINIT_INIT_GAIN] == 0) /* all are 0, as the bounds say */
            return false;
        check_orthogonal(s, s->count / s->shape[0], 1, 0, t);
        break;
    case NNINIT_INIT_DELTA_ORTHOGONAL:
        if (option[NNINIT_INIT_GAIN] == 0)
            return false;
        check_orthogonal(s, s->shape[1], field_of(s), centre_of(s, true), t);
        break;
    case NNINIT_INIT_NGUYEN_WIDROW:
        if (s->rank == 1)
            return false;
        check_norms(s, t);
        break;
    case NNINIT_INIT_SPARSE: check_zeros(s, chance, t); break;
    default: return false;
    }
    if (s->init->kind != NNINIT_INIT_SPARSE)
        t->p = t->found <= t->allowed;
    return true;
}
