/* SPDX-License-Identifier: MIT */
#include "dataset.h"

#include "fpenv.h"
#include "gz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void dataset_release(struct object *object) {
    object_drop(((nninit_dataset *)object)->parent);
}

static void dataset_finish(struct object *object) {
    nninit_dataset *dataset = (nninit_dataset *)object;
    mem_free(object->context, dataset->asked);
    mem_free(object->context, dataset->own_rows);
    mem_free(object->context, dataset->own_labels);
}

static const struct object_type dataset_type = {"data set", dataset_release, dataset_finish};

static nninit_status dataset_make(nninit_dataset **out, nninit_context *context) {
    nninit_dataset *dataset = object_create(context, &dataset_type, sizeof *dataset);
    if (!dataset)
        return NNINIT_ERR_MEMORY;
    dataset->identity = ++context->datasets;
    dataset->scale = NNINIT_SCALE_UNIT;
    *out = dataset;
    return NNINIT_OK;
}

static nninit_status begin(nninit_dataset **out, nninit_context *context) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    return out ? NNINIT_OK : context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
}

/* Give the data set to the caller, or destroy it if making it failed. */
static nninit_status finish(nninit_dataset **out, nninit_dataset *dataset, nninit_status status) {
    if (status < 0)
        object_drop(dataset);
    else
        *out = dataset;
    return status;
}

static nninit_status check_size(nninit_context *context, int64_t count, int64_t features) {
    if (count < 1 || count > INT32_MAX || features < 1 || features > 1 << 24)
        return context_fail(context, NNINIT_ERR_SHAPE, "%lld rows of %lld features; there must be 1 to %d of 1 to %d",
                            (long long)count, (long long)features, INT32_MAX, 1 << 24);
    return NNINIT_OK;
}

static nninit_status images_from_idx(nninit_dataset *dataset, const char *path, const struct idx *idx,
                                     unsigned char *data) {
    nninit_context *context = dataset->object.context;
    dataset->count = idx->size[0];
    dataset->features = idx->size[0] > 0 ? idx->count / idx->size[0] : 0;
    dataset->own_rows = data;
    dataset->rows = data;
    dataset->dtype = NNINIT_UINT8;
    nninit_status status = check_size(context, dataset->count, dataset->features);
    if (status < 0)
        return context_fail(context, status, "%s: %lld rows of %lld features; there must be at least 1 of each", path,
                            (long long)dataset->count, (long long)dataset->features);
    if (idx->type == IDX_U8)
        return NNINIT_OK;
    float *rows = mem_array(context, idx->count, sizeof *rows);
    if (!rows)
        return NNINIT_ERR_MEMORY;
    for (int64_t i = 0; i < idx->count; i++)
        rows[i] = (float)idx_element(idx, data, i);
    mem_free(context, data);
    dataset->own_rows = rows;
    dataset->rows = rows;
    dataset->dtype = NNINIT_FLOAT32;
    return NNINIT_OK;
}

static nninit_status labels_from_idx(nninit_dataset *dataset, const char *path, const struct idx *idx,
                                     const unsigned char *data) {
    nninit_context *context = dataset->object.context;
    if (idx->rank != 1 || idx->type == IDX_F32 || idx->type == IDX_F64)
        return context_fail(context, NNINIT_ERR_FORMAT, "%s: labels must be integers of rank 1; the rank is %d", path,
                            idx->rank);
    if (idx->count != dataset->count)
        return context_fail(context, NNINIT_ERR_SHAPE, "%s: %lld labels for %lld rows", path, (long long)idx->count,
                            (long long)dataset->count);
    int32_t *labels = mem_array(context, idx->count, sizeof *labels);
    if (!labels)
        return NNINIT_ERR_MEMORY;
    dataset->own_labels = labels;
    dataset->labels = labels;
    for (int64_t i = 0; i < idx->count; i++) {
        double label = idx_element(idx, data, i);
        if (label < 0)
            return context_fail(context, NNINIT_ERR_FORMAT, "%s: label %lld is %g; it must be at least 0", path,
                                (long long)i, label);
        labels[i] = (int32_t)label;
        dataset->classes = label >= (double)dataset->classes ? (int64_t)label + 1 : dataset->classes;
    }
    return NNINIT_OK;
}

nninit_status nninit_dataset_open_idx(nninit_dataset **out, nninit_context *context, const char *images,
                                      const char *labels) {
    nninit_status status = begin(out, context);
    if (status < 0)
        return status;
    if (!images || !labels)
        return context_fail(context, NNINIT_ERR_INVALID, "%s is NULL", images ? "labels" : "images");
    nninit_dataset *dataset = NULL;
    status = dataset_make(&dataset, context);
    if (status < 0)
        return status;
    struct idx idx;
    unsigned char *data;
    status = gz_read_idx(context, images, &idx, &data);
    if (status == NNINIT_OK)
        status = images_from_idx(dataset, images, &idx, data);
    if (status == NNINIT_OK)
        status = gz_read_idx(context, labels, &idx, &data);
    else
        data = NULL;
    if (status == NNINIT_OK)
        status = labels_from_idx(dataset, labels, &idx, data);
    mem_free(context, data);
    return finish(out, dataset, status);
}

/* DIR/{train,t10k}-{images-idx3,labels-idx1}-ubyte, with either spelling, plain before ".gz". */
static nninit_status find_file(nninit_context *context, char *path, size_t size, const char *directory,
                               const char *split, const char *what, int rank) {
    static const char *const forms[] = {"%s/%s-%s-idx%d-ubyte", "%s/%s-%s.idx%d-ubyte", "%s/%s-%s-idx%d-ubyte.gz",
                                        "%s/%s-%s.idx%d-ubyte.gz"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int length = snprintf(path, size, forms[i], directory, split, what, rank);
#pragma GCC diagnostic pop
        if (length < 0 || (size_t)length >= size)
            errno = ENAMETOOLONG;
        else if (access(path, F_OK) == 0)
            return NNINIT_OK;
        if (errno != ENOENT)
            return context_fail(context, NNINIT_ERR_IO, "%.300s: cannot be read: %s", directory, strerror(errno));
    }
    return context_fail(context, NNINIT_ERR_IO, "%.300s: no %s-%s-idx%d-ubyte or .gz there", directory, split, what,
                        rank);
}

nninit_status nninit_dataset_open_mnist(nninit_dataset **out, nninit_context *context, const char *directory,
                                        nninit_split split) {
    nninit_status status = begin(out, context);
    if (status < 0)
        return status;
    if (!directory || (split != NNINIT_TRAIN && split != NNINIT_TEST))
        return context_fail(context, NNINIT_ERR_INVALID, "directory is NULL, or split %d is unknown", (int)split);
    char images[4096], labels[4096];
    const char *name = split == NNINIT_TRAIN ? "train" : "t10k";
    status = find_file(context, images, sizeof images, directory, name, "images", 3);
    if (status == NNINIT_OK)
        status = find_file(context, labels, sizeof labels, directory, name, "labels", 1);
    return status < 0 ? status : nninit_dataset_open_idx(out, context, images, labels);
}

static nninit_status copy_labels(nninit_dataset *dataset, const int64_t *labels) {
    int32_t *copy = mem_array(dataset->object.context, dataset->count, sizeof *copy);
    if (!copy)
        return NNINIT_ERR_MEMORY;
    dataset->own_labels = copy;
    dataset->labels = copy;
    for (int64_t i = 0; i < dataset->count; i++) {
        if (labels[i] < 0 || labels[i] > INT32_MAX)
            return context_fail(dataset->object.context, NNINIT_ERR_INVALID, "label %lld is %lld; it must be 0 to %d",
                                (long long)i, (long long)labels[i], INT32_MAX);
        copy[i] = (int32_t)labels[i];
        dataset->classes = labels[i] >= dataset->classes ? labels[i] + 1 : dataset->classes;
    }
    return NNINIT_OK;
}

/* A data set of known size that owns nothing. */
static nninit_status dataset_sized(nninit_dataset **out, nninit_context *context, nninit_dtype dtype, int64_t count,
                                   int64_t features) {
    nninit_status status = check_size(context, count, features);
    if (status == NNINIT_OK)
        status = dataset_make(out, context);
    if (status < 0)
        return status;
    (*out)->dtype = dtype;
    (*out)->count = count;
    (*out)->features = features;
    return NNINIT_OK;
}

static nninit_status wrap(nninit_dataset **out, nninit_context *context, nninit_dtype dtype, const void *rows,
                          const int64_t *labels, const float *targets, int64_t count, int64_t features, int64_t width) {
    nninit_status status = begin(out, context);
    if (status < 0)
        return status;
    if (!rows || (dtype != NNINIT_UINT8 && dtype != NNINIT_FLOAT32))
        return context_fail(context, NNINIT_ERR_INVALID, "rows is NULL, or dtype %d is neither uint8 nor float32",
                            (int)dtype);
    nninit_dataset *dataset = NULL;
    status = dataset_sized(&dataset, context, dtype, count, features);
    if (status < 0)
        return status;
    dataset->rows = rows;
    dataset->targets = targets;
    dataset->width = width;
    return finish(out, dataset, labels ? copy_labels(dataset, labels) : NNINIT_OK);
}

nninit_status nninit_dataset_wrap(nninit_dataset **out, nninit_context *context, nninit_dtype dtype, const void *rows,
                                  const int64_t *labels, int64_t count, int64_t features) {
    return wrap(out, context, dtype, rows, labels, NULL, count, features, 0);
}

nninit_status nninit_dataset_wrap_targets(nninit_dataset **out, nninit_context *context, nninit_dtype dtype,
                                          const void *rows, const float *targets, int64_t count, int64_t features,
                                          int64_t width) {
    nninit_status status = begin(out, context);
    if (status < 0)
        return status;
    if (!targets)
        return context_fail(context, NNINIT_ERR_INVALID, "targets is NULL");
    status = check_size(context, count, width);
    return status < 0 ? status : wrap(out, context, dtype, rows, NULL, targets, count, features, width);
}

nninit_status dataset_own(nninit_dataset **out, const nninit_dataset *from, float *rows, const int64_t *labels,
                          int64_t features) {
    nninit_dataset *dataset = NULL;
    nninit_status status = dataset_sized(&dataset, from->object.context, NNINIT_FLOAT32, from->count, features);
    if (status < 0)
        return status;
    dataset->rows = rows;
    if (labels)
        status = copy_labels(dataset, labels);
    else if (from->labels) {
        dataset->own_labels = mem_array(from->object.context, from->count, sizeof *from->labels);
        status = dataset->own_labels ? NNINIT_OK : NNINIT_ERR_MEMORY;
        if (status == NNINIT_OK)
            memcpy(dataset->own_labels, from->labels, (size_t)from->count * sizeof *from->labels);
        dataset->labels = dataset->own_labels;
    }
    dataset->classes = from->classes;
    if (status == NNINIT_OK)
        dataset->own_rows = rows;
    return finish(out, dataset, status);
}

nninit_status nninit_dataset_from_callback(nninit_dataset **out, nninit_context *context, int64_t count,
                                           int64_t features, int64_t classes, nninit_read_fn read, void *user) {
    nninit_status status = begin(out, context);
    if (status < 0)
        return status;
    if (!read || classes < 1 || classes > INT32_MAX)
        return context_fail(context, NNINIT_ERR_INVALID, "read is NULL, or classes (%lld) is below 1",
                            (long long)classes);
    status = dataset_sized(out, context, NNINIT_FLOAT32, count, features);
    if (status < 0)
        return status;
    (*out)->classes = classes;
    (*out)->read = read;
    (*out)->user = user;
    return NNINIT_OK;
}

nninit_status nninit_dataset_slice(nninit_dataset **out, nninit_dataset *dataset, int64_t first, int64_t count) {
    if (out)
        *out = NULL;
    if (!dataset)
        return NNINIT_ERR_INVALID;
    nninit_context *context = dataset->object.context;
    if (!out)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
    if (first < 0 || count < 1 || first > dataset->count - count)
        return context_fail(context, NNINIT_ERR_SHAPE, "%lld rows from row %lld on; the data set has %lld",
                            (long long)count, (long long)first, (long long)dataset->count);
    nninit_dataset *slice = NULL;
    nninit_status status = dataset_make(&slice, context);
    if (status < 0)
        return status;
    const struct object object = slice->object;
    *slice = *dataset;
    slice->object = object;
    slice->own_rows = slice->own_labels = slice->asked = NULL;
    slice->room = 0;
    slice->parent = object_claim(dataset);
    slice->count = count;
    slice->first = dataset->first + first;
    size_t element = dataset->dtype == NNINIT_UINT8 ? 1 : sizeof(float);
    if (dataset->rows)
        slice->rows = (const char *)dataset->rows + (size_t)(first * dataset->features) * element;
    slice->labels = dataset->labels ? dataset->labels + first : NULL;
    slice->targets = dataset->targets ? dataset->targets + first * dataset->width : NULL;
    *out = slice;
    return NNINIT_OK;
}

void nninit_dataset_destroy(nninit_dataset **dataset) {
    if (!dataset)
        return;
    object_drop(*dataset);
    *dataset = NULL;
}

nninit_status nninit_dataset_set_scale(nninit_dataset *dataset, nninit_scale scale) {
    if (!dataset)
        return NNINIT_ERR_INVALID;
    if (scale != NNINIT_SCALE_UNIT && scale != NNINIT_SCALE_RAW)
        return context_fail(dataset->object.context, NNINIT_ERR_INVALID, "scale %d is unknown", (int)scale);
    dataset->scale = scale;
    return NNINIT_OK;
}

int64_t nninit_dataset_count(const nninit_dataset *dataset) {
    return dataset ? dataset->count : -1;
}

int64_t nninit_dataset_features(const nninit_dataset *dataset) {
    return dataset ? dataset->features : -1;
}

int64_t nninit_dataset_classes(const nninit_dataset *dataset) {
    return dataset ? dataset->classes : -1;
}

int64_t nninit_dataset_target_width(const nninit_dataset *dataset) {
    return dataset ? dataset->width : -1;
}

/* Room for the row numbers and labels of one call; kept for the next. */
static nninit_status reserve(nninit_dataset *dataset, int64_t count) {
    if (count <= dataset->room)
        return NNINIT_OK;
    int64_t *memory = mem_array(dataset->object.context, 2 * count, sizeof *memory);
    if (!memory)
        return NNINIT_ERR_MEMORY;
    mem_free(dataset->object.context, dataset->asked);
    dataset->asked = memory;
    dataset->room = count;
    return NNINIT_OK;
}

static nninit_status read_callback(nninit_dataset *dataset, const int64_t *indices, int64_t count, float *rows,
                                   int64_t *target) {
    nninit_context *context = dataset->object.context;
    nninit_status status = reserve(dataset, count);
    if (status < 0)
        return status;
    int64_t *asked = dataset->asked, *labels = asked + count;
    for (int64_t i = 0; i < count; i++)
        asked[i] = indices[i] + dataset->first;
    if (dataset->read(dataset->user, asked, count, rows, labels) < 0)
        return context_fail(context, NNINIT_ERR_CALLBACK, "the data set's callback failed at row %lld",
                            (long long)asked[0]);
    for (int64_t i = 0; i < count; i++)
        if (labels[i] < 0 || labels[i] >= dataset->classes)
            return context_fail(context, NNINIT_ERR_INVALID,
                                "the callback gave label %lld for row %lld; it must be 0 to %lld",
                                (long long)labels[i], (long long)asked[i], (long long)dataset->classes - 1);
    if (target)
        memcpy(target, labels, (size_t)count * sizeof *target);
    return NNINIT_OK;
}

static void read_row(const nninit_dataset *dataset, int64_t index, float *row) {
    int64_t n = dataset->features;
    if (dataset->dtype == NNINIT_FLOAT32) {
        memcpy(row, (const float *)dataset->rows + index * n, (size_t)n * sizeof *row);
        return;
    }
    const uint8_t *bytes = (const uint8_t *)dataset->rows + index * n;
    float divisor = dataset->scale == NNINIT_SCALE_UNIT ? 255.0f : 1.0f;
    for (int64_t j = 0; j < n; j++)
        row[j] = (float)bytes[j] / divisor;
}

nninit_status nninit_dataset_read(nninit_dataset *dataset, const int64_t *indices, int64_t count, float *rows,
                                  void *target) {
    if (!dataset)
        return NNINIT_ERR_INVALID;
    nninit_context *context = dataset->object.context;
    if (!indices || !rows || count < 1)
        return context_fail(context, NNINIT_ERR_INVALID, "indices or rows is NULL, or count (%lld) is below 1",
                            (long long)count);
    for (int64_t i = 0; i < count; i++)
        if (indices[i] < 0 || indices[i] >= dataset->count)
            return context_fail(context, NNINIT_ERR_INVALID, "row %lld; the data set has %lld", (long long)indices[i],
                                (long long)dataset->count);
    if (dataset->read)
        return read_callback(dataset, indices, count, rows, target);
    if (target && !dataset->labels && !dataset->targets)
        return context_fail(context, NNINIT_ERR_STATE, "the data set has neither labels nor targets");
    fenv_t caller;
    fpenv_enter(&caller);
    for (int64_t i = 0; i < count; i++) {
        read_row(dataset, indices[i], rows + i * dataset->features);
        if (target && dataset->labels)
            ((int64_t *)target)[i] = dataset->labels[indices[i]];
        else if (target)
            memcpy((float *)target + i * dataset->width, dataset->targets + indices[i] * dataset->width,
                   (size_t)dataset->width * sizeof(float));
    }
    fpenv_leave(&caller);
    return NNINIT_OK;
}
