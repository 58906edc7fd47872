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
 *  | identity                    | gain where row = column, else 0; 2-D                       | torch.nn.init.eye_ |
 *  | orthogonal                  | gain * Q; rows or columns, whichever are fewer, orthonormal | Saxe et al., ICLR 2014; torch.nn.init.orthogonal_ |
 *  | delta_orthogonal            | an orthogonal matrix at the centre of the filters, else 0   | Xiao et al., ICML 2018 |
 *  | dirac                       | 1 at the centre of each filter's own channel; 3-D to 5-D   | torch.nn.init.dirac_ |
 *  | trunc_normal                | N(mean, std^2) cut to [low, high], to PyTorch's bit        | torch.nn.init.trunc_normal_ up to 2.11 |
 *  | truncated_normal            | the same law, exact in the far tails                       | inverse of the CDF, in logarithms |
 *  | sparse                      | N(0, std^2), ceil(sparsity * rows) zeros a column; 2-D     | Martens, ICML 2010; torch.nn.init.sparse_ |
 *  | variance_scaling            | variance scale / max(1, fan)                               | Keras and JAX; after He et al. 2015 |
 *  | glorot_uniform, _normal     | variance_scaling, scale 1, fan_avg                         | Glorot & Bengio, AISTATS 2010 |
 *  | he_uniform, _normal         | variance_scaling, scale 2, fan_in                          | He et al., ICCV 2015 |
 *  | lecun_uniform, _normal      | variance_scaling, scale 1, fan_in                          | LeCun et al., Efficient BackProp, 1998 |
 *  | hadamard                    | a partial identity; if it has more rows than columns, part of a Hadamard matrix; 2-D | Zhao et al., ZerO, TMLR 2022 |
 *  | nguyen_widrow               | rows of norm 0.7 * rows^(1 / columns) in random directions | Nguyen & Widrow, IJCNN 1990 |
 *  | array, file, callback       | given: nninit_initializer_from_array(), _open(), _from_callback() | |
 *
 *  torch_linear_weight is what PyTorch writes as kaiming_uniform_(a=sqrt(5)): a rule of its own, not He's.
 *
 *  Two libraries give one name two meanings. xavier_* and kaiming_* are PyTorch's: their normals have tails. glorot_*, he_*
 *  and lecun_* are those of Keras and JAX: their normals are cut at two standard deviations and widened by
 *  1 / 0.87962566103423978, so that what comes out has the stated variance. The uniforms of both have the same bounds.
 *
 *  The std of a normal that is cut is another question with two answers: `std` is that of the normal before it is cut,
 *  `result_std` (truncated_normal only) that of what comes out. */
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
    NNINIT_INIT_TORCH_LINEAR_BIAS = 11,  /**< options: fan_in, which must be set */
    NNINIT_INIT_IDENTITY = 12,           /**< options: gain */
    NNINIT_INIT_ORTHOGONAL = 13,         /**< options: gain */
    NNINIT_INIT_DELTA_ORTHOGONAL = 14,   /**< options: gain. shape[0] >= shape[1], 3 dimensions or more */
    NNINIT_INIT_DIRAC = 15,              /**< options: groups */
    NNINIT_INIT_TRUNC_NORMAL = 16,       /**< options: mean, std, low (default -2), high (default 2) */
    NNINIT_INIT_TRUNCATED_NORMAL = 17,   /**< options: mean, std, low (default -2), high (default 2), result_std */
    NNINIT_INIT_SPARSE = 18,             /**< options: sparsity, std (default 0.01) */
    NNINIT_INIT_VARIANCE_SCALING = 19,   /**< options: scale, mode (fan_avg too), distribution */
    NNINIT_INIT_GLOROT_UNIFORM = 20,     /**< no options */
    NNINIT_INIT_GLOROT_NORMAL = 21,      /**< no options */
    NNINIT_INIT_HE_UNIFORM = 22,         /**< no options */
    NNINIT_INIT_HE_NORMAL = 23,          /**< no options */
    NNINIT_INIT_LECUN_UNIFORM = 24,      /**< no options */
    NNINIT_INIT_LECUN_NORMAL = 25,       /**< no options */
    NNINIT_INIT_HADAMARD = 26,           /**< no options */
    NNINIT_INIT_NGUYEN_WIDROW = 27,      /**< a weight: no options; a bias: fan_in, the inputs of its layer. For inputs
                                              in [-1, 1]; a bias is U(-b, b), b the norm of the weight's rows */
    NNINIT_INIT_ARRAY = 28,              /**< nninit_initializer_from_array() */
    NNINIT_INIT_FILE = 29,               /**< nninit_initializer_open() */
    NNINIT_INIT_CALLBACK = 30            /**< nninit_initializer_from_callback() */
} nninit_initializer_kind;

/** Options; a kind takes those that its line above names. Text form in quotes. */
typedef enum nninit_initializer_option {
    NNINIT_INIT_VALUE = 1,        /**< "value", default 0 */
    NNINIT_INIT_LOW = 2,          /**< "low", default 0; at most high when it is used (below it where a normal is cut) */
    NNINIT_INIT_HIGH = 3,         /**< "high", default 1. Both are values, not multiples of std */
    NNINIT_INIT_MEAN = 4,         /**< "mean", default 0 */
    NNINIT_INIT_STD = 5,          /**< "std", default 1; at least 0 */
    NNINIT_INIT_GAIN = 6,         /**< "gain", default 1 */
    NNINIT_INIT_MODE = 7,         /**< "mode": NNINIT_FAN_IN (default) or NNINIT_FAN_OUT; as text fan_in, fan_out */
    NNINIT_INIT_NONLINEARITY = 8, /**< "nonlinearity": an nninit_activation, default NNINIT_LEAKY_RELU; as text linear,
                                       sigmoid, tanh, relu, leaky_relu, selu */
    NNINIT_INIT_SLOPE = 9,        /**< "slope" of leaky_relu, default 0 (PyTorch's `a`) */
    NNINIT_INIT_LAYER_FAN_IN = 10, /**< "fan_in" of the layer whose bias this is; at least 1 */
    NNINIT_INIT_GROUPS = 11,      /**< "groups" of a convolution, default 1; must divide shape[0] */
    NNINIT_INIT_SPARSITY = 12,    /**< "sparsity", default 0: the part of each column that is zero, 0 to 1 */
    NNINIT_INIT_RESULT_STD = 13,  /**< "result_std", default 0. Above 0: the std of what comes out; std is solved for, and
                                       what was set is ignored. Below (high - low) / sqrt(12) when it is used */
    NNINIT_INIT_SCALE = 14,       /**< "scale", default 1; above 0 */
    NNINIT_INIT_DISTRIBUTION = 15 /**< "distribution": an nninit_scaling, default NNINIT_SCALING_TRUNCATED_NORMAL; as text
                                       truncated_normal, uniform, untruncated_normal */
} nninit_initializer_option;

/** Values of NNINIT_INIT_MODE. */
typedef enum nninit_fan_mode {
    NNINIT_FAN_IN = 0, /**< keeps the variance of the forward pass */
    NNINIT_FAN_OUT = 1, /**< keeps the variance of the backward pass */
    NNINIT_FAN_AVG = 2 /**< "fan_avg", the mean of both; variance_scaling only */
} nninit_fan_mode;

/** Values of NNINIT_INIT_DISTRIBUTION; each has the variance v = scale / max(1, fan). */
typedef enum nninit_scaling {
    NNINIT_SCALING_TRUNCATED_NORMAL = 0,  /**< of std sqrt(v) / 0.87962566103423978, cut at two of these */
    NNINIT_SCALING_UNIFORM = 1,           /**< U(-sqrt(3 v), sqrt(3 v)) */
    NNINIT_SCALING_UNTRUNCATED_NORMAL = 2 /**< N(0, v) */
} nninit_scaling;

/**
 * Create a rule with every option at its default.
 *
 * @param out      the new rule, or NULL on failure
 * @param context  its owner
 * @param kind     which rule
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL, the kind is unknown, or it has a create function of its own
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_create(nninit_initializer **out, nninit_context *context,
                                                   nninit_initializer_kind kind);

/**
 * Create a rule that gives a copy of these values to whatever has their shape.
 *
 * @param dtype   NNINIT_FLOAT32 or NNINIT_FLOAT64: the type of values
 * @param values  [product of shape], row-major; copied. NULL only where that product is 0
 * @param shape   [rank] sizes, each at least 0
 * @param rank    1 to NNINIT_MAX_RANK
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL, or an unknown type
 * @retval NNINIT_ERR_SHAPE    the shape is out of range
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_from_array(nninit_initializer **out, nninit_context *context,
                                                       nninit_dtype dtype, const void *values, const int64_t *shape,
                                                       int rank);

/**
 * Create the same rule from a file, which is read now: NumPy's format if the path ends in ".npy", else safetensors.
 * float32 and float64, little-endian; a NumPy array in Fortran's order is turned to row-major.
 *
 * @param path  which file
 * @param name  of the tensor in a safetensors file; NULL for ".npy"
 *
 * @retval NNINIT_OK               *out is ready
 * @retval NNINIT_ERR_INVALID      a pointer is NULL, or a name is given for ".npy"
 * @retval NNINIT_ERR_IO           the file cannot be read
 * @retval NNINIT_ERR_FORMAT       it is damaged
 * @retval NNINIT_ERR_UNSUPPORTED  the array is of another type, or has no dimension, or more than NNINIT_MAX_RANK
 * @retval NNINIT_ERR_NOT_FOUND    no tensor has that name
 * @retval NNINIT_ERR_MEMORY       out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_open(nninit_initializer **out, nninit_context *context, const char *path,
                                                 const char *name);

/**
 * Write the values of a rule of the caller's.
 *
 * @param user       as given to nninit_initializer_from_callback()
 * @param shape      [rank]; the product is above 0
 * @param dtype      NNINIT_FLOAT32 or NNINIT_FLOAT64: the type of values (float32 also where half precision is filled)
 * @param values     [product of shape], zeros, to be written row-major
 * @param generator  as given to nninit_initializer_fill(); may be NULL if it was there
 * @return 0, or another number for a failure. What it drew by then stays drawn.
 */
typedef int (*nninit_initializer_fn)(void *user, const int64_t *shape, int rank, nninit_dtype dtype, void *values,
                                     nninit_generator *generator);

/**
 * Create a rule that calls the caller's function.
 *
 * @param fn    called by each fill
 * @param user  passed through; must stay valid for as long as the rule lives
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer other than user is NULL
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_from_callback(nninit_initializer **out, nninit_context *context,
                                                          nninit_initializer_fn fn, void *user);

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
 * @param dtype        the type of values: NNINIT_FLOAT32, NNINIT_FLOAT64, or NNINIT_FLOAT16 and NNINIT_BFLOAT16, which
 *                     are the float32 values rounded once, to nearest, ties to even
 * @param values       [product of shape], overwritten
 * @param shape        [rank] sizes, each at least 0: [fan_out, fan_in, k...]
 * @param rank         1 to NNINIT_MAX_RANK; rules with fans need 2, others what the table above says
 * @param generator    advanced as by nninit_generator_uniform() or _normal() of that many values; trunc_normal and
 *                     nguyen_widrow draw as uniform, truncated_normal as uniform in float64 whatever the type, sparse as
 *                     normal and then a randperm(rows) for each column. May be NULL where nothing is drawn
 *
 * @retval NNINIT_OK            values are filled
 * @retval NNINIT_ERR_INVALID   a NULL, an unknown type, handles of different contexts, low above high, fan_in not set, a
 *                              std of 0 where a normal is cut, or numbers beyond the range of the type
 * @retval NNINIT_ERR_SHAPE     the rule is not defined for this rank or shape, or the shape is out of range
 * @retval NNINIT_ERR_MEMORY    out of memory (sparse, callback, and half precision need room)
 * @retval NNINIT_ERR_CALLBACK  the caller's function failed; the generator stays where it left it
 * @note   On every failure values are untouched, and so is the generator except after NNINIT_ERR_CALLBACK. Same generator
 *         state, same bits on every machine, where docs/numerics.md says so.
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

/** How the values of a rule are spread. */
typedef enum nninit_distribution {
    NNINIT_DISTRIBUTION_CONSTANT = 0,  /**< all alike */
    NNINIT_DISTRIBUTION_UNIFORM = 1,   /**< each on its own, from low to high */
    NNINIT_DISTRIBUTION_NORMAL = 2,    /**< each on its own, with mean and std */
    NNINIT_DISTRIBUTION_TRUNCATED = 3, /**< each on its own, a normal cut to [low, high] */
    NNINIT_DISTRIBUTION_STRUCTURED = 4 /**< values depend on their place or on each other, or are given */
} nninit_distribution;

/** What a rule does to a shape. */
typedef struct nninit_explanation {
    size_t size;                      /**< set to sizeof before the call: what fits is written */
    int64_t fan_in;                   /**< of the shape; -1 where it has none */
    int64_t fan_out;                  /**< of the shape; -1 where it has none */
    double gain;                      /**< what the rule multiplies by; 1 where it has none */
    double mean;                      /**< of what comes out, over all places; NaN where the rule does not know */
    double std;                       /**< of what comes out, over all places; NaN where the rule does not know */
    double low;                       /**< the least that comes out; -infinite where there is none or it is unknown */
    double high;                      /**< the most that comes out; infinite where there is none or it is unknown */
    nninit_distribution distribution; /**< how values are spread */
    const char *name;                 /**< of the rule; static */
    const char *formula;              /**< of its values; static */
    const char *source;               /**< paper or library; static */
} nninit_explanation;

/**
 * Explain what nninit_initializer_fill() would do to a shape. Nothing is drawn.
 *
 * @param explanation  [out] its size must be set
 * @retval NNINIT_OK           *explanation is set
 * @retval NNINIT_ERR_INVALID  a pointer is NULL, size is too small to be one, or as nninit_initializer_fill()
 * @retval NNINIT_ERR_SHAPE    as nninit_initializer_fill()
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_explain(const nninit_initializer *initializer, const int64_t *shape, int rank,
                                                    nninit_explanation *explanation);

/**
 * The same as one line of text, e.g. "xavier_uniform [10, 256]: uniform, mean 0, std 0.08671, -0.1502 to 0.1502; ...".
 *
 * @param text  [size] bytes, overwritten; cut off where it does not fit, and always ended by a zero
 * @param size  at least 1; 512 are enough
 * @retval (as nninit_initializer_explain)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_initializer_explain_text(const nninit_initializer *initializer, const int64_t *shape,
                                                         int rank, char *text, size_t size);

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
