/* SPDX-License-Identifier: MIT */
/* The IDX format of the MNIST files: 0, 0, type, rank, then the sizes and the elements, big-endian. */
#ifndef NNINIT_LIB_IDX_H
#define NNINIT_LIB_IDX_H

#include <stddef.h>
#include <stdint.h>

enum idx_type { IDX_U8 = 0x08, IDX_I8 = 0x09, IDX_I16 = 0x0b, IDX_I32 = 0x0c, IDX_F32 = 0x0d, IDX_F64 = 0x0e };

enum { IDX_MAX_RANK = 8, IDX_MAX_HEADER = 4 + 4 * IDX_MAX_RANK };

struct idx {
    enum idx_type type;
    int rank;
    int64_t size[IDX_MAX_RANK];
    size_t element; /* bytes */
    int64_t count;  /* elements */
    size_t header;  /* bytes before the first element */
};

/* Read a header from the first `size` bytes of a file. NULL, or what is wrong with it, in words. */
const char *idx_parse(struct idx *idx, const unsigned char *bytes, size_t size);
/* Element i of the data behind the header. */
double idx_element(const struct idx *idx, const unsigned char *data, int64_t i);

#endif
