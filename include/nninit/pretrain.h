/* SPDX-License-Identifier: MIT */
/** @file pretrain.h
 *  Initialization that looks at data: functions over a model and a batch, after which training begins as usual. */
#ifndef NNINIT_PRETRAIN_H
#define NNINIT_PRETRAIN_H

#include <nninit/dbn.h>
#include <nninit/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How nninit_pretrain_lsuv() is to work. Zero everything, set `size`, then what you want to change; 0 is the default. */
typedef struct nninit_pretrain_lsuv_options {
    size_t size;       /**< sizeof(nninit_pretrain_lsuv_options), so that later versions can add fields */
    double needed_std; /**< the standard deviation that outputs are to have, above 0; default 1 */
    double tolerance;  /**< how far from it they may be, above 0; default 0.1 */
    int max_attempts;  /**< how often a layer's weight may be scaled, at least 1; default 10 */
    int keep_weights;  /**< not 0: scale the weights as they are, and let biases be; default: begin with orthonormal
                            weights and biases of 0 */
} nninit_pretrain_lsuv_options;

/**
 * Layer-sequential unit-variance initialization. Every linear layer gets an orthonormal weight, drawn in model order as
 * torch.nn.init.orthogonal_ draws it, and a bias of 0. Then, layer by layer, the weight is divided by the standard deviation
 * of the layer's outputs on the batch, over all rows and outputs together, until that is within the tolerance.
 *
 * Take a batch as training will see it: some hundred rows, scaled alike.
 *
 * @param model      its linear layers are initialized
 * @param x          [rows, inputs] floats, row-major
 * @param rows       at least 1
 * @param options    NULL: every default
 * @param generator  draws the orthonormal weights; may be NULL with keep_weights
 *
 * @retval NNINIT_OK           the standard deviation of each linear layer's outputs is within the tolerance
 * @retval NNINIT_ERR_INVALID  a NULL, rows < 1, an option out of range, or handles of different contexts
 * @retval NNINIT_ERR_SHAPE    the model has no linear layer
 * @retval NNINIT_ERR_NUMERIC  the outputs of a layer, which the message names, are all the same or not finite, or beyond the
 *                             tolerance after max_attempts (where biases that were kept vary too much)
 * @retval NNINIT_ERR_BACKEND  see nninit_context_backend()
 * @retval NNINIT_ERR_DEVICE   the backend failed; the parameters are unspecified
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @note   On failure neither the model nor the generator has changed, unless the backend failed.
 * @see    Mishkin & Matas, All you need is a good init, ICLR 2016, algorithm 1
 * @since 0.1
 */
NNINIT_API nninit_status nninit_pretrain_lsuv(nninit_layer *model, const float *x, int64_t rows,
                                              const nninit_pretrain_lsuv_options *options, nninit_generator *generator);

/**
 * Pre-train a model by restricted Boltzmann machines: each linear layer but the last becomes the machine of its weight and
 * bias, trained on what the layers before it make of the data (dbn.h). The weights with which the model comes are not used.
 * The last layer stays as it is. Activations should be sigmoids: those are what the machines compute with.
 *
 * @param model      at least two linear layers, one after the other but for element-wise layers, with biases
 * @param dataset    features as the model's inputs; labels are not used
 * @param machine    options as nninit_rbm_parse() takes them; NULL: "bernoulli"
 * @param options    NULL: every default
 * @param generator  draws the weights that the machines begin with, and what is sampled
 *
 * @retval NNINIT_OK           pre-trained
 * @retval NNINIT_ERR_INVALID  a NULL, an option out of range, or handles of different contexts
 * @retval NNINIT_ERR_SHAPE    fewer than two linear layers, one without a bias, or the data set has another width
 * @retval (as nninit_dbn_create, nninit_dbn_pretrain)
 * @note   On failure the model has not changed.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_pretrain_rbm(nninit_layer *model, nninit_dataset *dataset, const char *machine,
                                             const nninit_dbn_options *options, nninit_generator *generator);

#ifdef __cplusplus
}
#endif
#endif
