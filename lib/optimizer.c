/* SPDX-License-Identifier: MIT */
#include "optimizer.h"

#include "options.h"
#include "session.h"

#include <math.h>
#include <string.h>

static void optimizer_release(struct object *object) {
    nninit_optimizer *optimizer = (nninit_optimizer *)object;
    if (optimizer->model)
        sessions_forget(optimizer->model, optimizer);
    object_drop(optimizer->model);
}

static void optimizer_finish(struct object *object) {
    nninit_optimizer *optimizer = (nninit_optimizer *)object;
    arena_drop(optimizer->m);
    arena_drop(optimizer->v);
}

static const struct object_type optimizer_type = {"optimizer", optimizer_release, optimizer_finish};

#define BIT(option) (1u << (option))
static const unsigned common_options = BIT(NNINIT_OPT_LR) | BIT(NNINIT_OPT_WEIGHT_DECAY);
static const unsigned sgd_options = BIT(NNINIT_OPT_MOMENTUM) | BIT(NNINIT_OPT_DAMPENING) | BIT(NNINIT_OPT_NESTEROV);
static const unsigned adam_options = BIT(NNINIT_OPT_BETA1) | BIT(NNINIT_OPT_BETA2) | BIT(NNINIT_OPT_EPS);

static const struct {
    const char *name;
    double low, high; /* allowed, both included */
} options[OPTIMIZER_OPTIONS] = {
    [NNINIT_OPT_LR] = {"lr", 0, 3e38},
    [NNINIT_OPT_WEIGHT_DECAY] = {"weight_decay", 0, 3e38},
    [NNINIT_OPT_MOMENTUM] = {"momentum", 0, 3e38},
    [NNINIT_OPT_DAMPENING] = {"dampening", 0, 1},
    [NNINIT_OPT_NESTEROV] = {"nesterov", 0, 1},
    [NNINIT_OPT_BETA1] = {"beta1", 0, 0.99999994},
    [NNINIT_OPT_BETA2] = {"beta2", 0, 0.99999994},
    [NNINIT_OPT_EPS] = {"eps", 1e-45, 3e38},
};

const char *optimizer_option_name(int option) {
    return options[option].name;
}

static bool takes(const nninit_optimizer *optimizer, nninit_optimizer_option option) {
    unsigned own = optimizer->kind == NNINIT_SGD ? sgd_options : adam_options;
    return option >= NNINIT_OPT_LR && option <= NNINIT_OPT_EPS && ((common_options | own) & BIT(option));
}

nninit_status nninit_optimizer_create(nninit_optimizer **out, nninit_context *context, nninit_optimizer_kind kind) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out)
        return context_fail(context, NNINIT_ERR_INVALID, "out is NULL");
    if (kind < NNINIT_SGD || kind > NNINIT_ADAMW)
        return context_fail(context, NNINIT_ERR_INVALID, "optimizer %d is unknown", (int)kind);
    nninit_optimizer *optimizer = object_create(context, &optimizer_type, sizeof *optimizer);
    if (!optimizer)
        return NNINIT_ERR_MEMORY;
    optimizer->kind = kind;
    optimizer->power1 = optimizer->power2 = 1;
    optimizer->option[NNINIT_OPT_LR] = 1e-3;
    optimizer->option[NNINIT_OPT_WEIGHT_DECAY] = kind == NNINIT_ADAMW ? 1e-2 : 0;
    optimizer->option[NNINIT_OPT_BETA1] = .9;
    optimizer->option[NNINIT_OPT_BETA2] = .999;
    optimizer->option[NNINIT_OPT_EPS] = 1e-8;
    *out = optimizer;
    return NNINIT_OK;
}

void nninit_optimizer_destroy(nninit_optimizer **optimizer) {
    if (!optimizer)
        return;
    object_drop(*optimizer);
    *optimizer = NULL;
}

static nninit_status check_nesterov(const nninit_optimizer *optimizer, const double *option) {
    if (option[NNINIT_OPT_NESTEROV] != 0 && (option[NNINIT_OPT_MOMENTUM] == 0 || option[NNINIT_OPT_DAMPENING] != 0))
        return context_fail(optimizer->object.context, NNINIT_ERR_INVALID,
                            "nesterov needs momentum above 0 and dampening 0; they are %g and %g",
                            option[NNINIT_OPT_MOMENTUM], option[NNINIT_OPT_DAMPENING]);
    return NNINIT_OK;
}

/* One option without regard to the others. */
static nninit_status set_alone(nninit_optimizer *optimizer, nninit_optimizer_option option, double value) {
    nninit_context *context = optimizer->object.context;
    if (!takes(optimizer, option))
        return context_fail(context, NNINIT_ERR_NOT_FOUND, "this optimizer has no option %d", (int)option);
    if (!(value >= options[option].low && value <= options[option].high) ||
        (option == NNINIT_OPT_NESTEROV && value != 0 && value != 1))
        return context_fail(context, NNINIT_ERR_INVALID, "%s is %g; it must be %g to %g", options[option].name, value,
                            options[option].low, options[option].high);
    if (option != NNINIT_OPT_LR && optimizer->option[option] != value)
        optimizer->revision++;
    optimizer->option[option] = value;
    return NNINIT_OK;
}

nninit_status nninit_optimizer_set(nninit_optimizer *optimizer, nninit_optimizer_option option, double value) {
    if (!optimizer)
        return NNINIT_ERR_INVALID;
    double old[OPTIMIZER_OPTIONS];
    memcpy(old, optimizer->option, sizeof old);
    nninit_status status = set_alone(optimizer, option, value);
    if (status == NNINIT_OK)
        status = check_nesterov(optimizer, optimizer->option);
    if (status < 0)
        memcpy(optimizer->option, old, sizeof old);
    return status;
}

nninit_status nninit_optimizer_get(const nninit_optimizer *optimizer, nninit_optimizer_option option, double *value) {
    if (!optimizer)
        return NNINIT_ERR_INVALID;
    if (!value)
        return context_fail(optimizer->object.context, NNINIT_ERR_INVALID, "value is NULL");
    if (!takes(optimizer, option))
        return context_fail(optimizer->object.context, NNINIT_ERR_NOT_FOUND, "this optimizer has no option %d",
                            (int)option);
    *value = optimizer->option[option];
    return NNINIT_OK;
}

int64_t nninit_optimizer_steps(const nninit_optimizer *optimizer) {
    return optimizer ? optimizer->steps : -1;
}

nninit_status optimizer_bind(nninit_optimizer *optimizer, nninit_layer *model) {
    if (optimizer->model == model)
        return NNINIT_OK;
    if (optimizer->model)
        return context_fail(optimizer->object.context, NNINIT_ERR_STATE, "the optimizer belongs to another model");
    struct arena *m = NULL, *v = NULL;
    nninit_status status = model_arena(&m, model);
    if (status == NNINIT_OK && optimizer->kind != NNINIT_SGD)
        status = model_arena(&v, model);
    if (status < 0) {
        arena_drop(m);
        return status;
    }
    optimizer->m = m;
    optimizer->v = v;
    optimizer->model = object_claim(model);
    return NNINIT_OK;
}

nninit_status model_arena(struct arena **out, nninit_layer *model) {
    nninit_context *context = model->object.context;
    struct tensor_shape *shapes = mem_array(context, model->parameter_count, sizeof *shapes);
    *out = NULL;
    if (!shapes)
        return NNINIT_ERR_MEMORY;
    for (int i = 0; i < model->parameter_count; i++) {
        const struct storage *storage = model->parameters[i]->storage;
        shapes[i] = (struct tensor_shape){storage->rows, storage->cols};
    }
    nninit_status status = arena_create(out, context, shapes, model->parameter_count);
    mem_free(context, shapes);
    return status;
}

void optimizer_emit_slots(const nninit_optimizer *optimizer, struct program *program, int slots[OPTIMIZER_SLOTS]) {
    for (int i = 0; i < OPTIMIZER_SLOTS; i++)
        slots[i] = optimizer->kind == NNINIT_SGD && i == 2 ? -1 : program_slot(program, ELEMENT_F32, 1);
}

static void emit_sgd(const nninit_optimizer *optimizer, struct node *node, int m) {
    node->out[1] = optimizer->option[NNINIT_OPT_MOMENTUM] != 0 ? m : -1;
    node->arg.sgd = (struct law_sgd){(float)optimizer->option[NNINIT_OPT_WEIGHT_DECAY],
                                     (float)optimizer->option[NNINIT_OPT_MOMENTUM],
                                     (float)optimizer->option[NNINIT_OPT_NESTEROV]};
}

static void emit_adam(const nninit_optimizer *optimizer, struct node *node, int m, int v) {
    double beta1 = optimizer->option[NNINIT_OPT_BETA1], beta2 = optimizer->option[NNINIT_OPT_BETA2];
    double decay = optimizer->kind == NNINIT_ADAM ? optimizer->option[NNINIT_OPT_WEIGHT_DECAY] : 0;
    node->out[1] = m;
    node->out[2] = v;
    node->arg.adam = (struct law_adam){(float)beta1,       (float)(1 - beta1), (float)beta2,
                                       (float)(1 - beta2), (float)optimizer->option[NNINIT_OPT_EPS], (float)decay};
}

void optimizer_emit(const nninit_optimizer *optimizer, struct program *program, const int slots[OPTIMIZER_SLOTS], int g,
                    int p, int position, int64_t rows, int64_t cols) {
    int m = program_tensor(program, ARENA_M, position, rows, cols);
    int v = optimizer->kind == NNINIT_SGD ? -1 : program_tensor(program, ARENA_V, position, rows, cols);
    enum kind kind = optimizer->kind == NNINIT_SGD ? KIND_SGD : KIND_ADAM;
    struct node *node = program_emit(program, PHASE_UPDATE, kind, g, slots[0], p);
    node->in[2] = slots[1];
    node->in[3] = slots[2];
    if (optimizer->kind == NNINIT_SGD)
        emit_sgd(optimizer, node, m);
    else
        emit_adam(optimizer, node, m, v);
}

void optimizer_tables(const nninit_optimizer *optimizer, int64_t steps, float *tables[OPTIMIZER_SLOTS]) {
    double lr = optimizer->option[NNINIT_OPT_LR], power1 = optimizer->power1, power2 = optimizer->power2;
    for (int64_t s = 0; s < steps; s++) {
        if (optimizer->kind == NNINIT_SGD) {
            tables[0][s] = (float)lr;
            tables[1][s] = optimizer->steps + s == 0 ? 1.0f : (float)(1 - optimizer->option[NNINIT_OPT_DAMPENING]);
            continue;
        }
        power1 *= optimizer->option[NNINIT_OPT_BETA1];
        power2 *= optimizer->option[NNINIT_OPT_BETA2];
        tables[0][s] = (float)(lr / (1 - power1));
        tables[1][s] = (float)sqrt(1 - power2);
        tables[2][s] =
            optimizer->kind == NNINIT_ADAMW ? (float)(1 - lr * optimizer->option[NNINIT_OPT_WEIGHT_DECAY]) : 1.0f;
    }
}

nninit_status optimizer_preview(const nninit_optimizer *optimizer, int position, int64_t count, const float *g, float *p,
                                float *m, float *v) {
    float row[OPTIMIZER_SLOTS], *tables[OPTIMIZER_SLOTS] = {&row[0], &row[1], &row[2]};
    struct node node = {0};
    memset(m, 0, (size_t)count * sizeof *m);
    memset(v, 0, (size_t)count * sizeof *v);
    nninit_status status = optimizer->m ? arena_read(optimizer->m, position, m) : NNINIT_OK;
    if (status == NNINIT_OK && optimizer->v)
        status = arena_read(optimizer->v, position, v);
    if (status < 0)
        return status;
    optimizer_tables(optimizer, 1, tables);
    if (optimizer->kind == NNINIT_SGD)
        emit_sgd(optimizer, &node, 0);
    else
        emit_adam(optimizer, &node, 0, 0);
    for (int64_t i = 0; i < count; i++)
        if (optimizer->kind == NNINIT_SGD)
            law_sgd(&node.arg.sgd, row[0], row[1], g[i], &p[i], node.out[1] < 0 ? NULL : &m[i]);
        else
            law_adam(&node.arg.adam, row[0], row[1], row[2], g[i], &p[i], &m[i], &v[i]);
    return NNINIT_OK;
}

void optimizer_advance(nninit_optimizer *optimizer, int64_t steps) {
    for (int64_t s = 0; s < steps; s++) {
        optimizer->power1 *= optimizer->option[NNINIT_OPT_BETA1];
        optimizer->power2 *= optimizer->option[NNINIT_OPT_BETA2];
    }
    optimizer->steps += steps;
}

static const struct option_name kind_names[] = {{"sgd", NNINIT_SGD}, {"adam", NNINIT_ADAM}, {"adamw", NNINIT_ADAMW}, {NULL, 0}};

static nninit_status set_pair(void *user, int key, double value) {
    return set_alone(user, (nninit_optimizer_option)key, value);
}

nninit_status nninit_optimizer_parse(nninit_optimizer **out, nninit_context *context, const char *text) {
    if (out)
        *out = NULL;
    if (!context)
        return NNINIT_ERR_INVALID;
    if (!out || !text)
        return context_fail(context, NNINIT_ERR_INVALID, "%s is NULL", out ? "text" : "out");
    struct option_name keys[OPTIMIZER_OPTIONS] = {{NULL, 0}};
    for (int i = NNINIT_OPT_LR; i <= NNINIT_OPT_EPS; i++)
        keys[i - 1] = (struct option_name){options[i].name, i};
    int kind;
    nninit_optimizer *optimizer = NULL;
    nninit_status status = options_name(context, "optimizer", text, kind_names, &kind);
    if (status == NNINIT_OK)
        status = nninit_optimizer_create(&optimizer, context, (nninit_optimizer_kind)kind);
    if (status == NNINIT_OK)
        status = options_pairs(context, text, keys, NULL, set_pair, optimizer);
    if (status == NNINIT_OK)
        status = check_nesterov(optimizer, optimizer->option);
    if (status < 0)
        nninit_optimizer_destroy(&optimizer);
    *out = optimizer;
    return status;
}
