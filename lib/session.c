/* SPDX-License-Identifier: MIT */
#include "session.h"

#include "fpenv.h"

#include <string.h>

enum { SESSION_LIMIT = 8 }; /* programs that a model keeps */

/* What emission needs to know. */
struct emission {
    struct program program;
    nninit_layer *model;
    const struct session_request *request;
    struct session *session;
    nninit_layer **leaves;
    int *x; /* [leaves + 1]: the value before each leaf, and after the last */
    int leaf_count;
};

/* The values of parameter k of a linear leaf. */
static int emit_parameter(struct emission *e, const nninit_layer *leaf, int k) {
    const struct storage *storage = leaf->parameters[k]->storage;
    return program_tensor(&e->program, ARENA_VALUES, storage->index, storage->rows, storage->cols);
}

static int emit_leaf(struct emission *e, const nninit_layer *leaf, int x) {
    struct program *p = &e->program;
    int64_t rows = e->request->rows;
    if (leaf->kind == LAYER_LINEAR) {
        int y = program_buffer(p, ELEMENT_F32, rows, leaf->outputs);
        program_emit(p, PHASE_FORWARD, KIND_GEMM_NT, x, emit_parameter(e, leaf, 0), y);
        if (leaf->parameter_count == 2)
            program_emit(p, PHASE_FORWARD, KIND_BIAS, y, emit_parameter(e, leaf, 1), y);
        return y;
    }
    static const enum kind kinds[] = {[NNINIT_SIGMOID] = KIND_SIGMOID, [NNINIT_TANH] = KIND_TANH,
                                      [NNINIT_RELU] = KIND_RELU, [NNINIT_LEAKY_RELU] = KIND_LEAKY_RELU};
    int y = program_buffer(p, ELEMENT_F32, rows, p->values ? p->values[x].cols : 0);
    program_emit(p, PHASE_FORWARD, kinds[leaf->activation], x, -1, y)->arg.number = (float)leaf->slope;
    return y;
}

static void emit_source(struct emission *e) {
    struct program *p = &e->program;
    struct session *s = e->session;
    const struct session_request *r = e->request;
    int64_t inputs = e->model->inputs;
    s->x = program_data(p, r->element, inputs);
    s->index = program_slot(p, ELEMENT_I32, r->rows);
    e->x[0] = program_buffer(p, ELEMENT_F32, r->rows, inputs);
    program_emit(p, PHASE_SOURCE, r->element == ELEMENT_U8 ? KIND_GATHER_U8 : KIND_GATHER_F32, s->x, s->index, e->x[0])
        ->arg.number = r->divisor;
}

/* The batch's labels or target vectors. */
static int emit_target(struct emission *e, bool labels) {
    struct program *p = &e->program;
    int64_t width = labels ? 1 : e->model->outputs;
    enum element element = labels ? ELEMENT_I32 : ELEMENT_F32;
    e->session->target = program_data(p, element, width);
    int y = program_buffer(p, element, e->request->rows, width);
    program_emit(p, PHASE_SOURCE, labels ? KIND_GATHER_I32 : KIND_GATHER_F32, e->session->target, e->session->index, y);
    return y;
}

/* The cost; with `gradient` also the gradient of the output, which is returned. */
static int emit_loss(struct emission *e, int target, bool gradient) {
    struct program *p = &e->program;
    bool entropy = e->request->loss == NNINIT_CROSS_ENTROPY;
    int64_t rows = e->request->rows, outputs = e->model->outputs;
    int z = e->session->output, losses = program_buffer(p, ELEMENT_F32, rows, entropy ? 1 : outputs);
    e->session->cost = program_slot(p, ELEMENT_F32, 1);
    program_emit(p, PHASE_LOSS, entropy ? KIND_CROSS_ENTROPY : KIND_SQUARED_ERROR, z, target, losses);
    program_emit(p, PHASE_LOSS, KIND_MEAN, losses, -1, e->session->cost);
    if (!gradient)
        return -1;
    int dz = program_buffer(p, ELEMENT_F32, rows, outputs);
    program_emit(p, PHASE_BACKWARD, entropy ? KIND_CROSS_ENTROPY_GRADIENT : KIND_SQUARED_ERROR_GRADIENT, z, target, dz);
    return dz;
}

/* The gradient before a leaf, from the one after it. */
static int emit_input_gradient(struct emission *e, int k, int dy) {
    static const enum kind kinds[] = {[NNINIT_SIGMOID] = KIND_SIGMOID_GRADIENT, [NNINIT_TANH] = KIND_TANH_GRADIENT,
                                      [NNINIT_RELU] = KIND_RELU_GRADIENT,
                                      [NNINIT_LEAKY_RELU] = KIND_LEAKY_RELU_GRADIENT};
    struct program *p = &e->program;
    const nninit_layer *leaf = e->leaves[k];
    int64_t cols = leaf->kind == LAYER_LINEAR ? leaf->inputs : p->values ? p->values[e->x[k]].cols : 0;
    int dx = program_buffer(p, ELEMENT_F32, e->request->rows, cols);
    if (leaf->kind == LAYER_LINEAR)
        program_emit(p, PHASE_BACKWARD, KIND_GEMM_NN, dy, emit_parameter(e, leaf, 0), dx);
    else
        program_emit(p, PHASE_BACKWARD, kinds[leaf->activation], e->x[k + 1], dy, dx)->arg.number = (float)leaf->slope;
    return dx;
}

/* The gradients of a linear leaf's parameters, each followed by its update when training. */
static void emit_parameter_gradients(struct emission *e, int k, int dy) {
    struct program *p = &e->program;
    const nninit_layer *leaf = e->leaves[k];
    for (int i = 0; i < leaf->parameter_count; i++) {
        const struct storage *storage = leaf->parameters[i]->storage;
        int position = layer_position(e->model, storage), value = emit_parameter(e, leaf, i);
        int g = program_tensor(p, ARENA_GRADIENTS, position, storage->rows, storage->cols);
        if (i == 0)
            program_emit(p, PHASE_BACKWARD, KIND_GEMM_TN, dy, e->x[k], g);
        else
            program_emit(p, PHASE_BACKWARD, KIND_COLUMN_SUM, dy, -1, g);
        if (e->request->mode == SESSION_TRAIN)
            optimizer_emit(e->request->optimizer, p, e->session->slots, g, value, position, storage->rows, storage->cols);
    }
}

/* All gradients of activations come before all updates: they need the old weights. */
static void emit_backward(struct emission *e, int dz, int *dy) {
    int first = 0;
    while (first < e->leaf_count && e->leaves[first]->kind != LAYER_LINEAR)
        first++;
    dy[e->leaf_count] = dz;
    for (int k = e->leaf_count - 1; k > first; k--)
        dy[k] = emit_input_gradient(e, k, dy[k + 1]);
    if (e->request->mode == SESSION_TRAIN)
        optimizer_emit_slots(e->request->optimizer, &e->program, e->session->slots);
    for (int k = e->leaf_count - 1; k >= first; k--)
        if (e->leaves[k]->kind == LAYER_LINEAR)
            emit_parameter_gradients(e, k, dy[k + 1]);
}

static void emit_program(struct emission *e, int *dy) {
    const struct session_request *r = e->request;
    struct program *p = &e->program;
    emit_source(e);
    for (int k = 0; k < e->leaf_count; k++)
        e->x[k + 1] = emit_leaf(e, e->leaves[k], e->x[k]);
    e->session->output = e->x[e->leaf_count];
    bool labels = r->count || r->loss == NNINIT_CROSS_ENTROPY;
    int target = r->loss || r->count ? emit_target(e, labels) : -1;
    bool backward = r->mode == SESSION_GRADIENT || r->mode == SESSION_TRAIN;
    int dz = r->loss ? emit_loss(e, target, backward) : -1;
    if (backward)
        emit_backward(e, dz, dy);
    if (r->count) {
        int best = program_buffer(p, ELEMENT_I32, r->rows, 1);
        e->session->count = program_slot(p, ELEMENT_I32, 1);
        program_emit(p, PHASE_MEASURE, KIND_ARGMAX, e->session->output, -1, best);
        program_emit(p, PHASE_MEASURE, KIND_COUNT_EQUAL, best, target, e->session->count);
    }
}

static void session_free(struct session *session) {
    if (session->exec)
        session->context->executor->release(session->exec);
    arena_drop(session->values);
    arena_drop(session->gradients);
    arena_drop(session->m);
    arena_drop(session->v);
    mem_free(session->context, session->tables);
    mem_free(session->context, session->kept);
    mem_free(session->context, session->labels);
    mem_free(session->context, session->numbers);
    mem_free(session->context, session);
}

/* Bring all parameters of a model into one arena, unless they are in one already. */
static nninit_status gather_parameters(nninit_layer *model) {
    nninit_context *context = model->object.context;
    struct arena *common = model->parameter_count ? model->parameters[0]->storage->arena : NULL;
    int64_t largest = 0;
    for (int i = 0; i < model->parameter_count; i++) {
        const struct storage *storage = model->parameters[i]->storage;
        common = storage->arena == common ? common : NULL;
        int64_t size = storage->rows * storage->cols;
        largest = size > largest ? size : largest;
    }
    if (common || model->parameter_count == 0)
        return NNINIT_OK;
    float *values = mem_array(context, largest, sizeof *values);
    nninit_status status = values ? model_arena(&common, model) : NNINIT_ERR_MEMORY;
    for (int i = 0; i < model->parameter_count && status == NNINIT_OK; i++) {
        status = storage_read(model->parameters[i]->storage, values);
        if (status == NNINIT_OK)
            status = arena_write(common, i, values);
    }
    for (int i = 0; i < model->parameter_count && status == NNINIT_OK; i++)
        storage_move_to_arena(model->parameters[i]->storage, common, i);
    arena_drop(common);
    mem_free(context, values);
    return status;
}

/* Views of the gradient arena, once a model. */
static nninit_status make_gradient_views(nninit_layer *model) {
    nninit_context *context = model->object.context;
    if (model->gradients)
        return NNINIT_OK;
    nninit_tensor **views = mem_array(context, model->parameter_count, sizeof *views);
    nninit_status status = views ? NNINIT_OK : NNINIT_ERR_MEMORY;
    for (int i = 0; i < model->parameter_count && status == NNINIT_OK; i++) {
        const nninit_tensor *parameter = model->parameters[i];
        struct storage *storage =
            storage_in_arena(model->gradient_arena, i, parameter->storage->rows, parameter->storage->cols);
        status = storage ? tensor_view(&views[i], storage, parameter->name, parameter->shape, parameter->rank)
                         : NNINIT_ERR_MEMORY;
        object_drop(storage);
    }
    if (status < 0) {
        for (int i = 0; views && i < model->parameter_count; i++)
            object_drop(views[i]);
        mem_free(context, views);
        return status;
    }
    model->gradients = views;
    return NNINIT_OK;
}

/* True if the program stores gradients: not where each of them is fused with its update. */
static bool stores_gradients(const struct program *program) {
    for (int n = 0; n < program->node_count; n++)
        for (int i = 0; i < NODE_OUTPUTS; i++) {
            int v = program->nodes[n].out[i];
            if (v >= 0 && program->values[v].place == PLACE_ARENA && program->values[v].arena == ARENA_GRADIENTS)
                return true;
        }
    return false;
}

static nninit_status claim_arenas(struct session *s, nninit_layer *model, const struct program *program) {
    nninit_status status = NNINIT_OK;
    if (model->parameter_count)
        s->values = arena_claim(model->parameters[0]->storage->arena);
    if (stores_gradients(program)) {
        if (!model->gradient_arena)
            status = model_arena(&model->gradient_arena, model);
        if (status == NNINIT_OK && s->request.mode == SESSION_GRADIENT)
            status = make_gradient_views(model);
        s->gradients = arena_claim(model->gradient_arena);
    }
    if (s->request.optimizer) {
        s->m = arena_claim(s->request.optimizer->m);
        s->v = arena_claim(s->request.optimizer->v);
    }
    return status;
}

static struct memory *memory_of(const struct arena *arena) {
    return arena ? arena->memory : NULL;
}

static nninit_status prepare(struct emission *e, int *dy) {
    struct session *s = e->session;
    nninit_context *context = s->context;
    layer_leaves(e->model, e->leaves);
    emit_program(e, dy);
    if (e->program.status < 0)
        return e->program.status;
    if (!s->request.keep) /* a fused node does not store what is between its parts */
        program_fuse(&e->program, context->executor->has);
    nninit_status status = claim_arenas(s, e->model, &e->program);
    if (status < 0)
        return status;
    struct memory *const memories[ARENA_COUNT] = {memory_of(s->values), memory_of(s->gradients), memory_of(s->m),
                                                  memory_of(s->v)};
    status = context->executor->prepare(&s->exec, context->device, &e->program, memories);
    if (status < 0)
        return status;
    s->labels = mem_array(context, s->request.rows, sizeof *s->labels);
    s->numbers = mem_array(context, s->request.rows, sizeof *s->numbers);
    s->tables = mem_array(context, (1 + OPTIMIZER_SLOTS) * s->steps, sizeof *s->tables);
    if (!s->labels || !s->numbers || !s->tables)
        return NNINIT_ERR_MEMORY;
    for (int64_t i = 0; i < s->request.rows; i++)
        s->numbers[i] = (int32_t)i;
    return NNINIT_OK;
}

static nninit_status session_make(struct session **out, nninit_layer *model, const struct session_request *request) {
    nninit_context *context = model->object.context;
    struct session *s = mem_alloc(context, sizeof *s);
    if (!s)
        return NNINIT_ERR_MEMORY;
    s->context = context;
    s->request = *request;
    s->target = s->cost = s->count = -1;
    struct emission e = {.model = model, .request = request, .session = s, .leaf_count = layer_leaves(model, NULL)};
    s->steps = request->mode == SESSION_TRAIN ? executor_steps(context->executor, request->rows) : 1;
    program_init(&e.program, context, s->steps);
    e.leaves = mem_array(context, e.leaf_count, sizeof *e.leaves);
    e.x = mem_array(context, 2 * ((int64_t)e.leaf_count + 1), sizeof *e.x);
    for (int i = 0; e.x && i <= e.leaf_count; i++)
        e.x[e.leaf_count + 1 + i] = -1;
    fenv_t caller;
    fpenv_enter(&caller); /* options are rounded to float on the way into nodes */
    nninit_status status = e.leaves && e.x ? prepare(&e, e.x + e.leaf_count + 1) : NNINIT_ERR_MEMORY;
    fpenv_leave(&caller);
    mem_free(context, e.leaves);
    if (request->keep)
        s->kept = e.x;
    else
        mem_free(context, e.x);
    program_finish(&e.program);
    if (status < 0) {
        session_free(s);
        return status;
    }
    *out = s;
    return NNINIT_OK;
}

static bool same_request(const struct session_request *a, const struct session_request *b) {
    return a->mode == b->mode && a->loss == b->loss && a->optimizer == b->optimizer && a->revision == b->revision &&
           a->rows == b->rows && a->element == b->element && a->divisor == b->divisor && a->count == b->count &&
           a->keep == b->keep;
}

/* Take the session for a request out of the model's list, if it is there; free those that have become useless: made for
 * another arena, or more than a model keeps. */
static struct session *take_session(nninit_layer *model, const struct session_request *request) {
    const struct arena *values = model->parameter_count ? model->parameters[0]->storage->arena : NULL;
    struct session *found = NULL;
    int kept = 0;
    for (struct session **link = &model->sessions; *link;) {
        struct session *s = *link;
        bool current = s->values == values;
        if (current && !found && same_request(&s->request, request)) {
            found = s;
            *link = s->next;
        } else if (current && kept < SESSION_LIMIT - 1) {
            kept++;
            link = &s->next;
        } else {
            *link = s->next;
            session_free(s);
        }
    }
    return found;
}

nninit_status session_get(struct session **out, nninit_layer *model, const struct session_request *request) {
    *out = NULL;
    nninit_status status = context_open(model->object.context);
    if (status == NNINIT_OK)
        status = gather_parameters(model);
    if (status < 0)
        return status;
    *out = take_session(model, request);
    if (!*out)
        status = session_make(out, model, request);
    if (status < 0)
        return status;
    (*out)->next = model->sessions;
    model->sessions = *out;
    return NNINIT_OK;
}

void sessions_free(nninit_layer *model) {
    while (model->sessions) {
        struct session *s = model->sessions;
        model->sessions = s->next;
        session_free(s);
    }
}

void sessions_forget(nninit_layer *model, const nninit_optimizer *optimizer) {
    for (struct session **link = &model->sessions; *link;) {
        struct session *s = *link;
        if (s->request.optimizer != optimizer) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        session_free(s);
    }
}

nninit_status session_bind(struct session *session, const void *x, const void *target, int64_t rows, uint64_t identity) {
    const struct executor *executor = session->context->executor;
    nninit_status status = executor->bind(session->exec, session->x, x, rows, identity);
    if (status == NNINIT_OK && session->target >= 0)
        status = executor->bind(session->exec, session->target, target, rows, identity);
    return status;
}

nninit_status session_indices(struct session *session, const int32_t *indices, int64_t steps) {
    return session->context->executor->slot_write(session->exec, session->index, 0, steps, indices);
}

nninit_status session_count_up(struct session *session) {
    return session_indices(session, session->numbers, 1);
}

static nninit_status write_tables(struct session *session, int64_t steps) {
    float *tables[OPTIMIZER_SLOTS];
    for (int i = 0; i < OPTIMIZER_SLOTS; i++)
        tables[i] = session->tables + (1 + i) * session->steps;
    optimizer_tables(session->request.optimizer, steps, tables);
    nninit_status status = NNINIT_OK;
    for (int i = 0; i < OPTIMIZER_SLOTS && status == NNINIT_OK; i++)
        if (session->slots[i] >= 0)
            status = session->context->executor->slot_write(session->exec, session->slots[i], 0, steps, tables[i]);
    return status;
}

nninit_status session_run(struct session *session, int64_t steps, int64_t *done) {
    nninit_optimizer *optimizer = session->request.optimizer;
    fenv_t caller;
    *done = 0;
    fpenv_enter(&caller);
    nninit_status status = optimizer ? write_tables(session, steps) : NNINIT_OK;
    if (status == NNINIT_OK)
        status = session->context->executor->run(session->exec, PHASE_ALL, 0, steps, done);
    if (optimizer)
        optimizer_advance(optimizer, *done);
    fpenv_leave(&caller);
    return status;
}

nninit_status session_costs(struct session *session, int64_t steps, const float **costs) {
    *costs = session->tables;
    return session->context->executor->slot_read(session->exec, session->cost, 0, steps, session->tables);
}
