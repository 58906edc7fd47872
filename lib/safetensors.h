/* SPDX-License-Identifier: MIT */
/* The safetensors format: u64 header length, a JSON header, the tensors' bytes, little-endian. */
#ifndef NNINIT_LIB_SAFETENSORS_H
#define NNINIT_LIB_SAFETENSORS_H

#include "object.h"

#include <nninit/tensor.h>

enum state_dtype { STATE_F32, STATE_F64, STATE_I32, STATE_I64, STATE_U8, STATE_DTYPES };

struct state_item {
    char name[256];
    enum state_dtype dtype; /* STATE_DTYPES: one that nninit does not read */
    int rank;
    int64_t shape[NNINIT_MAX_RANK];
    const void *data;
    size_t size; /* bytes */
};

struct safetensors {
    nninit_context *context;
    unsigned char *bytes;
    struct state_item *items; /* by name; each one's data is aligned to 8 bytes */
    int count;
};

enum { SAFETENSORS_PROBLEM = 256 };

/* Write to a temporary file beside path, sync, rename. Same items, same bytes. */
nninit_status safetensors_save(nninit_context *context, const char *path, const struct state_item *items, int count);
/* Read a whole file. */
nninit_status safetensors_open(nninit_context *context, const char *path, struct safetensors *file);
/* The item, or NULL. One whose type nninit does not read is given too. */
const struct state_item *safetensors_find(const struct safetensors *file, const char *name);
void safetensors_close(struct safetensors *file);

/* The header of a file of `size` bytes. At most `capacity` items are written, all are counted; where all fit, they are
 * in the order of their names and what they say about each other is checked too. False after putting what is wrong in
 * problem[SAFETENSORS_PROBLEM]. */
bool safetensors_parse(const unsigned char *bytes, size_t size, struct state_item *items, int capacity, int *count,
                       char *problem);

#endif
