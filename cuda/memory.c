/* SPDX-License-Identifier: MIT */
/* Matrices in device memory: a model's tensors, a data set's rows, and copies to and from the host. */
#include "device.h"

#include <string.h>

enum { QUAD = 4, ALIGNMENT = 256 };

struct memory {
    struct device *device;
    void *block; /* that all tensors lie in */
    int count;
    struct matrix tensor[];
};

int64_t matrix_stride(int64_t cols) {
    return (cols + QUAD - 1) / QUAD * QUAD;
}

size_t matrix_bytes(int64_t rows, int64_t cols, size_t element) {
    const int64_t most = INT64_MAX / 16;
    if (rows > INT32_MAX || cols > INT32_MAX - QUAD || (rows > 0 && matrix_stride(cols) > most / rows))
        return 0;
    const size_t bytes = (size_t)(rows * matrix_stride(cols)) * element;
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

nninit_status device_alloc(struct device *device, void **out, size_t bytes) {
    void *block = NULL;
    nninit_status status = CHECK(device, cudaMalloc(&block, bytes));
    if (status == NNINIT_ERR_MEMORY)
        return device->host.fail(device->host.context, status, "cudaMalloc on cuda:%d: out of memory: %zu bytes",
                                 device->ordinal, bytes);
    if (status == NNINIT_OK)
        status = CHECK(device, cudaMemsetAsync(block, 0, bytes, device->stream));
    if (status == NNINIT_OK)
        status = CHECK(device, cudaStreamSynchronize(device->stream));
    if (status < 0) {
        if (block)
            cudaFree(block);
        return status;
    }
    *out = block;
    return NNINIT_OK;
}

nninit_status matrix_submit(struct device *device, const struct matrix *to, int64_t first, int64_t count,
                            const void *rows, size_t element) {
    const size_t width = (size_t)to->cols * element, pitch = (size_t)to->stride * element;
    return CHECK(device, cudaMemcpy2DAsync((char *)to->data + (size_t)first * pitch, pitch, rows, width, width,
                                           (size_t)count, cudaMemcpyHostToDevice, device->stream));
}

nninit_status matrix_write(struct device *device, const struct matrix *to, int64_t first, int64_t count,
                           const void *rows, size_t element) {
    nninit_status status = matrix_submit(device, to, first, count, rows, element);
    return status < 0 ? status : CHECK(device, cudaStreamSynchronize(device->stream));
}

nninit_status matrix_read(struct device *device, const struct matrix *from, int64_t first, int64_t count, void *rows,
                          size_t element) {
    const size_t width = (size_t)from->cols * element, pitch = (size_t)from->stride * element;
    nninit_status status = CHECK(device, cudaMemcpy2DAsync(rows, width, (const char *)from->data + (size_t)first * pitch, pitch,
                                                           width, (size_t)count, cudaMemcpyDeviceToHost, device->stream));
    return status < 0 ? status : CHECK(device, cudaStreamSynchronize(device->stream));
}

static nninit_status too_large(struct device *device, int64_t rows, int64_t cols) {
    return device->host.fail(device->host.context, NNINIT_ERR_UNSUPPORTED,
                             "cuda: a matrix of %lld by %lld; rows and columns must be below 2^31", (long long)rows,
                             (long long)cols);
}

static struct resident *find_resident(struct device *device, uint64_t identity, const void *rows) {
    for (struct resident *r = device->residents; r; r = r->next)
        if (r->identity == identity && r->rows == rows)
            return r;
    return NULL;
}

nninit_status resident_claim(struct resident **out, struct device *device, uint64_t identity, const void *rows,
                             int64_t count, int64_t cols, size_t element) {
    const struct host *host = &device->host;
    const size_t bytes = matrix_bytes(count, cols, element);
    struct resident *resident = find_resident(device, identity, rows);
    if (resident) {
        resident->claims++;
        *out = resident;
        return NNINIT_OK;
    }
    if (bytes == 0)
        return too_large(device, count, cols);
    resident = host->alloc(host->context, sizeof *resident);
    if (!resident)
        return NNINIT_ERR_MEMORY;
    resident->matrix = (struct matrix){NULL, (int32_t)count, (int32_t)cols, (int32_t)matrix_stride(cols)};
    nninit_status status = device_alloc(device, &resident->matrix.data, bytes);
    if (status == NNINIT_OK) {
        status = matrix_write(device, &resident->matrix, 0, count, rows, element);
        if (status < 0)
            cudaFree(resident->matrix.data);
    }
    if (status < 0) {
        host->free(host->context, resident);
        return status;
    }
    resident->identity = identity;
    resident->rows = rows;
    resident->claims = 1;
    resident->next = device->residents;
    device->residents = resident;
    *out = resident;
    return NNINIT_OK;
}

void resident_drop(struct device *device, struct resident *resident) {
    if (!resident || --resident->claims > 0)
        return;
    struct resident **link = &device->residents;
    while (*link != resident)
        link = &(*link)->next;
    *link = resident->next;
    if (device_alive(device))
        cudaFree(resident->matrix.data);
    device->host.free(device->host.context, resident);
}

static nninit_status place_tensors(struct memory *memory, const struct tensor_shape *tensors) {
    struct device *device = memory->device;
    size_t total = 0;
    for (int i = 0; i < memory->count; i++) {
        const size_t bytes = matrix_bytes(tensors[i].rows, tensors[i].cols, sizeof(float));
        if (bytes == 0)
            return too_large(device, tensors[i].rows, tensors[i].cols);
        total += bytes;
    }
    nninit_status status = total ? device_alloc(device, &memory->block, total) : NNINIT_OK;
    char *at = memory->block;
    for (int i = 0; i < memory->count && status == NNINIT_OK; i++) {
        memory->tensor[i] = (struct matrix){at, (int32_t)tensors[i].rows, (int32_t)tensors[i].cols,
                                            (int32_t)matrix_stride(tensors[i].cols)};
        at += matrix_bytes(tensors[i].rows, tensors[i].cols, sizeof(float));
    }
    return status;
}

nninit_status memory_create(struct memory **out, struct device *device, const struct tensor_shape *tensors, int count) {
    const struct host *host = &device->host;
    int caller;
    nninit_status status = device_enter(device, &caller);
    if (status < 0)
        return status;
    struct memory *memory = host->alloc(host->context, sizeof *memory + (size_t)count * sizeof memory->tensor[0]);
    status = memory ? NNINIT_OK : NNINIT_ERR_MEMORY;
    if (memory) {
        memory->device = device;
        memory->count = count;
        status = place_tensors(memory, tensors);
    }
    device_leave(caller);
    if (status < 0) {
        host->free(host->context, memory);
        return status;
    }
    *out = memory;
    return NNINIT_OK;
}

void memory_destroy(struct memory *memory) {
    struct device *device = memory->device;
    int caller;
    if (memory->block && device_alive(device) && device_enter(device, &caller) == NNINIT_OK) {
        cudaFree(memory->block);
        device_leave(caller);
    }
    device->host.free(device->host.context, memory);
}

nninit_status memory_read(const struct memory *memory, int tensor, float *values) {
    const struct matrix *m = &memory->tensor[tensor];
    int caller;
    nninit_status status = device_enter(memory->device, &caller);
    if (status < 0)
        return status;
    status = matrix_read(memory->device, m, 0, m->rows, values, sizeof *values);
    device_leave(caller);
    return status;
}

nninit_status memory_write(struct memory *memory, int tensor, const float *values) {
    const struct matrix *m = &memory->tensor[tensor];
    int caller;
    nninit_status status = device_enter(memory->device, &caller);
    if (status < 0)
        return status;
    status = matrix_write(memory->device, m, 0, m->rows, values, sizeof *values);
    device_leave(caller);
    return status;
}

struct matrix memory_matrix(const struct memory *memory, int tensor) {
    return memory->tensor[tensor];
}
