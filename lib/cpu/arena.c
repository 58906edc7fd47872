/* SPDX-License-Identifier: MIT */
/* Tensors that live as long as a model, packed in panels (cpu.h). */
#include "cpu.h"

struct tensor {
    float *data;
    int64_t rows, cols;
};

struct memory {
    const struct host *host;
    float *block; /* that all tensors lie in */
    int count;
    struct tensor tensor[];
};

void cpu_memory_destroy(struct memory *memory) {
    memory->host->free(memory->host->context, memory->block);
    memory->host->free(memory->host->context, memory);
}

nninit_status cpu_memory_create(struct memory **out, const struct host *host, const struct tensor_shape *tensors,
                                int count) {
    struct memory *memory = host->alloc(host->context, sizeof *memory + (size_t)count * sizeof memory->tensor[0]);
    if (!memory)
        return NNINIT_ERR_MEMORY;
    memory->host = host;
    memory->count = count;
    int64_t size = 0;
    for (int i = 0; i < count; i++)
        size += round_up(tensors[i].rows, GROUP) * tensors[i].cols;
    float *at = memory->block = host->alloc(host->context, (size_t)size * sizeof *at);
    if (!at) {
        host->free(host->context, memory);
        return NNINIT_ERR_MEMORY;
    }
    for (int i = 0; i < count; i++) {
        memory->tensor[i] = (struct tensor){at, tensors[i].rows, tensors[i].cols};
        at += round_up(tensors[i].rows, GROUP) * tensors[i].cols;
    }
    *out = memory;
    return NNINIT_OK;
}

nninit_status cpu_memory_read(const struct memory *memory, int tensor, float *values) {
    const struct tensor *t = &memory->tensor[tensor];
    for (int64_t r = 0; r < t->rows; r++) {
        const float *row = t->data + panel_offset(t->cols, r);
        int64_t width = panel_width(t->rows, r);
        for (int64_t c = 0; c < t->cols; c++)
            values[r * t->cols + c] = row[c * width];
    }
    return NNINIT_OK;
}

nninit_status cpu_memory_write(struct memory *memory, int tensor, const float *values) {
    const struct tensor *t = &memory->tensor[tensor];
    for (int64_t r = 0; r < t->rows; r++) {
        float *row = t->data + panel_offset(t->cols, r);
        int64_t width = panel_width(t->rows, r);
        for (int64_t c = 0; c < t->cols; c++)
            row[c * width] = values[r * t->cols + c];
    }
    return NNINIT_OK;
}

float *cpu_memory_tensor(struct memory *memory, int tensor) {
    return memory->tensor[tensor].data;
}
