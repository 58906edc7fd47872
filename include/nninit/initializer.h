/* SPDX-License-Identifier: MIT */
/** @file initializer.h
 *  Rules that fill weights. Simple: nninit_initializer_parse() and nninit_initializer_fill() on a plain array, which opens
 *  no device, no thread and no file. The weight of a linear layer is [fan_out, fan_in], row-major, as in PyTorch.
 *
 *  | kind                        | values                                                     | source |
 *  |-----------------------------|------------------------------------------------------------|--------|
 *  | zeros, ones, constant       | 0, 1, value                                                | torch.nn.init |
 *  | uniform                     | U(low, high)                                               | torch.nn.init.uniform_ |
 *  | normal                      | N(mean, std^2)                                             | torch.nn.init.normal_ |
 *  | xavier_uniform              | U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out))          | Glorot & Bengio, AISTATS 2010, eq. 16 |
 *  | xavier_normal               | N(0, s^2), s = gain * sqrt(2 / (fan_in + fan_out))         | Glorot & Bengio, AISTATS 2010, eq. 12 |
 *  | kaiming_uniform             | U(-b, b), b = gain(nonlinearity, slope) * sqrt(3 / fan)    | He et al., ICCV 2015, section 2.2 |
 *  | kaiming_normal              | N(0, s^2), s = gain(nonlinearity, slope) / sqrt(fan)       | He et al., ICCV 2015, section 2.2 |
 *  | torch_linear_weight         | U(-1/sqrt(fan_in), 1/sqrt(fan_in))                         | torch.nn.Linear.reset_parameters |
 *  | torch_linear_bias           | the same; its fan_in is that of the weight, given as an option | torch.nn.Linear.reset_parameters |
 *
 *  torch_linear_weight is what PyTorch writes as kaiming_uniform_(a=sqrt(5)): a rule of its own, not He's. */
#ifndef NNINIT_INITIALIZER_H
#define NNINIT_INITIALIZER_H

#include <nninit/generator.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A rule that fills weights. */
typedef struct nninit_initializer nninit_initializer;

/** Element-wise functions; also the `nonlinearity` of nninit_initializer_gain(). */
typedef enum nninit_activation {
    NNINIT_IDENTITY = 0,   /**< y = x; PyTorch's "linear" */
    NNINIT_SIGMOID = 1,    /**< y = 1 / (1 + exp(-x)) */
    NNINIT_TANH = 2,       /**< y = tanh(x) */
    NNINIT_RELU = 3,       /**< y = max(x, 0) */
    NNINIT_LEAKY_RELU = 4, /**< y = x for x >= 0, else slope * x */
    NNINIT_SELU = 5        /**< for gains only; no layer computes it yet */
} nninit_activation;

/** Which rule. */
typedef enum nninit_initializer_kind {
    NNINIT_INIT_ZEROS = 1,               /**< no options */
    NNINIT_INIT_ONES = 2,                /**< no options */
    NNINIT_INIT_CONSTANT = 3,            /**< options: value */
    NNINIT_INIT_UNIFORM = 4,             /**< options: low, high */
    NNINIT_INIT_NORMAL = 5,              /**< options: mean, std */
    NNINIT_INIT_XAVIER_UNIFORM = 6,      /**< options: gain */
    NNINIT_INIT_XAVIER_NORMAL = 7,       /**< options: gain */
    NNINIT_INIT_KAIMING_UNIFORM = 8,     /**< options: mode, nonlinearity, slope */
    NNINIT_INIT_KAIMING_NORMAL = 9,      /**< options: mode, nonlinearity, slope */
    NNINIT_INIT_TORCH_LINEAR_WEIGHT = 10, /**< no options */
    NNINIT_INIT_TORCH_LINEAR_BIAS = 11   /**< options: fan_in, which must be set */
} nninit_initializer_kind;

/** Options; a kind takes those that its line above names. Text form in quotes. */
typedef enum nninit_initializer_option {
    NNINIT_INIT_VALUE = 1,        /**< "value", default 0 */
    NNINIT_INIT_LOW = 2,          /**< "low", default 0; at most high when it is used */
    NNINIT_INIT_HIGH = 3,         /**< "high", default 1 */
    NNINIT_INIT_MEAN = 4,         /**< "mean", default 0 */
    NNINIT_INIT_STD = 5,          /**< "std", default 1; at least 0 */
    NNINIT_INIT_GAIN = 6,         /**< "gain", default 1 */
    NNINIT_INIT_MODE = 7,         /**< "mode": NNINIT_FAN_IN (default) or NNINIT_FAN_OUT; as text fan_in, fan_out */
    NNINIT_INIT_NONLINEARITY = 8, /**< "nonlinearity": an nninit_activation, default NNINIT_LEAKY_RELU; as text linear,
                                       sigmoid, tanh, relu, leaky_relu, selu */
    NNINIT_INIT_SLOPE = 9,        /**< "slope" of leaky_relu, default 0 (PyTorch's `a`) */
    NNINIT_INIT_LAYER_FAN_IN = 10 /**< "fan_in" of the layer whose bias this is; at least 1 */
} nninit_initializer_option;

/** Values of NNINIT_INIT_MODE. */
typedef enum nninit_fan_mode {
    NNINIT_FAN_IN = 0, /**< keeps the variance of the forward pass */
    NNINIT_FAN_OUT = 1 /**< keeps the variance of the backward pass */
} nninit_fan_mode;

/**
 * Create a rule with every option at its default.
 *
 * @param out      the new rule, or NULL on failure
 * @param context  its owner
 * @param kind     which rule
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL or the kind is unknown
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_create(nninit_initializer **out, nninit_context *context,
                                                   nninit_initializer_kind kind);

/**
 * Create a rule from text: "name" or "name:key=value,key=value", e.g. "kaiming_normal:mode=fan_out,nonlinearity=relu".
 * Names are those of the table above, keys those of nninit_initializer_option. Numbers are written as in C, with a point in
 * every locale.
 *
 * @retval NNINIT_OK             *out is ready
 * @retval NNINIT_ERR_INVALID    a pointer is NULL, or a value is not a number or out of range
 * @retval NNINIT_ERR_NOT_FOUND  no rule or option has that name, or the rule does not take that option
 * @retval NNINIT_ERR_MEMORY     out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_parse(nninit_initializer **out, nninit_context *context, const char *text);

/** Give up the claim on a rule (see context.h). @since 0.1 */
NNINIT_API void nninit_initializer_destroy(nninit_initializer **initializer);

/**
 * Set one option.
 *
 * @param value  a finite number; enumerations by their number
 * @retval NNINIT_OK             set
 * @retval NNINIT_ERR_INVALID    initializer is NULL, or the value is not finite or out of range; nothing changed
 * @retval NNINIT_ERR_NOT_FOUND  this kind does not take that option
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_set(nninit_initializer *initializer, nninit_initializer_option option,
                                                double value);

/**
 * Read one option back.
 *
 * @param value  [out]
 * @retval NNINIT_OK             *value is set
 * @retval NNINIT_ERR_INVALID    a pointer is NULL
 * @retval NNINIT_ERR_NOT_FOUND  this kind does not take that option
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_get(const nninit_initializer *initializer, nninit_initializer_option option,
                                                double *value);

/**
 * Fill a plain array, row-major. A shape with a size of 0 is a no-op and draws nothing, as in PyTorch.
 *
 * @param initializer  the rule
 * @param dtype        NNINIT_FLOAT32 or NNINIT_FLOAT64: the type of values
 * @param values       [product of shape], overwritten
 * @param shape        [rank] sizes, each at least 0: [fan_out, fan_in, k...]
 * @param rank         1 to NNINIT_MAX_RANK; Xavier, Kaiming and torch_linear_weight need 2
 * @param generator    advanced as by nninit_generator_uniform() or _normal() of that many values; may be NULL for zeros,
 *                     ones and constant
 *
 * @retval NNINIT_OK           values are filled
 * @retval NNINIT_ERR_INVALID  a NULL, an unknown type, handles of different contexts, low above high, fan_in not set, or
 *                             numbers beyond the range of the type; values and generator are untouched
 * @retval NNINIT_ERR_SHAPE    fans are not defined for fewer than 2 dimensions, or the shape is out of range
 * @note   Same generator state, same bits on every machine.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_fill(const nninit_initializer *initializer, nninit_dtype dtype, void *values,
                                                 const int64_t *shape, int rank, nninit_generator *generator);

/**
 * Fill a tensor: the values of nninit_initializer_fill() for its shape, then copied to where the tensor lives.
 *
 * @retval (as nninit_initializer_fill)
 * @retval NNINIT_ERR_MEMORY  out of memory; the tensor and the generator are untouched
 * @retval NNINIT_ERR_DEVICE  the upload failed; the tensor is unspecified
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_apply(const nninit_initializer *initializer, nninit_tensor *tensor,
                                                  nninit_generator *generator);

/**
 * The recommended gain of a nonlinearity, torch.nn.init.calculate_gain: identity and sigmoid 1, tanh 5/3, ReLU sqrt(2),
 * leaky ReLU sqrt(2 / (1 + slope^2)), SELU 3/4.
 *
 * @param slope  of the leaky ReLU (PyTorch's default is 0.01); ignored otherwise
 * @param gain   [out]
 * @retval NNINIT_OK           *gain is set
 * @retval NNINIT_ERR_INVALID  gain is NULL, the activation is unknown, or slope is not finite
 * @note   Any thread, any time; there is no message.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_gain(nninit_activation nonlinearity, double slope, double *gain);

/**
 * The fans of a weight: fan_in = shape[1] * k, fan_out = shape[0] * k, k the product of the sizes from the third on.
 *
 * @param shape            [rank]
 * @param fan_in, fan_out  [out]
 * @retval NNINIT_OK           both are set
 * @retval NNINIT_ERR_INVALID  a pointer is NULL
 * @retval NNINIT_ERR_SHAPE    fewer than 2 dimensions, more than NNINIT_MAX_RANK, a negative size, or an overflow
 * @note   Any thread, any time; there is no message.
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_fans(const int64_t *shape, int rank, int64_t *fan_in, int64_t *fan_out);

#ifdef __cplusplus
}
#endif
#endif
