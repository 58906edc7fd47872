/* SPDX-License-Identifier: MIT */
/** @file dataset.h
 *  Rows of features with a label or a target each. Pixels stay bytes in memory and become floats as a batch is made. */
#ifndef NNINIT_DATASET_H
#define NNINIT_DATASET_H

#include <nninit/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Rows of features with a label or a target each. */
typedef struct nninit_dataset nninit_dataset;

/** Which part of MNIST. */
typedef enum nninit_split {
    NNINIT_TRAIN = 1, /**< train-images…, 60,000 */
    NNINIT_TEST = 2   /**< t10k-images…, 10,000 */
} nninit_split;

/** How bytes become floats. */
typedef enum nninit_scale {
    NNINIT_SCALE_UNIT = 1, /**< x / 255: torchvision's ToTensor; the default */
    NNINIT_SCALE_RAW = 2   /**< 0 to 255 as they are */
} nninit_scale;

/**
 * Fill a batch. Called on the thread that trains, never for more rows than a batch has.
 *
 * @param user     as given to nninit_dataset_from_callback()
 * @param indices  [count] row numbers, each 0 to the data set's count - 1
 * @param count    how many
 * @param rows     [count, features] floats to fill
 * @param labels   [count] labels to fill, each 0 to classes - 1
 * @return 0, or negative to stop with NNINIT_ERR_CALLBACK
 */
typedef int (*nninit_read_fn)(void *user, const int64_t *indices, int64_t count, float *rows, int64_t *labels);

/**
 * Open one half of MNIST, or of any set in MNIST's files (Fashion-MNIST, KMNIST): DIR/{train,t10k}-{images-idx3,labels-idx1}-ubyte
 * or with a point before "idx", each with or without ".gz".
 *
 * @param out        the new data set, or NULL on failure
 * @param context    its owner
 * @param directory  the folder
 * @param split      which half
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL or the split is unknown
 * @retval (as nninit_dataset_open_idx)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dataset_open_mnist(nninit_dataset **out, nninit_context *context, const char *directory,
                                                   nninit_split split);

/**
 * Open a pair of IDX files, plain or gzip. Images: any element type, rank 1 or more; the first size counts the rows, the
 * product of the others is the number of features. Bytes stay bytes; other types become float. Labels: any integer type,
 * rank 1, none negative. The number of classes is the largest label plus one.
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_IO       a file cannot be opened or read
 * @retval NNINIT_ERR_FORMAT   not IDX, damaged gzip, or more or fewer bytes than the header says
 * @retval NNINIT_ERR_SHAPE    images and labels differ in number, or there are none
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dataset_open_idx(nninit_dataset **out, nninit_context *context, const char *images,
                                                 const char *labels);

/**
 * Make a data set of arrays in memory, which must stay valid and unchanged for as long as it lives.
 *
 * @param dtype     NNINIT_UINT8 or NNINIT_FLOAT32: the type of rows
 * @param rows      [count, features]
 * @param labels    [count], none negative; may be NULL: no labels, for evaluation by nninit_dataset_read() only
 * @param count     at least 1
 * @param features  at least 1
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL, the type is neither, or a label is negative or above 2^31 - 1
 * @retval NNINIT_ERR_SHAPE    count or features is below 1 or too large
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dataset_wrap(nninit_dataset **out, nninit_context *context, nninit_dtype dtype,
                                             const void *rows, const int64_t *labels, int64_t count, int64_t features);

/**
 * The same for regression, with a vector as the target of each row.
 *
 * @param rows     [count, features]
 * @param targets  [count, width]
 * @retval (as nninit_dataset_wrap)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dataset_wrap_targets(nninit_dataset **out, nninit_context *context, nninit_dtype dtype,
                                                     const void *rows, const float *targets, int64_t count,
                                                     int64_t features, int64_t width);

/**
 * Make a data set whose rows a function gives, batch by batch: from a disk, a pipe, a simulation.
 *
 * @param count     rows that an epoch has, at least 1
 * @param features  at least 1
 * @param classes   at least 1; labels are checked against it
 * @param read      called for each batch
 * @param user      passed to read
 * @retval (as nninit_dataset_wrap)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dataset_from_callback(nninit_dataset **out, nninit_context *context, int64_t count,
                                                      int64_t features, int64_t classes, nninit_read_fn read, void *user);

/**
 * Make a data set of a run of another one's rows. It shares the other one's memory and claims it; it starts with the
 * other one's scale.
 *
 * @param first  row number, at least 0
 * @param count  at least 1
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_SHAPE    the run is empty or goes past the end
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dataset_slice(nninit_dataset **out, nninit_dataset *dataset, int64_t first,
                                              int64_t count);

/** Give up the claim on a data set (see context.h). @since 0.1 */
NNINIT_API void nninit_dataset_destroy(nninit_dataset **dataset);

/**
 * Choose how bytes become floats. No effect on rows that are floats already.
 *
 * @retval NNINIT_OK           set
 * @retval NNINIT_ERR_INVALID  dataset is NULL or the scale is unknown
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dataset_set_scale(nninit_dataset *dataset, nninit_scale scale);

/** Number of rows; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_dataset_count(const nninit_dataset *dataset);
/** Width of a row; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_dataset_features(const nninit_dataset *dataset);
/** Largest label plus one; 0 without labels; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_dataset_classes(const nninit_dataset *dataset);
/** Width of the target vectors; 0: it has labels or nothing; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_dataset_target_width(const nninit_dataset *dataset);

/**
 * Read rows as a batch would see them, scaled.
 *
 * @param indices  [count] row numbers
 * @param count    at least 1
 * @param rows     [count, features] floats, overwritten
 * @param target   int64_t [count] labels, or float [count, target width]; overwritten; may be NULL
 *
 * @retval NNINIT_OK            read
 * @retval NNINIT_ERR_INVALID   a pointer is NULL, count < 1, or a row number or a callback's label is out of range
 * @retval NNINIT_ERR_STATE     a target is asked for and there is none
 * @retval NNINIT_ERR_CALLBACK  the callback reported failure
 * @retval NNINIT_ERR_MEMORY    out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_dataset_read(nninit_dataset *dataset, const int64_t *indices, int64_t count, float *rows,
                                             void *target);

#ifdef __cplusplus
}
#endif
#endif
