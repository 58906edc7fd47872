/* SPDX-License-Identifier: MIT */
#include "source.h"

enum element source_element(const nninit_dataset *dataset) {
    return dataset->dtype == NNINIT_UINT8 ? ELEMENT_U8 : ELEMENT_F32;
}

float source_divisor(const nninit_dataset *dataset) {
    return dataset->dtype == NNINIT_UINT8 && dataset->scale == NNINIT_SCALE_UNIT ? 255.0f : 1.0f;
}

nninit_status source_reserve(struct source *source, const nninit_dataset *dataset, int64_t rows) {
    nninit_context *context = dataset->object.context;
    if (!dataset->read || rows <= source->capacity)
        return NNINIT_OK;
    source_free(source, context);
    source->rows = mem_array(context, rows * dataset->features, sizeof *source->rows);
    source->labels = mem_array(context, rows, sizeof *source->labels);
    source->numbers = mem_array(context, rows, sizeof *source->numbers);
    if (!source->rows || !source->labels || !source->numbers)
        return NNINIT_ERR_MEMORY;
    source->capacity = rows;
    return NNINIT_OK;
}

nninit_status source_read(struct source *source, nninit_dataset *dataset, const int32_t *indices, int64_t rows) {
    for (int64_t i = 0; i < rows; i++)
        source->numbers[i] = indices[i];
    return nninit_dataset_read(dataset, source->numbers, rows, source->rows, source->labels);
}

void source_free(struct source *source, nninit_context *context) {
    mem_free(context, source->rows);
    mem_free(context, source->labels);
    mem_free(context, source->numbers);
    *source = (struct source){NULL, NULL, NULL, 0};
}
