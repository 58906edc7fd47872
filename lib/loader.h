/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_LOADER_H
#define NNINIT_LIB_LOADER_H

#include "dataset.h"
#include "generator.h"

#include <nninit/loader.h>

struct nninit_loader {
    struct object object;
    nninit_dataset *dataset;
    nninit_generator *generator;
    int64_t batch;
    unsigned flags;
    nninit_order order;
    uint64_t seed; /* of NNINIT_ORDER_EPOCH */
    int64_t epochs;
    bool begun;           /* an epoch is in progress */
    bool ordered;         /* its permutation is there */
    bool exhausted;       /* Python's sampler has come to its end, and drawn what it draws there */
    int64_t position;     /* rows that it has given */
    float cost;           /* its running cost */
    int32_t *permutation; /* [count] */
    int64_t *indices;     /* [count]: room for a permutation as it is drawn, and for a batch */
};

/* Make the permutation of the epoch in progress, unless it is there: what Python draws at the first batch. */
nninit_status loader_order(nninit_loader *loader);
/* Begin the next epoch unless one is in progress, and make its permutation. */
nninit_status loader_enter(nninit_loader *loader);
/* Has the epoch no more batches? */
bool loader_is_over(const nninit_loader *loader);
/* The steps from the position on that have equal batches and no report between them: at most `limit`, with reports a hundredth
 * of an epoch, and one where a callback gives the rows. */
int64_t loader_steps(const nninit_loader *loader, int64_t limit, bool reports);
/* Add to the running cost as the lecture sums it: float32, in the order of the steps. */
void loader_add_costs(nninit_loader *loader, const float *costs, int64_t steps);
/* The epoch is exhausted: what Python then draws. */
void loader_finish(nninit_loader *loader);

#endif
