/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_INITIALIZER_H
#define NNINIT_LIB_INITIALIZER_H

#include "object.h"

#include <nninit/initializer.h>

#define INITIALIZER_OPTIONS 11

/* What a rule draws for one shape, each element on its own and all alike. */
struct distribution {
    enum {
        DISTRIBUTION_CONSTANT, /* mean, without a draw */
        DISTRIBUTION_UNIFORM,  /* low to high */
        DISTRIBUTION_NORMAL    /* mean, std */
    } kind;
    double mean, std; /* of what is drawn */
    double low, high; /* its bounds; infinite for a normal */
};

struct nninit_initializer {
    struct object object;
    nninit_initializer_kind kind;
    double option[INITIALIZER_OPTIONS];
};

/* NNINIT_ERR_SHAPE where fans are needed and not defined, NNINIT_ERR_INVALID where an option is missing. A fan of 0 gives
 * bounds that are infinite or not a number. */
nninit_status initializer_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                       struct distribution *distribution);

#endif
