/* SPDX-License-Identifier: MIT */
/* NumPy's format (NEP 1): magic, version, the length of a header, a Python dictionary, the elements. */
#ifndef NNINIT_LIB_NPY_H
#define NNINIT_LIB_NPY_H

#include <nninit/tensor.h>

#include <stdbool.h>

struct npy {
    nninit_dtype dtype; /* NNINIT_FLOAT32, NNINIT_FLOAT64; 0: one that nninit does not read */
    bool fortran;       /* the first dimension varies fastest */
    int rank;
    int64_t shape[NNINIT_MAX_RANK], count;
    const unsigned char *data; /* unaligned; `count` elements of that type are there */
};

/* NULL, or what is wrong with these bytes. It allocates nothing. */
const char *npy_parse(struct npy *npy, const unsigned char *bytes, size_t size);

#endif
