/* SPDX-License-Identifier: MIT */
/* Rules as a table: what each takes, what it draws for a shape, and how it fills. initializer.c has the handle,
 * initializer_rules.c the table, initializer_fill.c the filling, initializer_structured.c and _given.c what is not drawn
 * element by element, initializer_explain.c the words. */
#ifndef NNINIT_LIB_INITIALIZER_H
#define NNINIT_LIB_INITIALIZER_H

#include "object.h"

#include <nninit/initializer.h>

#define INITIALIZER_OPTIONS 16
#define INITIALIZER_KINDS 31 /* numbers, from 1 */

/* What a rule draws for one shape. Each element is on its own and all are alike, unless it is structured. */
struct distribution {
    enum {
        DISTRIBUTION_CONSTANT,  /* mean, without a draw */
        DISTRIBUTION_UNIFORM,   /* low to high */
        DISTRIBUTION_NORMAL,    /* mean, std */
        DISTRIBUTION_TRUNCATED, /* N(location, scale^2) cut to low and high */
        DISTRIBUTION_STRUCTURED /* values depend on their place or on each other */
    } kind;
    double mean, std; /* of what comes out; NaN where that is not known without filling */
    double low, high; /* its bounds; infinite for a normal, and where they are not known */
    double location, scale; /* of the normal that is cut; else 0 */
};

/* Values that are given. */
struct initializer_array {
    nninit_dtype dtype; /* NNINIT_FLOAT32 or NNINIT_FLOAT64 */
    int rank;
    int64_t shape[NNINIT_MAX_RANK], count;
    void *values;
};

struct nninit_initializer {
    struct object object;
    nninit_initializer_kind kind;
    double option[INITIALIZER_OPTIONS];
    struct initializer_array array; /* of arrays and files */
    nninit_initializer_fn fn;       /* of callbacks */
    void *user;
};

/* A fill whose arguments are checked. dtype is NNINIT_FLOAT32 or NNINIT_FLOAT64, count above 0. */
struct filling {
    const nninit_initializer *init;
    nninit_dtype dtype;
    void *values;
    const int64_t *shape;
    int rank;
    int64_t count;
    nninit_generator *generator;
};

#define INITIALIZER_BIT(option) (1u << (option))

struct initializer_rule {
    const char *name; /* NULL: no such kind */
    unsigned options; /* INITIALIZER_BIT of those that it takes */
    bool draws;       /* it needs a generator */
    bool given;       /* it has a create function of its own */
    nninit_status (*distribution)(const nninit_initializer *init, const int64_t *shape, int rank,
                                  struct distribution *distribution);
    nninit_status (*fill)(const struct filling *f); /* NULL: as the distribution says. A failure draws nothing */
    const char *formula, *source;
};

/* Indexed by kind. */
extern const struct initializer_rule initializer_rules[INITIALIZER_KINDS];

/* NNINIT_ERR_SHAPE where fans are needed and not defined, NNINIT_ERR_INVALID where an option is missing. A fan of 0 gives
 * bounds that are infinite or not a number. */
nninit_status initializer_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                       struct distribution *distribution);
/* Check a shape; the product of its sizes. */
nninit_status initializer_count(nninit_context *context, const int64_t *shape, int rank, int64_t *count);
/* An initializer without a claim on values; NULL after setting the message. */
nninit_initializer *initializer_new(nninit_context *context, nninit_initializer_kind kind);
/* What the rule multiplies by; 1 where it has none. */
double initializer_gain(const nninit_initializer *init);

/* initializer_structured.c: the structured rules' two functions. */
nninit_status identity_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                    struct distribution *d);
nninit_status identity_fill(const struct filling *f);
nninit_status dirac_distribution(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d);
nninit_status dirac_fill(const struct filling *f);
nninit_status sparse_distribution(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d);
nninit_status sparse_fill(const struct filling *f);
nninit_status hadamard_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                    struct distribution *d);
nninit_status hadamard_fill(const struct filling *f);
nninit_status nguyen_distribution(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d);
nninit_status nguyen_fill(const struct filling *f);

/* initializer_orthogonal.c */
nninit_status orthogonal_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                      struct distribution *d);
nninit_status orthogonal_fill(const struct filling *f);
nninit_status delta_orthogonal_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                            struct distribution *d);
nninit_status delta_orthogonal_fill(const struct filling *f);

/* initializer_given.c */
nninit_status array_distribution(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d);
nninit_status array_fill(const struct filling *f);
nninit_status callback_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                    struct distribution *d);
nninit_status callback_fill(const struct filling *f);

/* Element i of values of a type that is float32 or float64, and its assignment, rounded to nearest. */
static inline double real_get(nninit_dtype dtype, const void *values, int64_t i) {
    return dtype == NNINIT_FLOAT32 ? (double)((const float *)values)[i] : ((const double *)values)[i];
}

static inline void real_set(nninit_dtype dtype, void *values, int64_t i, double value) {
    if (dtype == NNINIT_FLOAT32)
        ((float *)values)[i] = (float)value;
    else
        ((double *)values)[i] = value;
}

#endif
