/* SPDX-License-Identifier: MIT */
#include "rbm.h"

#include "options.h"
#include "rbm_program.h"

#include <math.h>
#include <string.h>

static void rbm_release(struct object *object) {
    nninit_rbm *rbm = (nninit_rbm *)object;
    object_drop(rbm->generator);
    for (int i = 0; i < RBM_PARAMETERS; i++)
        object_drop(rbm->parameters[i]);
}

static void rbm_finish(struct object *object) {
    nninit_rbm *rbm = (nninit_rbm *)object;
    rbm_runs_free(rbm);
    rbm_before_free(rbm);
    source_free(&rbm->source, object->context);
    for (int a = 0; a < ARENA_COUNT; a++)
        arena_drop(rbm->arenas[a]);
    mem_free(object->context, rbm->chains);
}

static const struct object_type rbm_type = {"machine", rbm_release, rbm_finish};

static const struct {
    const char *name;
    double low, high; /* allowed, both included */
    double initial;
    bool whole, emitted; /* a whole number; part of a program, so that a change of it needs another */
} options[RBM_OPTIONS] = {
    [NNINIT_RBM_LR] = {"lr", 0, 3e38, .1, false, false},
    [NNINIT_RBM_LR_EPOCHS] = {"lr_epochs", 0, 1e9, 0, false, false},
    [NNINIT_RBM_MOMENTUM] = {"momentum", 0, 1, .5, false, false},
    [NNINIT_RBM_FINAL_MOMENTUM] = {"final_momentum", 0, 1, .9, false, false},
    [NNINIT_RBM_MOMENTUM_EPOCHS] = {"momentum_epochs", 0, 1e9, 5, true, false},
    [NNINIT_RBM_WEIGHT_DECAY] = {"weight_decay", 0, 3e38, 2e-4, false, false},
    [NNINIT_RBM_L1] = {"l1", 0, 3e38, 0, false, false},
    [NNINIT_RBM_CD_STEPS] = {"cd_steps", 1, 1000, 1, true, true},
    [NNINIT_RBM_CHAINS] = {"chains", 0, 1 << 24, 0, true, true},
    [NNINIT_RBM_SAMPLE_HIDDEN] = {"sample_hidden", 0, 1, 1, true, true},
    [NNINIT_RBM_SAMPLE_VISIBLE] = {"sample_visible", 0, 1, 0, true, true},
    [NNINIT_RBM_SAMPLE_POSITIVE] = {"sample_positive", 0, 1, 0, true, true},
    [NNINIT_RBM_BINARIZE] = {"binarize", 0, 1, 0, true, true},
    [NNINIT_RBM_SPARSITY_TARGET] = {"sparsity_target", 1e-9, .999999999, .1, false, true},
    [NNINIT_RBM_SPARSITY_COST] = {"sparsity_cost", 0, 3e38, 0, false, true},
    [NNINIT_RBM_SPARSITY_DECAY] = {"sparsity_decay", 0, .99999994, .9, false, true},
    [NNINIT_RBM_MAX_NORM] = {"max_norm", 0, 3e38, 0, false, true},
    [NNINIT_RBM_LABELS] = {"labels", 0, 1 << 24, 0, true, true},
};

const char *rbm_option_name(int option) {
    return options[option].name;
}

bool rbm_option_range(int option, double *low, double *high) {
    *low = options[option].low;
    *high = options[option].high;
    return options[option].whole;
}

static nninit_status make_parameter(nninit_rbm *rbm, int which, const char *name, const int64_t *shape, int rank) {
    struct storage *storage = storage_create(rbm->object.context, shape[0], rank == 2 ? shape[1] : 1);
    if (!storage)
        return NNINIT_ERR_MEMORY;
    nninit_status status = tensor_view(&rbm->parameters[which], storage, name, shape, rank);
    object_drop(storage);
    return status;
}

static nninit_status make_parameters(nninit_rbm *rbm) {
    const int64_t weight[] = {rbm->hidden, rbm->visible};
    nninit_status status = make_parameter(rbm, RBM_WEIGHT, "weight", weight, 2);
    if (status == NNINIT_OK)
        status = make_parameter(rbm, RBM_VISIBLE_BIAS, "visible_bias", &rbm->visible, 1);
    if (status == NNINIT_OK)
        status = make_parameter(rbm, RBM_HIDDEN_BIAS, "hidden_bias", &rbm->hidden, 1);
    if (status < 0 || !rbm->generator)
        return status;
    float *values = mem_array(rbm->object.context, rbm->hidden * rbm->visible, sizeof *values);
    if (!values)
        return NNINIT_ERR_MEMORY;
    status = nninit_generator_normal(rbm->generator, NNINIT_FLOAT32, values, rbm->hidden * rbm->visible, 0, .01);
    if (status == NNINIT_OK)
        status = storage_write(rbm->parameters[RBM_WEIGHT]->storage, values);
    mem_free(rbm->object.context, values);
    return status;
}

nninit_status nninit_rbm_create(nninit_rbm **out, nninit_context *context, nninit_rbm_units units, int64_t visible,
                                int64_t hidden, nninit_generator *generator) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out || (generator && generator->object.context != context))
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL, or the generator belongs to another context");
    if (units != NNINIT_RBM_BERNOULLI && units != NNINIT_RBM_GAUSSIAN)
        return context_fail(context, NNINIT_ERR_INVALID, "visible units %d are unknown", (int)units);
    if (visible < 1 || hidden < 1 || visible > INT32_MAX || hidden > INT32_MAX || visible > (INT64_C(1) << 40) / hidden)
        return context_fail(context, NNINIT_ERR_INVALID,
                            "%lld visible and %lld hidden units; each must be at least 1, and both together have at most 2^40 weights",
                            (long long)visible, (long long)hidden);
    nninit_rbm *rbm = object_create(context, &rbm_type, sizeof *rbm);
    if (!rbm)
        return NNINIT_ERR_MEMORY;
    rbm->units = units;
    rbm->visible = visible;
    rbm->hidden = hidden;
    rbm->generator = object_claim(generator);
    for (int i = 0; i < RBM_OPTIONS; i++)
        rbm->option[i] = options[i].initial;
    nninit_status status = make_parameters(rbm);
    if (status < 0) {
        object_drop(rbm);
        return status;
    }
    *out = rbm;
    return NNINIT_OK;
}

void nninit_rbm_destroy(nninit_rbm **rbm) {
    if (!rbm)
        return;
    object_drop(*rbm);
    *rbm = NULL;
}

static nninit_status check_option(const nninit_rbm *rbm, nninit_rbm_option option) {
    if (option < NNINIT_RBM_LR || option > NNINIT_RBM_LABELS)
        return context_fail(rbm->object.context, NNINIT_ERR_NOT_FOUND, "a machine has no option %d", (int)option);
    return NNINIT_OK;
}

nninit_status nninit_rbm_set(nninit_rbm *rbm, nninit_rbm_option option, double value) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_status status = check_option(rbm, option);
    if (status < 0)
        return status;
    if (!(value >= options[option].low && value <= options[option].high) ||
        (options[option].whole && value != floor(value)))
        return context_fail(rbm->object.context, NNINIT_ERR_INVALID, "%s is %g; it must be a%s number from %g to %g",
                            options[option].name, value, options[option].whole ? " whole" : "", options[option].low,
                            options[option].high);
    if (options[option].emitted && rbm->option[option] != value)
        rbm->revision++;
    rbm->option[option] = value;
    return NNINIT_OK;
}

nninit_status nninit_rbm_get(const nninit_rbm *rbm, nninit_rbm_option option, double *value) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_status status = check_option(rbm, option);
    if (status < 0)
        return status;
    if (!value)
        return context_fail(rbm->object.context, NNINIT_ERR_INVALID, "value is NULL");
    *value = rbm->option[option];
    return NNINIT_OK;
}

int64_t nninit_rbm_visible_units(const nninit_rbm *rbm) {
    return rbm ? rbm->visible : -1;
}

int64_t nninit_rbm_hidden_units(const nninit_rbm *rbm) {
    return rbm ? rbm->hidden : -1;
}

int64_t nninit_rbm_epochs(const nninit_rbm *rbm) {
    return rbm ? rbm->epochs : -1;
}

nninit_tensor *nninit_rbm_weight(nninit_rbm *rbm) {
    return rbm ? rbm->parameters[RBM_WEIGHT] : NULL;
}

nninit_tensor *nninit_rbm_visible_bias(nninit_rbm *rbm) {
    return rbm ? rbm->parameters[RBM_VISIBLE_BIAS] : NULL;
}

nninit_tensor *nninit_rbm_hidden_bias(nninit_rbm *rbm) {
    return rbm ? rbm->parameters[RBM_HIDDEN_BIAS] : NULL;
}

nninit_status nninit_rbm_sha256(nninit_rbm *rbm, char *hex) {
    return rbm ? tensors_sha256(rbm->object.context, rbm->parameters, RBM_PARAMETERS, hex) : NNINIT_ERR_INVALID;
}

nninit_status nninit_rbm_on_progress(nninit_rbm *rbm, nninit_progress_fn progress, void *user) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    rbm->progress = progress;
    rbm->user = user;
    return NNINIT_OK;
}

static nninit_status make_arena(nninit_rbm *rbm, enum arena_role role) {
    const struct tensor_shape shapes[RBM_TENSORS] = {[RBM_WEIGHT] = {rbm->hidden, rbm->visible},
                                                     [RBM_VISIBLE_BIAS] = {rbm->visible, 1},
                                                     [RBM_HIDDEN_BIAS] = {rbm->hidden, 1},
                                                     [RBM_SPARSITY] = {rbm->hidden, 1}};
    return rbm->arenas[role] ? NNINIT_OK : arena_create(&rbm->arenas[role], rbm->object.context, shapes, RBM_TENSORS);
}

static nninit_status move_parameters(nninit_rbm *rbm) {
    if (rbm->arenas[ARENA_VALUES])
        return NNINIT_OK;
    nninit_status status = make_arena(rbm, ARENA_VALUES);
    struct arena *arena = rbm->arenas[ARENA_VALUES];
    for (int i = 0; i < RBM_PARAMETERS && status == NNINIT_OK; i++)
        status = arena_write(arena, i, rbm->parameters[i]->storage->host);
    for (int i = 0; i < RBM_PARAMETERS && status == NNINIT_OK; i++)
        storage_move_to_arena(rbm->parameters[i]->storage, arena, i);
    if (status < 0) {
        arena_drop(arena);
        rbm->arenas[ARENA_VALUES] = NULL;
    }
    return status;
}

/* Running means begin at their target: hidden units are neither pulled nor pushed before something is known of them. */
static nninit_status make_momenta(nninit_rbm *rbm) {
    if (rbm->arenas[ARENA_M])
        return NNINIT_OK;
    float *q = mem_array(rbm->object.context, rbm->hidden, sizeof *q);
    if (!q)
        return NNINIT_ERR_MEMORY;
    for (int64_t j = 0; j < rbm->hidden; j++)
        q[j] = (float)rbm->option[NNINIT_RBM_SPARSITY_TARGET];
    nninit_status status = make_arena(rbm, ARENA_M);
    if (status == NNINIT_OK)
        status = arena_write(rbm->arenas[ARENA_M], RBM_SPARSITY, q);
    mem_free(rbm->object.context, q);
    return status;
}

nninit_status rbm_open(nninit_rbm *rbm, bool training) {
    nninit_status status = context_open(rbm->object.context);
    if (status == NNINIT_OK)
        status = move_parameters(rbm);
    if (status < 0 || !training)
        return status;
    status = make_momenta(rbm);
    if (status == NNINIT_OK)
        status = make_arena(rbm, ARENA_GRADIENTS);
    return status < 0 ? status : make_arena(rbm, ARENA_NEGATIVE);
}

nninit_status rbm_check(nninit_rbm *rbm) {
    return rbm_features(rbm) > 0
               ? NNINIT_OK
               : context_fail(rbm->object.context, NNINIT_ERR_SHAPE, "%lld visible units, and %lld of them labels: none is left",
                              (long long)rbm->visible, (long long)rbm_option(rbm, NNINIT_RBM_LABELS));
}

nninit_status rbm_check_generator(nninit_rbm *rbm) {
    return rbm->generator ? NNINIT_OK
                          : context_fail(rbm->object.context, NNINIT_ERR_STATE, "the machine has no generator to sample with");
}

nninit_status rbm_check_dataset(nninit_rbm *rbm, const nninit_dataset *dataset) {
    nninit_context *context = rbm->object.context;
    if (!dataset || dataset->object.context != context)
        return context_fail(context, NNINIT_ERR_INVALID, "the data set is NULL or of another context");
    if (dataset->features != rbm->visible)
        return context_fail(context, NNINIT_ERR_SHAPE, "the data set has %lld features, the machine %lld visible units",
                            (long long)dataset->features, (long long)rbm->visible);
    if (rbm->units == NNINIT_RBM_BERNOULLI && dataset->dtype == NNINIT_UINT8 && dataset->scale != NNINIT_SCALE_UNIT)
        return context_fail(context, NNINIT_ERR_INVALID,
                            "the data set gives bytes as they are, 0 to 255; Bernoulli units need values in [0, 1]");
    return rbm_check(rbm);
}

nninit_status rbm_check_values(nninit_rbm *rbm, const float *rows, int64_t count, int64_t first) {
    if (rbm->units == NNINIT_RBM_GAUSSIAN)
        return NNINIT_OK;
    for (int64_t i = 0; i < count * rbm->visible; i++)
        if (!(rows[i] >= 0 && rows[i] <= 1))
            return context_fail(rbm->object.context, NNINIT_ERR_INVALID,
                                "row %lld, unit %lld is %g; Bernoulli units need values in [0, 1]",
                                (long long)(first + i / rbm->visible), (long long)(i % rbm->visible), (double)rows[i]);
    return NNINIT_OK;
}

nninit_status rbm_check_rows(nninit_rbm *rbm, const nninit_dataset *dataset) {
    const bool checked = dataset->read || dataset->dtype == NNINIT_UINT8;
    return checked ? NNINIT_OK : rbm_check_values(rbm, dataset->rows, dataset->count, 0);
}

nninit_status rbm_check_states(nninit_rbm *rbm, const float *v, int64_t rows) {
    for (int64_t i = 0; i < rows * rbm->visible; i++)
        if (v[i] != 0 && v[i] != 1)
            return context_fail(rbm->object.context, NNINIT_ERR_INVALID, "row %lld, unit %lld is %g; it must be 0 or 1",
                                (long long)(i / rbm->visible), (long long)(i % rbm->visible), (double)v[i]);
    return NNINIT_OK;
}

nninit_status rbm_means(nninit_rbm *rbm, nninit_dataset *dataset, double *means) {
    nninit_context *context = rbm->object.context;
    float *row = mem_array(context, rbm->visible, sizeof *row);
    nninit_status status = row ? NNINIT_OK : NNINIT_ERR_MEMORY;
    memset(means, 0, (size_t)rbm->visible * sizeof *means);
    for (int64_t r = 0; r < dataset->count && status == NNINIT_OK; r++) {
        status = nninit_dataset_read(dataset, &r, 1, row, NULL);
        if (status == NNINIT_OK)
            status = rbm_check_values(rbm, row, 1, r);
        for (int64_t i = 0; i < rbm->visible; i++)
            means[i] += (double)row[i];
    }
    for (int64_t i = 0; i < rbm->visible; i++)
        means[i] /= (double)dataset->count;
    mem_free(context, row);
    return status;
}

void rbm_base_bias(const nninit_rbm *rbm, const double *means, float *bias) {
    for (int64_t i = 0; i < rbm->visible; i++) {
        const double p = fmin(fmax(means[i], .001), .999);
        const bool label = i >= rbm_features(rbm);
        bias[i] = (float)(label ? log(p) : rbm->units == NNINIT_RBM_GAUSSIAN ? means[i] : log(p / (1 - p)));
    }
}

nninit_status nninit_rbm_init_visible_bias(nninit_rbm *rbm, nninit_dataset *dataset) {
    if (!rbm)
        return NNINIT_ERR_INVALID;
    nninit_context *context = rbm->object.context;
    nninit_status status = rbm_check_dataset(rbm, dataset);
    if (status < 0)
        return status;
    double *means = mem_array(context, rbm->visible, sizeof *means);
    float *bias = mem_array(context, rbm->visible, sizeof *bias);
    status = means && bias ? rbm_means(rbm, dataset, means) : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK) {
        rbm_base_bias(rbm, means, bias);
        status = storage_write(rbm->parameters[RBM_VISIBLE_BIAS]->storage, bias);
    }
    mem_free(context, means);
    mem_free(context, bias);
    return status;
}

static nninit_status set_pair(void *user, int key, double value) {
    return nninit_rbm_set(user, (nninit_rbm_option)key, value);
}

nninit_status nninit_rbm_parse(nninit_rbm **out, nninit_context *context, const char *text, int64_t visible,
                               int64_t hidden, nninit_generator *generator) {
    static const struct option_name kinds[] = {
        {"bernoulli", NNINIT_RBM_BERNOULLI}, {"gaussian", NNINIT_RBM_GAUSSIAN}, {NULL, 0}};
    struct option_name keys[RBM_OPTIONS] = {{NULL, 0}};
    int units;
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out || !text)
        return context_fail(context, NNINIT_ERR_INVALID, "%s is NULL", out ? "text" : "out");
    for (int i = NNINIT_RBM_LR; i < RBM_OPTIONS; i++)
        keys[i - 1] = (struct option_name){options[i].name, i};
    nninit_rbm *rbm = NULL;
    nninit_status status = options_name(context, "machine", text, kinds, &units);
    if (status == NNINIT_OK)
        status = nninit_rbm_create(&rbm, context, (nninit_rbm_units)units, visible, hidden, generator);
    if (status == NNINIT_OK)
        status = options_pairs(context, text, keys, NULL, set_pair, rbm);
    if (status < 0)
        nninit_rbm_destroy(&rbm);
    *out = rbm;
    return status;
}
