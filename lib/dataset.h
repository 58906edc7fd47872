/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_DATASET_H
#define NNINIT_LIB_DATASET_H

#include "object.h"

#include <nninit/dataset.h>

struct nninit_dataset {
    struct object object;
    nninit_dataset *parent; /* of a slice; claimed */
    nninit_dtype dtype;     /* of rows */
    const void *rows;       /* [count, features]; NULL: read gives them */
    const int32_t *labels;  /* [count], or NULL */
    const float *targets;   /* [count, width], or NULL */
    int64_t count, features, classes, width;
    uint64_t identity; /* no other data set of the context has or had it */
    nninit_scale scale;
    nninit_read_fn read;
    void *user;
    int64_t first; /* of a slice: added to the row numbers that read gets */
    int64_t *asked; /* [2, room]: row numbers and labels of one call of read */
    int64_t room;
    void *own_rows, *own_labels; /* memory to free */
};

/* A data set with a wider or narrower row for each one of another: float32 [count, features], which it then owns, and the
 * other's labels, or those given. */
nninit_status dataset_own(nninit_dataset **out, const nninit_dataset *from, float *rows, const int64_t *labels,
                          int64_t features);

#endif
