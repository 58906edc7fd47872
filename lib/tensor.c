/* SPDX-License-Identifier: MIT */
#include "tensor.h"

#include "host/sha256.h"

#include <string.h>

static void storage_finish(struct object *object) {
    struct storage *storage = (struct storage *)object;
    mem_free(object->context, storage->host);
    arena_drop(storage->arena);
}

static const struct object_type storage_type = {"parameter", NULL, storage_finish};

struct storage *storage_create(nninit_context *context, int64_t rows, int64_t cols) {
    struct storage *storage = object_create(context, &storage_type, sizeof *storage);
    if (!storage)
        return NULL;
    storage->rows = rows;
    storage->cols = cols;
    storage->host = mem_array(context, rows * cols, sizeof(float));
    if (!storage->host) {
        object_drop(storage);
        return NULL;
    }
    return storage;
}

struct storage *storage_in_arena(struct arena *arena, int index, int64_t rows, int64_t cols) {
    struct storage *storage = object_create(arena->context, &storage_type, sizeof *storage);
    if (!storage)
        return NULL;
    storage->rows = rows;
    storage->cols = cols;
    storage->arena = arena_claim(arena);
    storage->index = index;
    return storage;
}

void storage_move_to_arena(struct storage *storage, struct arena *arena, int index) {
    mem_free(storage->object.context, storage->host);
    storage->host = NULL;
    struct arena *old = storage->arena;
    storage->arena = arena_claim(arena);
    storage->index = index;
    arena_drop(old);
}

nninit_status storage_read(const struct storage *storage, float *values) {
    if (!storage->host)
        return arena_read(storage->arena, storage->index, values);
    memcpy(values, storage->host, (size_t)(storage->rows * storage->cols) * sizeof *values);
    return NNINIT_OK;
}

nninit_status storage_write(struct storage *storage, const float *values) {
    if (!storage->host)
        return arena_write(storage->arena, storage->index, values);
    memcpy(storage->host, values, (size_t)(storage->rows * storage->cols) * sizeof *values);
    return NNINIT_OK;
}

static void tensor_release(struct object *object) {
    object_drop(((nninit_tensor *)object)->storage);
}

static void tensor_finish(struct object *object) {
    nninit_tensor *tensor = (nninit_tensor *)object;
    mem_free(object->context, tensor->name);
    if (!tensor->wrapped)
        mem_free(object->context, tensor->data);
}

static const struct object_type tensor_type = {"tensor", tensor_release, tensor_finish};

static nninit_status shape_count(nninit_context *context, const int64_t *shape, int rank, int64_t *count) {
    if (rank < 0 || rank > NNINIT_MAX_RANK)
        return context_fail(context, NNINIT_ERR_SHAPE, "rank is %d; it must be 0 to %d", rank, NNINIT_MAX_RANK);
    *count = 1;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return context_fail(context, NNINIT_ERR_SHAPE, "shape[%d] is %lld; it must be at least 0", i,
                                (long long)shape[i]);
        if (shape[i] > 0 && *count > INT64_MAX / 16 / shape[i])
            return context_fail(context, NNINIT_ERR_SHAPE, "the product of the %d sizes overflows at shape[%d] = %lld",
                                rank, i, (long long)shape[i]);
        *count *= shape[i];
    }
    return NNINIT_OK;
}

static nninit_status tensor_make(nninit_tensor **out, nninit_context *context, const char *name, const int64_t *shape,
                                 int rank) {
    if (!out)
        return context ? context_fail(context, NNINIT_ERR_INVALID, "out is NULL") : NNINIT_ERR_INVALID;
    *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!shape && rank > 0)
        return context_fail(context, NNINIT_ERR_INVALID, "shape is NULL");
    int64_t count = 0;
    nninit_status status = shape_count(context, shape, rank, &count);
    if (status < 0)
        return status;
    nninit_tensor *tensor = object_create(context, &tensor_type, sizeof *tensor);
    if (!tensor)
        return NNINIT_ERR_MEMORY;
    tensor->rank = rank;
    tensor->count = count;
    if (rank)
        memcpy(tensor->shape, shape, (size_t)rank * sizeof *shape);
    tensor->name = mem_string(context, name ? name : "");
    if (!tensor->name) {
        object_drop(tensor);
        return NNINIT_ERR_MEMORY;
    }
    *out = tensor;
    return NNINIT_OK;
}

nninit_status nninit_tensor_create(nninit_tensor **out, nninit_context *context, const char *name, const int64_t *shape,
                                   int rank) {
    nninit_status status = tensor_make(out, context, name, shape, rank);
    if (status < 0)
        return status;
    (*out)->data = mem_array(context, (*out)->count, sizeof(float));
    if (!(*out)->data) {
        nninit_tensor_destroy(out);
        return NNINIT_ERR_MEMORY;
    }
    return NNINIT_OK;
}

nninit_status nninit_tensor_wrap(nninit_tensor **out, nninit_context *context, const char *name, float *data,
                                 const int64_t *shape, int rank) {
    nninit_status status = tensor_make(out, context, name, shape, rank);
    if (status < 0)
        return status;
    if (!data && (*out)->count > 0) {
        nninit_tensor_destroy(out);
        return context_fail(context, NNINIT_ERR_INVALID, "data is NULL");
    }
    (*out)->data = data;
    (*out)->wrapped = true;
    return NNINIT_OK;
}

nninit_status tensor_view(nninit_tensor **out, struct storage *storage, const char *name, const int64_t *shape,
                          int rank) {
    nninit_status status = tensor_make(out, storage->object.context, name, shape, rank);
    if (status == NNINIT_OK)
        (*out)->storage = object_claim(storage);
    return status;
}

void nninit_tensor_destroy(nninit_tensor **tensor) {
    if (!tensor)
        return;
    object_drop(*tensor);
    *tensor = NULL;
}

const char *nninit_tensor_name(const nninit_tensor *tensor) {
    return tensor ? tensor->name : "";
}

int nninit_tensor_rank(const nninit_tensor *tensor) {
    return tensor ? tensor->rank : -1;
}

const int64_t *nninit_tensor_shape(const nninit_tensor *tensor) {
    return tensor ? tensor->shape : NULL;
}

int64_t nninit_tensor_numel(const nninit_tensor *tensor) {
    return tensor ? tensor->count : -1;
}

static nninit_status check_copy(const nninit_tensor *tensor, const float *values, int64_t count) {
    if (!tensor)
        return NNINIT_ERR_INVALID;
    if (count != tensor->count)
        return context_fail(tensor->object.context, NNINIT_ERR_SHAPE, "count is %lld; tensor \"%s\" has %lld values",
                            (long long)count, tensor->name, (long long)tensor->count);
    if (!values && count > 0)
        return context_fail(tensor->object.context, NNINIT_ERR_INVALID, "values is NULL");
    return NNINIT_OK;
}

nninit_status nninit_tensor_read(const nninit_tensor *tensor, float *values, int64_t count) {
    nninit_status status = check_copy(tensor, values, count);
    if (status < 0 || count == 0)
        return status;
    if (tensor->storage)
        return storage_read(tensor->storage, values);
    memmove(values, tensor->data, (size_t)count * sizeof *values);
    return NNINIT_OK;
}

nninit_status nninit_tensor_write(nninit_tensor *tensor, const float *values, int64_t count) {
    nninit_status status = check_copy(tensor, values, count);
    if (status < 0 || count == 0)
        return status;
    if (tensor->storage)
        return storage_write(tensor->storage, values);
    memmove(tensor->data, values, (size_t)count * sizeof *values);
    return NNINIT_OK;
}

nninit_status tensors_sha256(nninit_context *context, nninit_tensor *const *tensors, int count, char *hex) {
    if (!hex)
        return context_fail(context, NNINIT_ERR_INVALID, "hex is NULL");
    struct sha256 sha;
    sha256_init(&sha);
    nninit_status status = NNINIT_OK;
    for (int i = 0; i < count && status == NNINIT_OK; i++) {
        float *values = mem_array(context, tensors[i]->count, sizeof *values);
        status = values ? storage_read(tensors[i]->storage, values) : NNINIT_ERR_MEMORY;
        if (status == NNINIT_OK)
            sha256_update(&sha, values, (size_t)tensors[i]->count * sizeof *values);
        mem_free(context, values);
    }
    if (status == NNINIT_OK)
        sha256_finish(&sha, hex);
    return status;
}
