/* SPDX-License-Identifier: MIT */
/* What is used of cuBLASLt, which is opened when it is asked for: building needs none of its headers. The numbers are those of
 * cublasLt.h, which tests/device/check_cublaslt.c compares where that file is. */
#ifndef NNINIT_CUDA_CUBLASLT_H
#define NNINIT_CUDA_CUBLASLT_H

#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LT_SUCCESS = 0,
    LT_ALLOC_FAILED = 3,
    LT_NOT_SUPPORTED = 15,
    LT_COMPUTE_32F = 68,
    LT_COMPUTE_32F_FAST_TF32 = 77,
    LT_R_32F = 0,
    LT_OP_N = 0,
    LT_OP_T = 1,
    LT_DESC_TRANSA = 3,
    LT_DESC_TRANSB = 4,
    LT_PREF_MAX_WORKSPACE_BYTES = 1,
    LT_PREF_REDUCTION_SCHEME_MASK = 3,
    LT_REDUCTION_SCHEME_NONE = 0
};

typedef void *lt_handle, *lt_desc, *lt_layout, *lt_preference;

typedef struct lt_algo {
    uint64_t data[8];
} lt_algo;

typedef struct lt_heuristic {
    lt_algo algo;
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
} lt_heuristic;

/* Matrices are column-major, of rows by columns, `ld` elements from one column to the next. */
typedef struct lt_functions {
    int (*create)(lt_handle *);
    int (*destroy)(lt_handle);
    int (*desc_create)(lt_desc *, int compute, int scale);
    int (*desc_set)(lt_desc, int attribute, const void *, size_t);
    int (*desc_destroy)(lt_desc);
    int (*layout_create)(lt_layout *, int type, uint64_t rows, uint64_t cols, int64_t ld);
    int (*layout_destroy)(lt_layout);
    int (*preference_create)(lt_preference *);
    int (*preference_set)(lt_preference, int attribute, const void *, size_t);
    int (*preference_destroy)(lt_preference);
    int (*heuristic)(lt_handle, lt_desc, lt_layout a, lt_layout b, lt_layout c, lt_layout d, lt_preference, int most,
                     lt_heuristic *, int *count);
    int (*matmul)(lt_handle, lt_desc, const void *alpha, const void *a, lt_layout, const void *b, lt_layout,
                  const void *beta, const void *c, lt_layout, void *d, lt_layout, const lt_algo *, void *workspace,
                  size_t workspace_bytes, cudaStream_t);
} lt_functions;

#endif
