/* SPDX-License-Identifier: MIT */
/* The table of rules, and what each draws for a shape. The order of operations in double is PyTorch's: it decides the
 * last bit of a bound. */
#include "initializer.h"

#include "fpenv.h"
#include "host/truncated.h"

#include <math.h>

static void set_constant(struct distribution *d, double value) {
    *d = (struct distribution){DISTRIBUTION_CONSTANT, value, 0, value, value, 0, 0};
}

static void set_uniform(struct distribution *d, double low, double high) {
    *d = (struct distribution){DISTRIBUTION_UNIFORM, (low + high) / 2, (high - low) / sqrt(12.0), low, high, 0, 0};
}

static void set_normal(struct distribution *d, double mean, double std) {
    *d = (struct distribution){DISTRIBUTION_NORMAL, mean, std, -INFINITY, INFINITY, 0, 0};
}

static void set_truncated(struct distribution *d, double location, double scale, double low, double high) {
    *d = (struct distribution){DISTRIBUTION_TRUNCATED, 0, 0, low, high, location, scale};
    truncated_moments(location, scale, low, high, &d->mean, &d->std);
}

static nninit_status constant_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                           struct distribution *d) {
    (void)shape, (void)rank;
    set_constant(d, init->kind == NNINIT_INIT_ONES ? 1 : init->option[NNINIT_INIT_VALUE]);
    return NNINIT_OK;
}

static nninit_status uniform_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                          struct distribution *d) {
    (void)shape, (void)rank;
    set_uniform(d, init->option[NNINIT_INIT_LOW], init->option[NNINIT_INIT_HIGH]);
    return NNINIT_OK;
}

static nninit_status normal_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                         struct distribution *d) {
    (void)shape, (void)rank;
    set_normal(d, init->option[NNINIT_INIT_MEAN], init->option[NNINIT_INIT_STD]);
    return NNINIT_OK;
}

static nninit_status find_fans(const nninit_initializer *init, const int64_t *shape, int rank, double *in, double *out) {
    int64_t fan_in, fan_out;
    nninit_status status = nninit_initializer_fans(shape, rank, &fan_in, &fan_out);
    if (status < 0)
        return context_fail(init->object.context, status,
                            "fans are not defined for %d dimensions, or overflow; 2 to %d are needed", rank,
                            NNINIT_MAX_RANK);
    *in = (double)fan_in;
    *out = (double)fan_out;
    return NNINIT_OK;
}

static void spread(struct distribution *d, bool uniform, double std) {
    if (uniform)
        set_uniform(d, -(sqrt(3.0) * std), sqrt(3.0) * std);
    else
        set_normal(d, 0, std);
}

double initializer_gain(const nninit_initializer *init) {
    double gain = init->option[NNINIT_INIT_GAIN];
    if (init->kind == NNINIT_INIT_KAIMING_UNIFORM || init->kind == NNINIT_INIT_KAIMING_NORMAL)
        nninit_initializer_gain((nninit_activation)init->option[NNINIT_INIT_NONLINEARITY],
                                init->option[NNINIT_INIT_SLOPE], &gain);
    else if (init->kind == NNINIT_INIT_TORCH_LINEAR_WEIGHT) /* PyTorch writes kaiming_uniform_(a = sqrt(5)) */
        nninit_initializer_gain(NNINIT_LEAKY_RELU, sqrt(5.0), &gain);
    return gain;
}

static nninit_status xavier_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                         struct distribution *d) {
    double in = 0, out = 0;
    nninit_status status = find_fans(init, shape, rank, &in, &out);
    if (status == NNINIT_OK)
        spread(d, init->kind == NNINIT_INIT_XAVIER_UNIFORM, initializer_gain(init) * sqrt(2.0 / (in + out)));
    return status;
}

static nninit_status kaiming_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                          struct distribution *d) {
    double in = 0, out = 0;
    nninit_status status = find_fans(init, shape, rank, &in, &out);
    if (status == NNINIT_OK)
        spread(d, init->kind != NNINIT_INIT_KAIMING_NORMAL,
               initializer_gain(init) / sqrt(init->option[NNINIT_INIT_MODE] == NNINIT_FAN_IN ? in : out));
    return status;
}

static nninit_status bias_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                       struct distribution *d) {
    (void)shape, (void)rank;
    double fan_in = init->option[NNINIT_INIT_LAYER_FAN_IN];
    if (fan_in < 1)
        return context_fail(init->object.context, NNINIT_ERR_INVALID,
                            "torch_linear_bias needs fan_in, the number of inputs of its layer");
    set_uniform(d, -(1 / sqrt(fan_in)), 1 / sqrt(fan_in));
    return NNINIT_OK;
}

/* Beyond 1e100 scales away a square overflows, and everything is at a bound anyway. */
static nninit_status truncated_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                            struct distribution *d) {
    (void)shape, (void)rank;
    const double *o = init->option;
    double mean = o[NNINIT_INIT_MEAN], std = o[NNINIT_INIT_STD], low = o[NNINIT_INIT_LOW], high = o[NNINIT_INIT_HIGH];
    double result = o[NNINIT_INIT_RESULT_STD];
    nninit_context *context = init->object.context;
    if (!(low < high))
        return context_fail(context, NNINIT_ERR_INVALID, "low is %g, not below high, %g", low, high);
    if (result >= (high - low) / sqrt(12.0))
        return context_fail(context, NNINIT_ERR_INVALID, "result_std is %g; between %g and %g it must be below %g", result,
                            low, high, (high - low) / sqrt(12.0));
    if (result > 0)
        std = truncated_solve(mean, result, low, high);
    if (!(std > 0) || !(fabs(low - mean) / std < 1e100) || !(fabs(high - mean) / std < 1e100))
        return context_fail(context, NNINIT_ERR_INVALID, "std is %g; it must be above 0, and bounds (%g, %g) nearer to mean "
                            "(%g) than 1e100 of it", std, low, high, mean);
    set_truncated(d, mean, std, low, high);
    return NNINIT_OK;
}

/* The std of a standard normal cut at -2 and 2, as Keras and JAX have it. */
#define CUT_STD 0.87962566103423978

static nninit_status scaling_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                          struct distribution *d) {
    double in = 0, out = 0;
    nninit_status status = find_fans(init, shape, rank, &in, &out);
    if (status < 0)
        return status;
    double mode = init->option[NNINIT_INIT_MODE], kind = init->option[NNINIT_INIT_DISTRIBUTION];
    double fan = mode == NNINIT_FAN_IN ? in : mode == NNINIT_FAN_OUT ? out : (in + out) / 2;
    double variance = init->option[NNINIT_INIT_SCALE] / fmax(1, fan), cut = sqrt(variance) / CUT_STD;
    if (kind == NNINIT_SCALING_UNIFORM)
        set_uniform(d, -sqrt(3 * variance), sqrt(3 * variance));
    else if (kind == NNINIT_SCALING_UNTRUNCATED_NORMAL)
        set_normal(d, 0, sqrt(variance));
    else if (cut > 0)
        set_truncated(d, 0, cut, -2 * cut, 2 * cut);
    else
        set_constant(d, 0);
    return NNINIT_OK;
}

#define BIT INITIALIZER_BIT
enum {
    KAIMING = BIT(NNINIT_INIT_MODE) | BIT(NNINIT_INIT_NONLINEARITY) | BIT(NNINIT_INIT_SLOPE),
    CUT = BIT(NNINIT_INIT_MEAN) | BIT(NNINIT_INIT_STD) | BIT(NNINIT_INIT_LOW) | BIT(NNINIT_INIT_HIGH),
    SCALING = BIT(NNINIT_INIT_SCALE) | BIT(NNINIT_INIT_MODE) | BIT(NNINIT_INIT_DISTRIBUTION)
};

#define TORCH "torch.nn.init"
#define GLOROT "Glorot & Bengio, AISTATS 2010"
#define HE "He et al., ICCV 2015"
#define LINEAR "torch.nn.Linear.reset_parameters"

const struct initializer_rule initializer_rules[INITIALIZER_KINDS] = {
    [NNINIT_INIT_ZEROS] = {"zeros", 0, false, false, constant_distribution, NULL, "0", TORCH},
    [NNINIT_INIT_ONES] = {"ones", 0, false, false, constant_distribution, NULL, "1", TORCH},
    [NNINIT_INIT_CONSTANT] = {"constant", BIT(NNINIT_INIT_VALUE), false, false, constant_distribution, NULL, "value", TORCH},
    [NNINIT_INIT_UNIFORM] = {"uniform", BIT(NNINIT_INIT_LOW) | BIT(NNINIT_INIT_HIGH), true, false, uniform_distribution,
                             NULL, "U(low, high)", TORCH},
    [NNINIT_INIT_NORMAL] = {"normal", BIT(NNINIT_INIT_MEAN) | BIT(NNINIT_INIT_STD), true, false, normal_distribution, NULL,
                            "N(mean, std^2)", TORCH},
    [NNINIT_INIT_XAVIER_UNIFORM] = {"xavier_uniform", BIT(NNINIT_INIT_GAIN), true, false, xavier_distribution, NULL,
                                    "U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out))", GLOROT ", eq. 16"},
    [NNINIT_INIT_XAVIER_NORMAL] = {"xavier_normal", BIT(NNINIT_INIT_GAIN), true, false, xavier_distribution, NULL,
                                   "N(0, s^2), s = gain * sqrt(2 / (fan_in + fan_out))", GLOROT ", eq. 12"},
    [NNINIT_INIT_KAIMING_UNIFORM] = {"kaiming_uniform", KAIMING, true, false, kaiming_distribution, NULL,
                                     "U(-b, b), b = gain * sqrt(3 / fan)", HE ", section 2.2"},
    [NNINIT_INIT_KAIMING_NORMAL] = {"kaiming_normal", KAIMING, true, false, kaiming_distribution, NULL,
                                    "N(0, s^2), s = gain / sqrt(fan)", HE ", section 2.2"},
    [NNINIT_INIT_TORCH_LINEAR_WEIGHT] = {"torch_linear_weight", 0, true, false, kaiming_distribution, NULL,
                                         "U(-1/sqrt(fan_in), 1/sqrt(fan_in))", LINEAR},
    [NNINIT_INIT_TORCH_LINEAR_BIAS] = {"torch_linear_bias", BIT(NNINIT_INIT_LAYER_FAN_IN), true, false, bias_distribution,
                                       NULL, "U(-1/sqrt(fan_in), 1/sqrt(fan_in)), fan_in of the layer", LINEAR},
    [NNINIT_INIT_IDENTITY] = {"identity", BIT(NNINIT_INIT_GAIN), false, false, identity_distribution, identity_fill,
                              "gain where row = column, else 0", TORCH ".eye_"},
    [NNINIT_INIT_ORTHOGONAL] = {"orthogonal", BIT(NNINIT_INIT_GAIN), true, false, orthogonal_distribution, orthogonal_fill,
                                "gain * Q of the QR decomposition of normals, R's diagonal positive",
                                "Saxe et al., ICLR 2014; " TORCH ".orthogonal_"},
    [NNINIT_INIT_DELTA_ORTHOGONAL] = {"delta_orthogonal", BIT(NNINIT_INIT_GAIN), true, false,
                                      delta_orthogonal_distribution, delta_orthogonal_fill,
                                      "orthogonal at the centre of each filter, else 0", "Xiao et al., ICML 2018"},
    [NNINIT_INIT_DIRAC] = {"dirac", BIT(NNINIT_INIT_GROUPS), false, false, dirac_distribution, dirac_fill,
                           "1 at the centre of each filter's own channel, else 0", TORCH ".dirac_"},
    [NNINIT_INIT_TRUNC_NORMAL] = {"trunc_normal", CUT, true, false, truncated_distribution, NULL,
                                  "N(mean, std^2) cut to [low, high]", TORCH ".trunc_normal_ up to 2.11"},
    [NNINIT_INIT_TRUNCATED_NORMAL] = {"truncated_normal", CUT | BIT(NNINIT_INIT_RESULT_STD), true, false,
                                      truncated_distribution, NULL, "N(mean, std^2) cut to [low, high]",
                                      "inverse of the CDF, in logarithms"},
    [NNINIT_INIT_SPARSE] = {"sparse", BIT(NNINIT_INIT_SPARSITY) | BIT(NNINIT_INIT_STD), true, false, sparse_distribution,
                            sparse_fill, "N(0, std^2), ceil(sparsity * rows) zeros a column",
                            "Martens, ICML 2010; " TORCH ".sparse_"},
    [NNINIT_INIT_VARIANCE_SCALING] = {"variance_scaling", SCALING, true, false, scaling_distribution, NULL,
                                      "variance scale / max(1, fan)", "Keras and JAX; after " HE},
    [NNINIT_INIT_GLOROT_UNIFORM] = {"glorot_uniform", 0, true, false, scaling_distribution, NULL,
                                    "U(-a, a), a = sqrt(6 / (fan_in + fan_out))", GLOROT},
    [NNINIT_INIT_GLOROT_NORMAL] = {"glorot_normal", 0, true, false, scaling_distribution, NULL,
                                   "normal cut at two stds, variance 2 / (fan_in + fan_out)", GLOROT "; Keras and JAX"},
    [NNINIT_INIT_HE_UNIFORM] = {"he_uniform", 0, true, false, scaling_distribution, NULL,
                                "U(-a, a), a = sqrt(6 / fan_in)", HE},
    [NNINIT_INIT_HE_NORMAL] = {"he_normal", 0, true, false, scaling_distribution, NULL,
                               "normal cut at two stds, variance 2 / fan_in", HE "; Keras and JAX"},
    [NNINIT_INIT_LECUN_UNIFORM] = {"lecun_uniform", 0, true, false, scaling_distribution, NULL,
                                   "U(-a, a), a = sqrt(3 / fan_in)", "LeCun et al., Efficient BackProp, 1998"},
    [NNINIT_INIT_LECUN_NORMAL] = {"lecun_normal", 0, true, false, scaling_distribution, NULL,
                                  "normal cut at two stds, variance 1 / fan_in",
                                  "LeCun et al., Efficient BackProp, 1998; Keras and JAX"},
    [NNINIT_INIT_HADAMARD] = {"hadamard", 0, false, false, hadamard_distribution, hadamard_fill,
                              "partial identity; of more rows than columns, Hadamard / sqrt(its order)",
                              "Zhao et al., ZerO, TMLR 2022"},
    [NNINIT_INIT_NGUYEN_WIDROW] = {"nguyen_widrow", BIT(NNINIT_INIT_LAYER_FAN_IN), true, false, nguyen_distribution,
                                   nguyen_fill, "rows of norm 0.7 * rows^(1 / columns) in random directions",
                                   "Nguyen & Widrow, IJCNN 1990"},
    [NNINIT_INIT_ARRAY] = {"array", 0, false, true, array_distribution, array_fill, "given values", "the caller"},
    [NNINIT_INIT_FILE] = {"file", 0, false, true, array_distribution, array_fill, "given values", "a file"},
    [NNINIT_INIT_CALLBACK] = {"callback", 0, false, true, callback_distribution, callback_fill, "given values",
                              "the caller's function"},
};

nninit_status initializer_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                       struct distribution *distribution) {
    fenv_t caller;
    fpenv_enter(&caller);
    nninit_status status = initializer_rules[init->kind].distribution(init, shape, rank, distribution);
    fpenv_leave(&caller);
    return status;
}
