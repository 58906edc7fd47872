/* SPDX-License-Identifier: MIT */
/* Rules whose values are given: arrays, files, callbacks. */
#include "initializer.h"

#include "file.h"
#include "npy.h"
#include "safetensors.h"

#include <math.h>
#include <string.h>

static size_t real_size(nninit_dtype dtype) {
    return dtype == NNINIT_FLOAT32 ? sizeof(float) : sizeof(double);
}

static nninit_status check_out(nninit_initializer **out, nninit_context *context, const void *needed, const char *name) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out || !needed)
        return context_fail(context, NNINIT_ERR_INVALID, "%s is NULL", out ? name : "out");
    return NNINIT_OK;
}

/* A new initializer with room for values of this shape. */
static nninit_status array_create(nninit_initializer **out, nninit_context *context, nninit_initializer_kind kind,
                                  nninit_dtype dtype, const int64_t *shape, int rank) {
    int64_t count = 0;
    nninit_status status = initializer_count(context, shape, rank, &count);
    if (status < 0)
        return status;
    nninit_initializer *init = initializer_new(context, kind);
    if (!init)
        return NNINIT_ERR_MEMORY;
    init->array.values = mem_array(context, count, real_size(dtype));
    if (!init->array.values) {
        nninit_initializer_destroy(&init);
        return NNINIT_ERR_MEMORY;
    }
    init->array.dtype = dtype;
    init->array.rank = rank;
    init->array.count = count;
    memcpy(init->array.shape, shape, (size_t)rank * sizeof *shape);
    *out = init;
    return NNINIT_OK;
}

nninit_status nninit_initializer_from_array(nninit_initializer **out, nninit_context *context, nninit_dtype dtype,
                                            const void *values, const int64_t *shape, int rank) {
    nninit_status status = check_out(out, context, shape, "shape");
    if (status < 0)
        return status;
    if (dtype != NNINIT_FLOAT32 && dtype != NNINIT_FLOAT64)
        return context_fail(context, NNINIT_ERR_INVALID, "dtype %d; it must be float32 or float64", (int)dtype);
    nninit_initializer *init = NULL;
    status = array_create(&init, context, NNINIT_INIT_ARRAY, dtype, shape, rank);
    if (status < 0)
        return status;
    if (init->array.count > 0 && !values) {
        nninit_initializer_destroy(&init);
        return context_fail(context, NNINIT_ERR_INVALID, "values is NULL");
    }
    if (init->array.count > 0)
        memcpy(init->array.values, values, (size_t)init->array.count * real_size(dtype));
    *out = init;
    return NNINIT_OK;
}

/* Into row-major order: place i of it is `from` in Fortran's. */
static void copy_npy(const struct npy *npy, unsigned char *values) {
    size_t size = real_size(npy->dtype);
    int64_t index[NNINIT_MAX_RANK] = {0};
    if (!npy->fortran) {
        memcpy(values, npy->data, (size_t)npy->count * size);
        return;
    }
    for (int64_t i = 0; i < npy->count; i++) {
        int64_t from = 0;
        for (int k = npy->rank - 1; k >= 0; k--)
            from = from * npy->shape[k] + index[k];
        memcpy(values + (size_t)i * size, npy->data + (size_t)from * size, size);
        for (int k = npy->rank - 1; k >= 0 && ++index[k] == npy->shape[k]; k--)
            index[k] = 0;
    }
}

static nninit_status open_npy(nninit_initializer **out, nninit_context *context, const char *path) {
    unsigned char *bytes;
    size_t size;
    struct npy npy;
    nninit_status status = file_read(context, path, &bytes, &size);
    if (status < 0)
        return status;
    const char *problem = npy_parse(&npy, bytes, size);
    if (problem)
        status = context_fail(context, NNINIT_ERR_FORMAT, "%s: %s", path, problem);
    else if (!npy.dtype || npy.rank < 1)
        status = context_fail(context, NNINIT_ERR_UNSUPPORTED, "%s: %s", path,
                              npy.dtype ? "has no dimension" : "is neither float32 nor float64, little-endian");
    else
        status = array_create(out, context, NNINIT_INIT_FILE, npy.dtype, npy.shape, npy.rank);
    if (status == NNINIT_OK)
        copy_npy(&npy, (*out)->array.values);
    mem_free(context, bytes);
    return status;
}

static nninit_status open_safetensors(nninit_initializer **out, nninit_context *context, const char *path,
                                      const char *name) {
    struct safetensors file;
    nninit_status status = safetensors_open(context, path, &file);
    if (status < 0)
        return status;
    const struct state_item *item = safetensors_find(&file, name);
    if (!item)
        status = context_fail(context, NNINIT_ERR_NOT_FOUND, "%s: has no tensor \"%.100s\"", path, name);
    else if ((item->dtype != STATE_F32 && item->dtype != STATE_F64) || item->rank < 1)
        status = context_fail(context, NNINIT_ERR_UNSUPPORTED, "%s: \"%.100s\" %s", path, name,
                              item->rank < 1 ? "has no dimension" : "is neither float32 nor float64");
    else
        status = array_create(out, context, NNINIT_INIT_FILE, item->dtype == STATE_F32 ? NNINIT_FLOAT32 : NNINIT_FLOAT64,
                              item->shape, item->rank);
    if (status == NNINIT_OK && item->size > 0)
        memcpy((*out)->array.values, item->data, item->size);
    safetensors_close(&file);
    return status;
}

nninit_status nninit_initializer_open(nninit_initializer **out, nninit_context *context, const char *path,
                                      const char *name) {
    nninit_status status = check_out(out, context, path, "path");
    if (status < 0)
        return status;
    size_t length = strlen(path);
    bool npy = length >= 4 && strcmp(path + length - 4, ".npy") == 0;
    if (npy == (name != NULL))
        return context_fail(context, NNINIT_ERR_INVALID, "%s: %s", path,
                            npy ? "a .npy file has one array; name must be NULL" : "the name of a tensor is NULL");
    return npy ? open_npy(out, context, path) : open_safetensors(out, context, path, name);
}

static void find_moments(const struct initializer_array *a, struct distribution *d) {
    double n = (double)a->count, sum = 0, squares = 0;
    *d = (struct distribution){DISTRIBUTION_STRUCTURED, NAN, NAN, INFINITY, -INFINITY, 0, 0};
    for (int64_t i = 0; i < a->count; i++) {
        double x = real_get(a->dtype, a->values, i);
        sum += x;
        d->low = fmin(d->low, x);
        d->high = fmax(d->high, x);
    }
    d->mean = sum / n;
    for (int64_t i = 0; i < a->count; i++) {
        double x = real_get(a->dtype, a->values, i) - d->mean;
        squares += x * x;
    }
    d->std = sqrt(squares / n);
}

nninit_status array_distribution(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
    const struct initializer_array *a = &init->array;
    if (rank != a->rank)
        return context_fail(init->object.context, NNINIT_ERR_SHAPE, "%d dimensions, and the given values have %d", rank,
                            a->rank);
    for (int i = 0; i < rank; i++)
        if (shape[i] != a->shape[i])
            return context_fail(init->object.context, NNINIT_ERR_SHAPE, "shape[%d] is %lld, and that of the given values %lld",
                                i, (long long)shape[i], (long long)a->shape[i]);
    find_moments(a, d);
    return NNINIT_OK;
}

nninit_status array_fill(const struct filling *f) {
    const struct initializer_array *a = &f->init->array;
    for (int64_t i = 0; i < f->count; i++)
        real_set(f->dtype, f->values, i, real_get(a->dtype, a->values, i));
    return NNINIT_OK;
}

nninit_status nninit_initializer_from_callback(nninit_initializer **out, nninit_context *context,
                                               nninit_initializer_fn fn, void *user) {
    nninit_status status = check_out(out, context, fn ? &status : NULL, "fn");
    if (status < 0)
        return status;
    nninit_initializer *init = initializer_new(context, NNINIT_INIT_CALLBACK);
    if (!init)
        return NNINIT_ERR_MEMORY;
    init->fn = fn;
    init->user = user;
    *out = init;
    return NNINIT_OK;
}

nninit_status callback_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                    struct distribution *d) {
    (void)init, (void)shape, (void)rank;
    *d = (struct distribution){DISTRIBUTION_STRUCTURED, NAN, NAN, -INFINITY, INFINITY, 0, 0};
    return NNINIT_OK;
}

/* Into room of our own, so that a failure leaves the values as they were. */
nninit_status callback_fill(const struct filling *f) {
    nninit_context *context = f->init->object.context;
    void *room = mem_array(context, f->count, real_size(f->dtype));
    if (!room)
        return NNINIT_ERR_MEMORY;
    int failed = f->init->fn(f->init->user, f->shape, f->rank, f->dtype, room, f->generator);
    if (!failed)
        memcpy(f->values, room, (size_t)f->count * real_size(f->dtype));
    mem_free(context, room);
    return failed ? context_fail(context, NNINIT_ERR_CALLBACK, "the initializer's function returned %d", failed) : NNINIT_OK;
}
