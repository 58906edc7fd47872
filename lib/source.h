/* SPDX-License-Identifier: MIT */
/* Rows of a data set on their way into a program: where they lie, or where a callback puts those of a batch. */
#ifndef NNINIT_LIB_SOURCE_H
#define NNINIT_LIB_SOURCE_H

#include "dataset.h"
#include "program.h"

/* Room for the batches of a callback's data set; grown when a larger batch comes. */
struct source {
    float *rows;
    int64_t *labels, *numbers;
    int64_t capacity;
};

/* What a program has to know of a data set's rows. */
enum element source_element(const nninit_dataset *dataset);
float source_divisor(const nninit_dataset *dataset);

/* Make room for batches of so many rows, if a callback gives them. */
nninit_status source_reserve(struct source *source, const nninit_dataset *dataset, int64_t rows);
/* One batch through the callback, to rows and labels. */
nninit_status source_read(struct source *source, nninit_dataset *dataset, const int32_t *indices, int64_t rows);
void source_free(struct source *source, nninit_context *context);

#endif
