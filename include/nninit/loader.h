/* SPDX-License-Identifier: MIT */
/** @file loader.h
 *  The order in which an epoch visits the rows of a data set, in batches: torch.utils.data.DataLoader.
 *
 *  | order | what an epoch draws | as in |
 *  |-------|---------------------|-------|
 *  | NNINIT_ORDER_TORCH | at the start a base seed (2 words); at the first batch, if it shuffles, a sampler seed (2 words), whose own private stream gives the permutation | DataLoader(shuffle=…) on the default generator, torch 1.9 to 1.13 |
 *  | NNINIT_ORDER_TORCH_GENERATOR | a base seed (2 words); if it shuffles a permutation, and a second, unused one when the epoch is exhausted (n - 1 words each) | DataLoader(shuffle=…, generator=g) |
 *  | NNINIT_ORDER_EPOCH | nothing: the permutation is a function of (seed, epoch) | nninit only; resumes anywhere |
 */
#ifndef NNINIT_LOADER_H
#define NNINIT_LOADER_H

#include <nninit/dataset.h>
#include <nninit/generator.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A data set in batches. */
typedef struct nninit_loader nninit_loader;

/** Flags of nninit_loader_create(). */
enum nninit_loader_flags {
    NNINIT_SHUFFLE = 1,  /**< a new order every epoch */
    NNINIT_DROP_LAST = 2 /**< leave out a last batch that is not full */
};

/** Where the order comes from; see the table above. */
typedef enum nninit_order {
    NNINIT_ORDER_TORCH = 1,           /**< PyTorch's, on its default generator */
    NNINIT_ORDER_TORCH_GENERATOR = 2, /**< PyTorch's, with generator=g */
    NNINIT_ORDER_EPOCH = 3            /**< by (seed, epoch) */
} nninit_order;

/**
 * Create a loader. It claims the data set and the generator.
 *
 * @param out        the new loader, or NULL on failure
 * @param dataset    its rows; its context owns the loader
 * @param batch      rows of a batch, 1 to the number of rows
 * @param flags      NNINIT_SHUFFLE | NNINIT_DROP_LAST, or 0
 * @param generator  drawn from as the table says; NULL only for NNINIT_ORDER_EPOCH, which must then be set before the
 *                   first epoch
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a NULL, batch out of range, unknown flags, or a generator of another context
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_loader_create(nninit_loader **out, nninit_dataset *dataset, int64_t batch,
                                              unsigned flags, nninit_generator *generator);

/** Give up the claim on a loader (see context.h). @since 0.1 */
NNINIT_API void nninit_loader_destroy(nninit_loader **loader);

/**
 * Choose where the order comes from. The default is NNINIT_ORDER_TORCH.
 *
 * @param seed  for NNINIT_ORDER_EPOCH; ignored otherwise
 * @retval NNINIT_OK           set
 * @retval NNINIT_ERR_INVALID  loader is NULL, the order is unknown, or it needs a generator and there is none
 * @retval NNINIT_ERR_STATE    an epoch has been begun and is not over
 * @since 0.1
 */
NNINIT_API nninit_status nninit_loader_set_order(nninit_loader *loader, nninit_order order, uint64_t seed);

/** Batches that an epoch has; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_loader_batches(const nninit_loader *loader);
/** Rows of a full batch; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_loader_batch(const nninit_loader *loader);
/** Epochs that are over; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_loader_epochs(const nninit_loader *loader);

/**
 * Begin an epoch; one that is not over is given up, and counts as over. The draws are those of Python's iter(loader).
 *
 * @retval NNINIT_OK           begun
 * @retval NNINIT_ERR_INVALID  loader is NULL, or NNINIT_ORDER_TORCH… without a generator
 * @since 0.1
 */
NNINIT_API nninit_status nninit_loader_begin(nninit_loader *loader);

/**
 * The next batch's row numbers, for nninit_dataset_read().
 *
 * @param indices  [out] [*rows] lent until the next call on this loader
 * @param rows     [out] how many; less than nninit_loader_batch() only in a last batch
 *
 * @retval NNINIT_OK           *indices and *rows are set
 * @retval NNINIT_END          the epoch is over; *rows is 0
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_STATE    no epoch has been begun
 * @since 0.1
 */
NNINIT_API nninit_status nninit_loader_next(nninit_loader *loader, const int64_t **indices, int64_t *rows);

#ifdef __cplusplus
}
#endif
#endif
