/* SPDX-License-Identifier: MIT */
/** @file optimizer.h
 *  Optimizers with PyTorch's formulas; g is the gradient, p the parameter, t = 1, 2, … the step.
 *
 *  | kind  | update | source |
 *  |-------|--------|--------|
 *  | sgd   | g += weight_decay p; m = momentum m + (1 - dampening) g (first step: m = g); nesterov: g += momentum m, else g = m; p -= lr g | torch.optim.SGD; Sutskever et al. 2013 |
 *  | adam  | g += weight_decay p; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps) | Kingma & Ba, ICLR 2015 |
 *  | adamw | p *= 1 - lr weight_decay, then as adam without decay in g | Loshchilov & Hutter, ICLR 2019 |
 *
 *  An optimizer belongs to the first model that it steps; its moments live and die with it. Moments whose magnitude is below
 *  2^-100 become zero (docs/numerics.md). */
#ifndef NNINIT_OPTIMIZER_H
#define NNINIT_OPTIMIZER_H

#include <nninit/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An update rule, its options and its moments. */
typedef struct nninit_optimizer nninit_optimizer;

/** Which rule. */
typedef enum nninit_optimizer_kind {
    NNINIT_SGD = 1,  /**< with momentum, Nesterov's too */
    NNINIT_ADAM = 2, /**< decay, if any, in the gradient */
    NNINIT_ADAMW = 3 /**< decoupled decay */
} nninit_optimizer_kind;

/** Options; text form in quotes. */
typedef enum nninit_optimizer_option {
    NNINIT_OPT_LR = 1,           /**< "lr", learning rate, at least 0; default 1e-3. May change at any step */
    NNINIT_OPT_WEIGHT_DECAY = 2, /**< "weight_decay", at least 0; default 0, adamw 1e-2 */
    NNINIT_OPT_MOMENTUM = 3,     /**< "momentum" (sgd), at least 0; default 0 */
    NNINIT_OPT_DAMPENING = 4,    /**< "dampening" (sgd), 0 to 1; default 0 */
    NNINIT_OPT_NESTEROV = 5,     /**< "nesterov" (sgd), 0 or 1; default 0; needs momentum > 0 and dampening 0 */
    NNINIT_OPT_BETA1 = 6,        /**< "beta1" (adam, adamw), in [0, 1); default .9 */
    NNINIT_OPT_BETA2 = 7,        /**< "beta2" (adam, adamw), in [0, 1); default .999 */
    NNINIT_OPT_EPS = 8           /**< "eps" (adam, adamw), above 0; default 1e-8 */
} nninit_optimizer_option;

/**
 * Create an optimizer with every option at its default.
 *
 * @param out      the new optimizer, or NULL on failure
 * @param context  its owner
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL or the kind is unknown
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_optimizer_create(nninit_optimizer **out, nninit_context *context,
                                                 nninit_optimizer_kind kind);

/**
 * Create an optimizer from text, e.g. "sgd:lr=0.1,momentum=0.9,nesterov=1".
 *
 * @retval NNINIT_OK             *out is ready
 * @retval NNINIT_ERR_INVALID    a pointer is NULL, or a value is not a number or out of range
 * @retval NNINIT_ERR_NOT_FOUND  no optimizer or option has that name, or it does not take that option
 * @retval NNINIT_ERR_MEMORY     out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_optimizer_parse(nninit_optimizer **out, nninit_context *context, const char *text);

/** Give up the claim on an optimizer (see context.h). @since 0.1 */
NNINIT_API void nninit_optimizer_destroy(nninit_optimizer **optimizer);

/**
 * Set one option; it holds from the next step on.
 *
 * @retval NNINIT_OK             set
 * @retval NNINIT_ERR_INVALID    optimizer is NULL, or the value is not finite, out of range, or does not fit the others
 *                               (nesterov); nothing changed
 * @retval NNINIT_ERR_NOT_FOUND  this kind does not take that option
 * @since 0.1
 */
NNINIT_API nninit_status nninit_optimizer_set(nninit_optimizer *optimizer, nninit_optimizer_option option, double value);

/**
 * Read one option back.
 *
 * @param value  [out]
 * @retval NNINIT_OK             *value is set
 * @retval NNINIT_ERR_INVALID    a pointer is NULL
 * @retval NNINIT_ERR_NOT_FOUND  this kind does not take that option
 * @since 0.1
 */
NNINIT_API nninit_status nninit_optimizer_get(const nninit_optimizer *optimizer, nninit_optimizer_option option,
                                              double *value);

/** Steps taken so far; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_optimizer_steps(const nninit_optimizer *optimizer);

#ifdef __cplusplus
}
#endif
#endif
