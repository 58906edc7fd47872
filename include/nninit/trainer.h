/* SPDX-License-Identifier: MIT */
/** @file trainer.h
 *  A model, a loss and an optimizer, run over a loader: epochs, evaluation, checkpoints. */
#ifndef NNINIT_TRAINER_H
#define NNINIT_TRAINER_H

#include <nninit/loader.h>
#include <nninit/step.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Trains and evaluates a model. */
typedef struct nninit_trainer nninit_trainer;

/** Where an epoch is. */
typedef struct nninit_progress {
    size_t size;    /**< sizeof(nninit_progress) of the library; fields may be added at the end */
    int64_t epoch;  /**< from 1 */
    int64_t step;   /**< steps of this epoch that are done */
    int64_t steps;  /**< steps that it has */
    float cost;     /**< running cost: the sum so far of cost / steps, float32 */
} nninit_progress;

/** Told about progress, on the calling thread, about a hundred times an epoch and at its end. Return 0 to go on; anything
 *  else stops with NNINIT_ERR_CANCELLED, and the epoch can be continued. */
typedef int (*nninit_progress_fn)(void *user, const nninit_progress *progress);

/**
 * Create a trainer. It claims the model and the optimizer.
 *
 * @param out  the new trainer, or NULL on failure
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a NULL, an unknown loss, or handles of different contexts
 * @retval NNINIT_ERR_SHAPE    the model has no fixed width of input
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_trainer_create(nninit_trainer **out, nninit_layer *model, nninit_loss loss,
                                               nninit_optimizer *optimizer);

/** Give up the claim on a trainer (see context.h). @since 0.1 */
NNINIT_API void nninit_trainer_destroy(nninit_trainer **trainer);

/**
 * Be told about progress; NULL: no longer.
 *
 * @retval NNINIT_OK           set
 * @retval NNINIT_ERR_INVALID  trainer is NULL
 * @since 0.1
 */
NNINIT_API nninit_status nninit_trainer_on_progress(nninit_trainer *trainer, nninit_progress_fn progress, void *user);

/**
 * Train for one epoch, or finish the one that was cancelled, or that a checkpoint stopped in.
 *
 * @param loader  its next epoch
 * @param cost    [out] mean cost of the epoch, summed as the lecture does: float32, `cost += c / (float)batches`, in the
 *                order of the steps; may be NULL. Unspecified on failure
 *
 * @retval NNINIT_OK             the epoch is over
 * @retval NNINIT_ERR_INVALID    a NULL, handles of different contexts, or a label that the model has no output for
 * @retval NNINIT_ERR_SHAPE      the data set's width is not the model's, or it has no batch
 * @retval NNINIT_ERR_STATE      the data set has no targets of the kind that the loss needs, or see nninit_step()
 * @retval NNINIT_ERR_CANCELLED  by nninit_context_cancel() or the progress function, between two steps
 * @retval NNINIT_ERR_NUMERIC    the cost is not finite; the message names epoch and step
 * @retval NNINIT_ERR_CALLBACK   the data set's callback reported failure
 * @retval (as nninit_step)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_trainer_epoch(nninit_trainer *trainer, nninit_loader *loader, float *cost);

/**
 * Mean loss and share of rows whose largest output is at the label, over a data set in order. Draws nothing.
 *
 * @param loss      [out] in double, weighted by rows; may be NULL
 * @param accuracy  [out] 0 to 1; may be NULL, and must be without labels
 * @retval (as nninit_trainer_epoch)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_trainer_evaluate(nninit_trainer *trainer, nninit_dataset *dataset, double *loss,
                                                 double *accuracy);

/**
 * Only the accuracy.
 *
 * @retval (as nninit_trainer_evaluate)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_trainer_accuracy(nninit_trainer *trainer, nninit_dataset *dataset, double *accuracy);

/**
 * The index of the largest output for one row; the lowest among equals.
 *
 * @param row         row number
 * @param prediction  [out]
 * @retval (as nninit_trainer_evaluate)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_trainer_predict(nninit_trainer *trainer, nninit_dataset *dataset, int64_t row,
                                                int64_t *prediction);

/**
 * Save a checkpoint: parameters, optimizer with its moments and options, loader with its generator and its place in the
 * epoch, as one safetensors file. Written like nninit_layer_save(). A run that goes on from it ends with the same bits as
 * one that never stopped.
 *
 * @retval NNINIT_OK           saved
 * @retval NNINIT_ERR_INVALID  a NULL, or handles of different contexts
 * @retval NNINIT_ERR_IO       the file cannot be written or renamed
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_trainer_save(nninit_trainer *trainer, nninit_loader *loader, const char *path);

/**
 * Go on from a checkpoint. The trainer and the loader must have been made as those that were saved: every option is
 * compared (kind of optimizer, betas, batch, flags, order, rows of the data set, …), except the learning rate, which is
 * taken from the file.
 *
 * @retval NNINIT_OK             resumed
 * @retval NNINIT_ERR_INVALID    a NULL, or handles of different contexts
 * @retval NNINIT_ERR_IO         the file cannot be read
 * @retval NNINIT_ERR_FORMAT     not a safetensors file, its header does not fit its size, or a value is out of range (a
 *                               position beyond the data set, a row number that it does not have, …)
 * @retval NNINIT_ERR_NOT_FOUND  something is missing from it
 * @retval NNINIT_ERR_SHAPE      a tensor has another shape or type
 * @retval NNINIT_ERR_STATE      an option differs; the message names it with both values
 * @retval NNINIT_ERR_MEMORY     out of memory
 * @note   On failure nothing has changed.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_trainer_resume(nninit_trainer *trainer, nninit_loader *loader, const char *path);

#ifdef __cplusplus
}
#endif
#endif
