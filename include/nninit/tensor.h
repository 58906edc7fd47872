/* SPDX-License-Identifier: MIT */
/** @file tensor.h
 *  A tensor is a named, shaped view of float32 values in row-major order: of its own memory, of yours, or of a model's
 *  parameter, whose memory is in whatever layout the backend likes best. So values are copied in and out. */
#ifndef NNINIT_TENSOR_H
#define NNINIT_TENSOR_H

#include <nninit/context.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The most dimensions that a tensor may have. */
#define NNINIT_MAX_RANK 8

/** A named, shaped view of float32 values. */
typedef struct nninit_tensor nninit_tensor;

/** Element type of plain arrays. */
typedef enum nninit_dtype {
    NNINIT_FLOAT32 = 1, /**< float */
    NNINIT_FLOAT64 = 2, /**< double */
    NNINIT_UINT8 = 3,   /**< uint8_t: pixels */
    NNINIT_FLOAT16 = 4, /**< IEEE-754 binary16 in a uint16_t; only nninit_initializer_fill() writes it */
    NNINIT_BFLOAT16 = 5 /**< the upper half of a float in a uint16_t; only nninit_initializer_fill() writes it */
} nninit_dtype;

/**
 * Create a tensor of zeros on the host.
 *
 * @param out      the new tensor, or NULL on failure
 * @param context  its owner
 * @param name     copied; NULL: ""
 * @param shape    [rank] sizes, each at least 0; copied
 * @param rank     0 (one value) to NNINIT_MAX_RANK
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_SHAPE    rank or a size is out of range, or the product of the sizes overflows
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_tensor_create(nninit_tensor **out, nninit_context *context, const char *name,
                                              const int64_t *shape, int rank);

/**
 * Create a tensor that is a view of the caller's memory, which must stay valid for as long as the tensor lives.
 *
 * @param data  [product of shape] floats, row-major; still the caller's. NULL only where that product is 0
 * @retval (as nninit_tensor_create)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_tensor_wrap(nninit_tensor **out, nninit_context *context, const char *name, float *data,
                                            const int64_t *shape, int rank);

/** Give up the claim on a tensor (see context.h). @since 0.1 */
NNINIT_API void nninit_tensor_destroy(nninit_tensor **tensor);

/** Its name; "" for NULL. Lent by the tensor. @since 0.1 */
NNINIT_API const char *nninit_tensor_name(const nninit_tensor *tensor);
/** Number of dimensions; -1 for NULL. @since 0.1 */
NNINIT_API int nninit_tensor_rank(const nninit_tensor *tensor);
/** Its sizes, [rank]; NULL for NULL. Lent by the tensor. @since 0.1 */
NNINIT_API const int64_t *nninit_tensor_shape(const nninit_tensor *tensor);
/** Number of values; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_tensor_numel(const nninit_tensor *tensor);

/**
 * Copy all values out, row-major.
 *
 * @param tensor  the source
 * @param values  [count] floats, overwritten
 * @param count   must equal nninit_tensor_numel()
 *
 * @retval NNINIT_OK           copied
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_SHAPE    count is not the number of values
 * @retval NNINIT_ERR_DEVICE   the download failed
 * @since 0.1
 */
NNINIT_API nninit_status nninit_tensor_read(const nninit_tensor *tensor, float *values, int64_t count);

/**
 * Overwrite all values, row-major.
 *
 * @param values  [count] floats
 * @retval (as nninit_tensor_read)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_tensor_write(nninit_tensor *tensor, const float *values, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
