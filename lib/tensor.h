/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_TENSOR_H
#define NNINIT_LIB_TENSOR_H

#include "executor.h"

#include <nninit/tensor.h>

/* Where a parameter's values are: on the host until a program runs on them, then in an arena of the executor. */
struct storage {
    struct object object;
    int64_t rows, cols; /* as a matrix; a bias is one column */
    float *host;        /* [rows, cols]; NULL while they are in the arena */
    struct arena *arena;
    int index; /* tensor of the arena */
};

struct nninit_tensor {
    struct object object;
    char *name;
    int rank;
    int64_t shape[NNINIT_MAX_RANK];
    int64_t count;
    float *data;             /* of a host tensor; owned unless wrapped */
    bool wrapped;
    struct storage *storage; /* of a parameter; else NULL */
};

/* A parameter's zeroed storage. */
struct storage *storage_create(nninit_context *context, int64_t rows, int64_t cols);
/* Storage in tensor `index` of an arena; claims it. */
struct storage *storage_in_arena(struct arena *arena, int index, int64_t rows, int64_t cols);
/* Let the values live in tensor `index` of an arena that already holds them. */
void storage_move_to_arena(struct storage *storage, struct arena *arena, int index);
nninit_status storage_read(const struct storage *storage, float *values);
nninit_status storage_write(struct storage *storage, const float *values);

/* A view of storage; claims it. */
nninit_status tensor_view(nninit_tensor **out, struct storage *storage, const char *name, const int64_t *shape, int rank);

/* SHA-256 over the values of parameters, one after the other; hex [NNINIT_SHA256_SIZE]. */
nninit_status tensors_sha256(nninit_context *context, nninit_tensor *const *tensors, int count, char *hex);

#endif
