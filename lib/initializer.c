/* SPDX-License-Identifier: MIT */
#include "initializer.h"

#include "fpenv.h"
#include "generator.h"
#include "options.h"
#include "tensor.h"

#include <float.h>
#include <math.h>

static const struct object_type initializer_type = {"initializer", NULL, NULL};

static void set_constant(struct distribution *d, double value) {
    *d = (struct distribution){DISTRIBUTION_CONSTANT, value, 0, value, value};
}

static void set_uniform(struct distribution *d, double low, double high) {
    *d = (struct distribution){DISTRIBUTION_UNIFORM, (low + high) / 2, (high - low) / sqrt(12.0), low, high};
}

static void set_normal(struct distribution *d, double mean, double std) {
    *d = (struct distribution){DISTRIBUTION_NORMAL, mean, std, -INFINITY, INFINITY};
}

typedef nninit_status (*rule)(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d);

static nninit_status rule_constant(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
    (void)shape, (void)rank;
    set_constant(d, init->kind == NNINIT_INIT_ONES ? 1 : init->option[NNINIT_INIT_VALUE]);
    return NNINIT_OK;
}

static nninit_status rule_uniform(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
    (void)shape, (void)rank;
    set_uniform(d, init->option[NNINIT_INIT_LOW], init->option[NNINIT_INIT_HIGH]);
    return NNINIT_OK;
}

static nninit_status rule_normal(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
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

/* The order of operations in double is PyTorch's: it decides the last bit of the bound. */
static void spread(struct distribution *d, bool uniform, double std) {
    if (uniform)
        set_uniform(d, -(sqrt(3.0) * std), sqrt(3.0) * std);
    else
        set_normal(d, 0, std);
}

static nninit_status rule_xavier(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
    double in = 0, out = 0;
    nninit_status status = find_fans(init, shape, rank, &in, &out);
    if (status == NNINIT_OK)
        spread(d, init->kind == NNINIT_INIT_XAVIER_UNIFORM,
               init->option[NNINIT_INIT_GAIN] * sqrt(2.0 / (in + out)));
    return status;
}

static nninit_status rule_kaiming(const nninit_initializer *init, const int64_t *shape, int rank, struct distribution *d) {
    double in = 0, out = 0, gain = 1;
    nninit_status status = find_fans(init, shape, rank, &in, &out);
    if (status < 0)
        return status;
    nninit_initializer_gain((nninit_activation)init->option[NNINIT_INIT_NONLINEARITY], init->option[NNINIT_INIT_SLOPE],
                            &gain);
    spread(d, init->kind == NNINIT_INIT_KAIMING_UNIFORM,
           gain / sqrt(init->option[NNINIT_INIT_MODE] == NNINIT_FAN_IN ? in : out));
    return NNINIT_OK;
}

/* PyTorch writes it as kaiming_uniform_(a = sqrt(5)): a gain of sqrt(1/3). */
static nninit_status rule_linear_weight(const nninit_initializer *init, const int64_t *shape, int rank,
                                        struct distribution *d) {
    double in = 0, out = 0, gain = 1;
    nninit_status status = find_fans(init, shape, rank, &in, &out);
    if (status < 0)
        return status;
    nninit_initializer_gain(NNINIT_LEAKY_RELU, sqrt(5.0), &gain);
    spread(d, true, gain / sqrt(in));
    return NNINIT_OK;
}

static nninit_status rule_linear_bias(const nninit_initializer *init, const int64_t *shape, int rank,
                                      struct distribution *d) {
    (void)shape, (void)rank;
    double fan_in = init->option[NNINIT_INIT_LAYER_FAN_IN];
    if (fan_in < 1)
        return context_fail(init->object.context, NNINIT_ERR_INVALID,
                            "torch_linear_bias needs fan_in, the number of inputs of its layer");
    set_uniform(d, -(1 / sqrt(fan_in)), 1 / sqrt(fan_in));
    return NNINIT_OK;
}

#define BIT(option) (1u << (option))
enum { KAIMING = BIT(NNINIT_INIT_MODE) | BIT(NNINIT_INIT_NONLINEARITY) | BIT(NNINIT_INIT_SLOPE) };

static const struct {
    unsigned options;
    rule rule;
} rules[] = {
    [NNINIT_INIT_ZEROS] = {0, rule_constant},
    [NNINIT_INIT_ONES] = {0, rule_constant},
    [NNINIT_INIT_CONSTANT] = {BIT(NNINIT_INIT_VALUE), rule_constant},
    [NNINIT_INIT_UNIFORM] = {BIT(NNINIT_INIT_LOW) | BIT(NNINIT_INIT_HIGH), rule_uniform},
    [NNINIT_INIT_NORMAL] = {BIT(NNINIT_INIT_MEAN) | BIT(NNINIT_INIT_STD), rule_normal},
    [NNINIT_INIT_XAVIER_UNIFORM] = {BIT(NNINIT_INIT_GAIN), rule_xavier},
    [NNINIT_INIT_XAVIER_NORMAL] = {BIT(NNINIT_INIT_GAIN), rule_xavier},
    [NNINIT_INIT_KAIMING_UNIFORM] = {KAIMING, rule_kaiming},
    [NNINIT_INIT_KAIMING_NORMAL] = {KAIMING, rule_kaiming},
    [NNINIT_INIT_TORCH_LINEAR_WEIGHT] = {0, rule_linear_weight},
    [NNINIT_INIT_TORCH_LINEAR_BIAS] = {BIT(NNINIT_INIT_LAYER_FAN_IN), rule_linear_bias},
};

static const struct option_name kind_names[] = {
    {"zeros", NNINIT_INIT_ZEROS},
    {"ones", NNINIT_INIT_ONES},
    {"constant", NNINIT_INIT_CONSTANT},
    {"uniform", NNINIT_INIT_UNIFORM},
    {"normal", NNINIT_INIT_NORMAL},
    {"xavier_uniform", NNINIT_INIT_XAVIER_UNIFORM},
    {"xavier_normal", NNINIT_INIT_XAVIER_NORMAL},
    {"kaiming_uniform", NNINIT_INIT_KAIMING_UNIFORM},
    {"kaiming_normal", NNINIT_INIT_KAIMING_NORMAL},
    {"torch_linear_weight", NNINIT_INIT_TORCH_LINEAR_WEIGHT},
    {"torch_linear_bias", NNINIT_INIT_TORCH_LINEAR_BIAS},
    {NULL, 0},
};

static const struct option_name option_names[] = {
    {"value", NNINIT_INIT_VALUE},
    {"low", NNINIT_INIT_LOW},
    {"high", NNINIT_INIT_HIGH},
    {"mean", NNINIT_INIT_MEAN},
    {"std", NNINIT_INIT_STD},
    {"gain", NNINIT_INIT_GAIN},
    {"mode", NNINIT_INIT_MODE},
    {"nonlinearity", NNINIT_INIT_NONLINEARITY},
    {"slope", NNINIT_INIT_SLOPE},
    {"fan_in", NNINIT_INIT_LAYER_FAN_IN},
    {NULL, 0},
};

static const struct option_name mode_names[] = {
    {"fan_in", NNINIT_FAN_IN},
    {"fan_out", NNINIT_FAN_OUT},
    {NULL, 0},
};

static const struct option_name nonlinearity_names[] = {
    {"linear", NNINIT_IDENTITY},
    {"sigmoid", NNINIT_SIGMOID},
    {"tanh", NNINIT_TANH},
    {"relu", NNINIT_RELU},
    {"leaky_relu", NNINIT_LEAKY_RELU},
    {"selu", NNINIT_SELU},
    {NULL, 0},
};

static const struct option_words value_names[] = {
    {NNINIT_INIT_MODE, mode_names},
    {NNINIT_INIT_NONLINEARITY, nonlinearity_names},
    {0, NULL},
};

nninit_status nninit_initializer_create(nninit_initializer **out, nninit_context *context,
                                        nninit_initializer_kind kind) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
    if (kind < NNINIT_INIT_ZEROS || kind > NNINIT_INIT_TORCH_LINEAR_BIAS)
        return context_fail(context, NNINIT_ERR_INVALID, "initializer %d is unknown", (int)kind);
    nninit_initializer *init = object_create(context, &initializer_type, sizeof *init);
    if (!init)
        return NNINIT_ERR_MEMORY;
    init->kind = kind;
    init->option[NNINIT_INIT_HIGH] = init->option[NNINIT_INIT_STD] = init->option[NNINIT_INIT_GAIN] = 1;
    init->option[NNINIT_INIT_NONLINEARITY] = NNINIT_LEAKY_RELU;
    *out = init;
    return NNINIT_OK;
}

static nninit_status set_pair(void *user, int key, double value) {
    return nninit_initializer_set(user, (nninit_initializer_option)key, value);
}

nninit_status nninit_initializer_parse(nninit_initializer **out, nninit_context *context, const char *text) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out || !text)
        return context_fail(context, NNINIT_ERR_INVALID, "%s is NULL", out ? "text" : "out");
    int kind;
    nninit_initializer *init = NULL;
    nninit_status status = options_name(context, "initializer", text, kind_names, &kind);
    if (status == NNINIT_OK)
        status = nninit_initializer_create(&init, context, (nninit_initializer_kind)kind);
    if (status == NNINIT_OK)
        status = options_pairs(context, text, option_names, value_names, set_pair, init);
    if (status < 0)
        nninit_initializer_destroy(&init);
    *out = init;
    return status;
}

void nninit_initializer_destroy(nninit_initializer **initializer) {
    if (!initializer)
        return;
    object_drop(*initializer);
    *initializer = NULL;
}

static bool takes(const nninit_initializer *init, nninit_initializer_option option) {
    return option > 0 && option < INITIALIZER_OPTIONS && (rules[init->kind].options & BIT(option));
}

static bool in_range(nninit_initializer_option option, double value) {
    switch (option) {
    case NNINIT_INIT_STD: return value >= 0;
    case NNINIT_INIT_MODE: return value == NNINIT_FAN_IN || value == NNINIT_FAN_OUT;
    case NNINIT_INIT_NONLINEARITY: return value >= NNINIT_IDENTITY && value <= NNINIT_SELU && value == floor(value);
    case NNINIT_INIT_LAYER_FAN_IN: return value >= 1 && value == floor(value);
    default: return true;
    }
}

nninit_status nninit_initializer_set(nninit_initializer *initializer, nninit_initializer_option option, double value) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    if (!takes(initializer, option))
        return context_fail(context, NNINIT_ERR_NOT_FOUND, "initializer %s has no option %s",
                            kind_names[initializer->kind - 1].name,
                            option > 0 && option < INITIALIZER_OPTIONS ? option_names[option - 1].name : "of that number");
    if (!isfinite(value) || !in_range(option, value))
        return context_fail(context, NNINIT_ERR_INVALID, "%s of initializer %s cannot be %g",
                            option_names[option - 1].name, kind_names[initializer->kind - 1].name, value);
    initializer->option[option] = value;
    return NNINIT_OK;
}

nninit_status nninit_initializer_get(const nninit_initializer *initializer, nninit_initializer_option option,
                                     double *value) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    if (!value)
        return context_fail(initializer->object.context, NNINIT_ERR_INVALID, "value is NULL");
    if (!takes(initializer, option))
        return context_fail(initializer->object.context, NNINIT_ERR_NOT_FOUND, "initializer %s has no such option",
                            kind_names[initializer->kind - 1].name);
    *value = initializer->option[option];
    return NNINIT_OK;
}

nninit_status nninit_initializer_gain(nninit_activation nonlinearity, double slope, double *gain) {
    if (!gain || !isfinite(slope))
        return NNINIT_ERR_INVALID;
    switch (nonlinearity) {
    case NNINIT_IDENTITY:
    case NNINIT_SIGMOID: *gain = 1; return NNINIT_OK;
    case NNINIT_TANH: *gain = 5.0 / 3; return NNINIT_OK;
    case NNINIT_RELU: *gain = sqrt(2.0); return NNINIT_OK;
    case NNINIT_LEAKY_RELU: *gain = sqrt(2.0 / (1 + slope * slope)); return NNINIT_OK;
    case NNINIT_SELU: *gain = 3.0 / 4; return NNINIT_OK;
    }
    return NNINIT_ERR_INVALID;
}

nninit_status nninit_initializer_fans(const int64_t *shape, int rank, int64_t *fan_in, int64_t *fan_out) {
    if (!shape || !fan_in || !fan_out)
        return NNINIT_ERR_INVALID;
    if (rank < 2 || rank > NNINIT_MAX_RANK)
        return NNINIT_ERR_SHAPE;
    int64_t field = 1;
    for (int i = 0; i < rank; i++) {
        int64_t limit = i < 2 ? INT64_MAX : INT64_MAX / (field > 0 ? field : 1);
        if (shape[i] < 0 || shape[i] > limit)
            return NNINIT_ERR_SHAPE;
        field *= i < 2 ? 1 : shape[i];
    }
    if (field > 0 && (shape[0] > INT64_MAX / field || shape[1] > INT64_MAX / field))
        return NNINIT_ERR_SHAPE;
    *fan_out = shape[0] * field;
    *fan_in = shape[1] * field;
    return NNINIT_OK;
}

/* Rounded to nearest, whatever the caller's rounding mode. */
static void fill_constant(nninit_dtype dtype, void *values, int64_t count, double value) {
    fenv_t caller;
    fpenv_enter(&caller);
    value = fpenv_opaque(value);
    for (int64_t i = 0; i < count; i++)
        if (dtype == NNINIT_FLOAT32)
            ((float *)values)[i] = (float)value;
        else
            ((double *)values)[i] = value;
    fpenv_leave(&caller);
}

static nninit_status check_fill(const nninit_initializer *init, nninit_dtype dtype, const int64_t *shape, int rank,
                                int64_t *count) {
    nninit_context *context = init->object.context;
    if (dtype != NNINIT_FLOAT32 && dtype != NNINIT_FLOAT64)
        return context_fail(context, NNINIT_ERR_INVALID, "dtype %d; it must be float32 or float64", (int)dtype);
    if (!shape || rank < 1 || rank > NNINIT_MAX_RANK)
        return context_fail(context, shape ? NNINIT_ERR_SHAPE : NNINIT_ERR_INVALID,
                            "shape is NULL, or its rank (%d) is not 1 to %d", rank, NNINIT_MAX_RANK);
    *count = 1;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0 || (shape[i] > 0 && *count > INT64_MAX / 16 / shape[i]))
            return context_fail(context, NNINIT_ERR_SHAPE, "shape[%d] is %lld: negative, or the product overflows", i,
                                (long long)shape[i]);
        *count *= shape[i];
    }
    return NNINIT_OK;
}

nninit_status initializer_distribution(const nninit_initializer *init, const int64_t *shape, int rank,
                                       struct distribution *distribution) {
    fenv_t caller;
    fpenv_enter(&caller);
    nninit_status status = rules[init->kind].rule(init, shape, rank, distribution);
    fpenv_leave(&caller);
    return status;
}

nninit_status nninit_initializer_fill(const nninit_initializer *initializer, nninit_dtype dtype, void *values,
                                      const int64_t *shape, int rank, nninit_generator *generator) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    int64_t count = 0;
    struct distribution d;
    nninit_status status = check_fill(initializer, dtype, shape, rank, &count);
    if (status == NNINIT_OK)
        status = initializer_distribution(initializer, shape, rank, &d);
    if (status < 0)
        return status;
    if (d.kind != DISTRIBUTION_CONSTANT && (!generator || generator->object.context != context))
        return context_fail(context, NNINIT_ERR_INVALID, "the generator is NULL, or belongs to another context");
    if (count == 0) /* before the bounds are looked at: a fan of 0 makes them infinite, or not a number */
        return NNINIT_OK;
    if (!values)
        return context_fail(context, NNINIT_ERR_INVALID, "values is NULL");
    if (d.kind == DISTRIBUTION_UNIFORM && !(d.low <= d.high))
        return context_fail(context, NNINIT_ERR_INVALID, "low is %g, above high, %g", d.low, d.high);
    if (d.kind == DISTRIBUTION_CONSTANT && dtype == NNINIT_FLOAT32 && fabs(d.mean) > FLT_MAX)
        return context_fail(context, NNINIT_ERR_INVALID, "value is %g, beyond float32", d.mean);
    if (d.kind == DISTRIBUTION_UNIFORM)
        return nninit_generator_uniform(generator, dtype, values, count, d.low, d.high);
    if (d.kind == DISTRIBUTION_NORMAL)
        return nninit_generator_normal(generator, dtype, values, count, d.mean, d.std);
    fill_constant(dtype, values, count, d.mean);
    return NNINIT_OK;
}

nninit_status nninit_initializer_apply(const nninit_initializer *initializer, nninit_tensor *tensor,
                                       nninit_generator *generator) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    if (!tensor || tensor->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the tensor is NULL, or belongs to another context");
    float *values = mem_array(context, tensor->count, sizeof *values);
    if (!values)
        return NNINIT_ERR_MEMORY;
    nninit_status status =
        nninit_initializer_fill(initializer, NNINIT_FLOAT32, values, tensor->shape, tensor->rank, generator);
    if (status == NNINIT_OK)
        status = nninit_tensor_write(tensor, values, tensor->count);
    mem_free(context, values);
    return status;
}
