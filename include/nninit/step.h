/* SPDX-License-Identifier: MIT */
/** @file step.h
 *  One training step, for those who write their own loop. The trainer (trainer.h) does the same, batch after batch.
 *
 *  Both calls run in the default floating-point environment and put the caller's back. What a batch size needs is prepared
 *  at its first use and kept, so a loop over equal batches allocates nothing. */
#ifndef NNINIT_STEP_H
#define NNINIT_STEP_H

#include <nninit/loss.h>
#include <nninit/optimizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Forward, loss, backward, update: on one batch.
 *
 * @param model      its parameters are updated
 * @param loss       which loss
 * @param optimizer  advanced by one step
 * @param x          [rows, inputs] floats
 * @param target     int64_t [rows] or float [rows, outputs]: see nninit_loss
 * @param rows       at least 1
 * @param cost       [out] the loss before the update; may be NULL
 *
 * @retval NNINIT_OK           the step is done
 * @retval NNINIT_ERR_INVALID  a NULL, rows < 1, an unknown loss, a label out of range, or handles of different contexts;
 *                             nothing changed
 * @retval NNINIT_ERR_SHAPE    the model has no fixed width of input
 * @retval NNINIT_ERR_STATE    the optimizer belongs to another model
 * @retval NNINIT_ERR_NUMERIC  the loss is not finite; the step has been done
 * @retval NNINIT_ERR_BACKEND  see nninit_context_backend()
 * @retval NNINIT_ERR_DEVICE   the backend failed; the parameters are unspecified
 * @retval NNINIT_ERR_MEMORY   out of memory; nothing changed
 * @since 0.1
 */
NNINIT_API nninit_status nninit_step(nninit_layer *model, nninit_loss loss, nninit_optimizer *optimizer, const float *x,
                                     const void *target, int64_t rows, float *cost);

/**
 * Forward, loss, backward: the gradients of the loss on one batch, which nninit_layer_gradient() then shows. Parameters
 * do not change. Gradients are overwritten, not accumulated.
 *
 * @retval (as nninit_step)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_gradient(nninit_layer *model, nninit_loss loss, const float *x, const void *target,
                                         int64_t rows, float *cost);

#ifdef __cplusplus
}
#endif
#endif
