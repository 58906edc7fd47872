/* SPDX-License-Identifier: MIT */
/* The handle, its options and its text. */
#include "initializer.h"

#include "options.h"

#include <math.h>

static void initializer_finish(struct object *object) {
    mem_free(object->context, ((nninit_initializer *)object)->array.values);
}

static const struct object_type initializer_type = {"initializer", NULL, initializer_finish};

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
    {"groups", NNINIT_INIT_GROUPS},
    {"sparsity", NNINIT_INIT_SPARSITY},
    {"result_std", NNINIT_INIT_RESULT_STD},
    {"scale", NNINIT_INIT_SCALE},
    {"distribution", NNINIT_INIT_DISTRIBUTION},
    {NULL, 0},
};

static const struct option_name mode_names[] = {
    {"fan_in", NNINIT_FAN_IN},
    {"fan_out", NNINIT_FAN_OUT},
    {"fan_avg", NNINIT_FAN_AVG},
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

static const struct option_name scaling_names[] = {
    {"truncated_normal", NNINIT_SCALING_TRUNCATED_NORMAL},
    {"uniform", NNINIT_SCALING_UNIFORM},
    {"untruncated_normal", NNINIT_SCALING_UNTRUNCATED_NORMAL},
    {NULL, 0},
};

static const struct option_words value_names[] = {
    {NNINIT_INIT_MODE, mode_names},
    {NNINIT_INIT_NONLINEARITY, nonlinearity_names},
    {NNINIT_INIT_DISTRIBUTION, scaling_names},
    {0, NULL},
};

static void set_defaults(nninit_initializer *init) {
    double *o = init->option;
    o[NNINIT_INIT_HIGH] = o[NNINIT_INIT_STD] = o[NNINIT_INIT_GAIN] = o[NNINIT_INIT_GROUPS] = o[NNINIT_INIT_SCALE] = 1;
    o[NNINIT_INIT_NONLINEARITY] = NNINIT_LEAKY_RELU;
    switch (init->kind) {
    case NNINIT_INIT_TRUNC_NORMAL:
    case NNINIT_INIT_TRUNCATED_NORMAL:
        o[NNINIT_INIT_LOW] = -2;
        o[NNINIT_INIT_HIGH] = 2;
        break;
    case NNINIT_INIT_SPARSE: o[NNINIT_INIT_STD] = 0.01; break;
    case NNINIT_INIT_GLOROT_UNIFORM:
    case NNINIT_INIT_GLOROT_NORMAL: o[NNINIT_INIT_MODE] = NNINIT_FAN_AVG; break;
    case NNINIT_INIT_HE_UNIFORM:
    case NNINIT_INIT_HE_NORMAL: o[NNINIT_INIT_SCALE] = 2; break;
    default: break;
    }
    if (init->kind == NNINIT_INIT_GLOROT_UNIFORM || init->kind == NNINIT_INIT_HE_UNIFORM ||
        init->kind == NNINIT_INIT_LECUN_UNIFORM)
        o[NNINIT_INIT_DISTRIBUTION] = NNINIT_SCALING_UNIFORM;
}

nninit_initializer *initializer_new(nninit_context *context, nninit_initializer_kind kind) {
    nninit_initializer *init = object_create(context, &initializer_type, sizeof *init);
    if (!init)
        return NULL;
    init->kind = kind;
    set_defaults(init);
    return init;
}

nninit_status nninit_initializer_create(nninit_initializer **out, nninit_context *context,
                                        nninit_initializer_kind kind) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
    if (kind < NNINIT_INIT_ZEROS || (int)kind >= INITIALIZER_KINDS || !initializer_rules[kind].name)
        return context_fail(context, NNINIT_ERR_INVALID, "initializer %d is unknown", (int)kind);
    if (initializer_rules[kind].given)
        return context_fail(context, NNINIT_ERR_INVALID, "initializer %s has a function of its own to create it",
                            initializer_rules[kind].name);
    *out = initializer_new(context, kind);
    return *out ? NNINIT_OK : NNINIT_ERR_MEMORY;
}

static nninit_status set_pair(void *user, int key, double value) {
    return nninit_initializer_set(user, (nninit_initializer_option)key, value);
}

/* The names that text can have, for options_name(). */
static void list_kinds(struct option_name names[INITIALIZER_KINDS]) {
    int count = 0;
    for (int kind = 1; kind < INITIALIZER_KINDS; kind++)
        if (initializer_rules[kind].name && !initializer_rules[kind].given)
            names[count++] = (struct option_name){initializer_rules[kind].name, kind};
    names[count] = (struct option_name){NULL, 0};
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
    struct option_name names[INITIALIZER_KINDS];
    list_kinds(names);
    nninit_status status = options_name(context, "initializer", text, names, &kind);
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
    return option > 0 && option < INITIALIZER_OPTIONS &&
           (initializer_rules[init->kind].options & INITIALIZER_BIT(option));
}

/* NULL, or what the option must be. */
static const char *check_range(nninit_initializer_kind kind, nninit_initializer_option option, double value) {
    bool whole = value == floor(value), averaged = kind == NNINIT_INIT_VARIANCE_SCALING;
    switch (option) {
    case NNINIT_INIT_STD:
    case NNINIT_INIT_RESULT_STD: return value >= 0 ? NULL : "at least 0";
    case NNINIT_INIT_SCALE: return value > 0 ? NULL : "above 0";
    case NNINIT_INIT_SPARSITY: return value >= 0 && value <= 1 ? NULL : "0 to 1";
    case NNINIT_INIT_MODE:
        return whole && value >= 0 && value <= (averaged ? NNINIT_FAN_AVG : NNINIT_FAN_OUT) ? NULL
               : averaged ? "one of fan_in, fan_out, fan_avg" : "one of fan_in, fan_out";
    case NNINIT_INIT_NONLINEARITY:
        return whole && value >= NNINIT_IDENTITY && value <= NNINIT_SELU ? NULL : "an nninit_activation";
    case NNINIT_INIT_DISTRIBUTION:
        return whole && value >= 0 && value <= NNINIT_SCALING_UNTRUNCATED_NORMAL ? NULL : "an nninit_scaling";
    case NNINIT_INIT_LAYER_FAN_IN:
    case NNINIT_INIT_GROUPS: return whole && value >= 1 && value < 0x1p53 ? NULL : "a whole number of at least 1";
    default: return NULL;
    }
}

nninit_status nninit_initializer_set(nninit_initializer *initializer, nninit_initializer_option option, double value) {
    if (!initializer)
        return NNINIT_ERR_INVALID;
    nninit_context *context = initializer->object.context;
    const char *name = initializer_rules[initializer->kind].name;
    if (!takes(initializer, option))
        return context_fail(context, NNINIT_ERR_NOT_FOUND, "initializer %s has no option %s", name,
                            option > 0 && option < INITIALIZER_OPTIONS ? option_names[option - 1].name : "of that number");
    const char *wanted = isfinite(value) ? check_range(initializer->kind, option, value) : "finite";
    if (wanted)
        return context_fail(context, NNINIT_ERR_INVALID, "%s of initializer %s cannot be %g; it must be %s",
                            option_names[option - 1].name, name, value, wanted);
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
                            initializer_rules[initializer->kind].name);
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
