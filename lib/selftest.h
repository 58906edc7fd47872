/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_SELFTEST_H
#define NNINIT_LIB_SELFTEST_H

#include "initializer.h"

/* What is checked. */
struct sample {
    const nninit_initializer *init;
    nninit_dtype dtype; /* NNINIT_FLOAT32 or NNINIT_FLOAT64 */
    const void *values;
    const int64_t *shape;
    int rank;
    int64_t count;
    double *room; /* [2 * count] */
};

/* What a rule demands of its values' places and of their relations. */
struct structure {
    double found, allowed; /* how far off they are, and may be */
    double p;
};

/* False where the rule demands nothing. Values are finite. chance: of a drawn value to be 0. */
bool structure_check(const struct sample *s, double chance, struct structure *structure);

/* Of values of a type: the distance of 1 and the next one, and the least above 0. */
double real_epsilon(nninit_dtype dtype);
double real_tiny(nninit_dtype dtype);

#endif
