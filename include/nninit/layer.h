/* SPDX-License-Identifier: MIT */
/** @file layer.h
 *  Layers and the models that are made of them. A model is a layer. Layers never compute: they describe themselves to the
 *  backend, which runs them in nninit_layer_forward(), nninit_step() and the trainer.
 *
 *  Parameters have PyTorch's names and shapes: "weight" [out, in] and "bias" [out] in a linear layer, "0.weight" in a
 *  sequential whose first layer that is, "1.0.weight" one level deeper.
 *  Models hold float32; x is [rows, inputs], row-major. */
#ifndef NNINIT_LAYER_H
#define NNINIT_LAYER_H

#include <nninit/initializer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A layer, or a whole model. */
typedef struct nninit_layer nninit_layer;

/** Bytes of a SHA-256 as hexadecimal text, the final zero included. */
#define NNINIT_SHA256_SIZE 65

/**
 * Create a linear layer, y = x W^T + b, as torch.nn.Linear.
 *
 * @param out        the new layer, or NULL on failure
 * @param context    its owner
 * @param inputs     width of x, at least 1
 * @param outputs    width of y, at least 1
 * @param bias       0: no b
 * @param generator  draws PyTorch's default weight and then bias (torch_linear_weight, torch_linear_bias); NULL: nothing
 *                   is drawn and both are zero
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL, or the generator belongs to another context
 * @retval NNINIT_ERR_SHAPE    a width is below 1, or above 2^24
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_linear_create(nninit_layer **out, nninit_context *context, int64_t inputs,
                                              int64_t outputs, int bias, nninit_generator *generator);

/**
 * Create an element-wise layer: sigmoid, tanh, ReLU or leaky ReLU. It may stand in any number of models, and several times
 * in one.
 *
 * @param kind   NNINIT_SIGMOID, NNINIT_TANH, NNINIT_RELU or NNINIT_LEAKY_RELU
 * @param slope  of the leaky ReLU, finite and at least 0 (PyTorch's default is 0.01); ignored otherwise
 *
 * @retval NNINIT_OK               *out is ready
 * @retval NNINIT_ERR_INVALID      a pointer is NULL, the kind is unknown or the slope out of range
 * @retval NNINIT_ERR_UNSUPPORTED  no layer computes that kind
 * @retval NNINIT_ERR_MEMORY       out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_activation_create(nninit_layer **out, nninit_context *context, nninit_activation kind,
                                                  double slope);

/**
 * Create a model that runs layers one after the other, as torch.nn.Sequential. It claims them: the caller may destroy its
 * own handles at once, or keep them; they share their parameters with the model.
 *
 * @param layers  [count] layers, in order
 * @param count   at least 1
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL, count < 1, a layer of another context, or one parameter used twice
 * @retval NNINIT_ERR_SHAPE    the outputs of a layer are not the inputs of the next one
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_sequential_create(nninit_layer **out, nninit_context *context,
                                                  nninit_layer *const *layers, int count);

/**
 * Create a multilayer perceptron: linear layers with an activation after each but the last. Parameters are "0.weight",
 * "0.bias", "2.weight", …
 *
 * @param widths      [count] inputs, hidden widths, outputs
 * @param count       at least 2
 * @param activation  between the linear layers; NNINIT_IDENTITY: none. A leaky ReLU has PyTorch's slope of 0.01
 * @param generator   as in nninit_linear_create(), layer by layer
 * @retval (as nninit_linear_create and nninit_activation_create)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_mlp_create(nninit_layer **out, nninit_context *context, const int64_t *widths, int count,
                                           nninit_activation activation, nninit_generator *generator);

/** Give up the claim on a layer (see context.h). @since 0.1 */
NNINIT_API void nninit_layer_destroy(nninit_layer **layer);

/** Width of its input; 0: any (an element-wise layer); -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_layer_inputs(const nninit_layer *layer);
/** Width of its output; 0: that of its input; -1 for NULL. @since 0.1 */
NNINIT_API int64_t nninit_layer_outputs(const nninit_layer *layer);

/** Number of parameter tensors; -1 for NULL. @since 0.1 */
NNINIT_API int nninit_layer_parameter_count(const nninit_layer *layer);

/**
 * A parameter, in model order (the order of torch's model.parameters()).
 *
 * @return lent by the layer; NULL for a NULL layer or an index out of range
 * @since 0.1
 */
NNINIT_API nninit_tensor *nninit_layer_parameter(nninit_layer *layer, int index);

/**
 * The gradient of a parameter as nninit_gradient() left it: same name, same shape, zeros before that.
 *
 * @param gradient  [out] lent by the layer; NULL on failure
 * @retval NNINIT_OK           *gradient is set
 * @retval NNINIT_ERR_INVALID  a NULL, or an index out of range
 * @retval NNINIT_ERR_STATE    nninit_gradient() has not run on this layer
 * @since 0.1
 */
NNINIT_API nninit_status nninit_layer_gradient(nninit_layer *layer, int index, nninit_tensor **gradient);

/**
 * Find a parameter by its name.
 *
 * @param tensor  [out] lent by the layer; NULL on failure
 * @retval NNINIT_OK             *tensor is set
 * @retval NNINIT_ERR_INVALID    a pointer is NULL
 * @retval NNINIT_ERR_NOT_FOUND  no parameter has that name
 * @since 0.1
 */
NNINIT_API nninit_status nninit_layer_find(nninit_layer *layer, const char *name, nninit_tensor **tensor);

/**
 * Fill every parameter whose name matches, in model order, from one stream.
 *
 * @param pattern      a name in which "*" stands for any text and "?" for any character, e.g. "*.weight"
 * @param initializer  the rule
 * @param generator    advanced; may be NULL where nninit_initializer_fill() allows it
 *
 * @retval NNINIT_OK             filled
 * @retval NNINIT_ERR_NOT_FOUND  no parameter matches
 * @retval (as nninit_initializer_apply; parameters before the one that failed are filled)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_layer_init(nninit_layer *layer, const char *pattern,
                                           const nninit_initializer *initializer, nninit_generator *generator);

/**
 * Run a model forward only.
 *
 * @param x     [rows, inputs] floats
 * @param rows  at least 1
 * @param y     [rows, outputs] floats, overwritten
 *
 * @retval NNINIT_OK           y is computed
 * @retval NNINIT_ERR_INVALID  a pointer is NULL or rows < 1
 * @retval NNINIT_ERR_SHAPE    the model has no fixed width of input
 * @retval NNINIT_ERR_BACKEND  see nninit_context_backend()
 * @retval NNINIT_ERR_DEVICE   the backend failed
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @note   Runs in the default floating-point environment; the caller's is put back. What a batch size needs is prepared
 *         at its first use and kept: same rows, no allocation.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_layer_forward(nninit_layer *layer, const float *x, int64_t rows, float *y);

/**
 * SHA-256 over all parameters in model order, as float32 little-endian, row-major, without names or header.
 *
 * @param hex  [NNINIT_SHA256_SIZE] overwritten with lower-case text
 * @retval NNINIT_OK           hex is set
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_DEVICE   the download failed
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_layer_sha256(nninit_layer *layer, char *hex);

/**
 * Save all parameters as safetensors, which PyTorch reads (safetensors.torch.load_file). The file holds nothing that
 * depends on time, path or threads. It is written beside path, synced, and then renamed to it: a failure leaves what was
 * there before.
 *
 * @retval NNINIT_OK           saved
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_IO       the file cannot be written or renamed
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_layer_save(nninit_layer *layer, const char *path);

/**
 * Load all parameters by name from safetensors (float32). Tensors that the model does not have are ignored, so that a
 * training checkpoint can be loaded too.
 *
 * @retval NNINIT_OK             loaded
 * @retval NNINIT_ERR_INVALID    a pointer is NULL
 * @retval NNINIT_ERR_IO         the file cannot be read
 * @retval NNINIT_ERR_FORMAT     not a safetensors file, or its header does not fit its size
 * @retval NNINIT_ERR_NOT_FOUND  a parameter is missing
 * @retval NNINIT_ERR_SHAPE      a parameter has another shape or type
 * @retval NNINIT_ERR_MEMORY     out of memory
 * @note   On failure no parameter has changed.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_layer_load(nninit_layer *layer, const char *path);

#ifdef __cplusplus
}
#endif
#endif
