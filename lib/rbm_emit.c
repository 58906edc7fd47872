/* SPDX-License-Identifier: MIT */
/* The nodes of restricted Boltzmann machines. */
#include "rbm_emit.h"

/* One value for each tensor, whoever asks for it: nodes are fused where they share values. */
static int tensor(struct rbm_emission *e, enum arena_role role, int which) {
    const nninit_rbm *rbm = e->run->rbm;
    const int64_t rows = which == RBM_VISIBLE_BIAS ? rbm->visible : rbm->hidden;
    int *value = &e->tensors[role][which];
    if (*value == 0)
        *value = 1 + program_tensor(&e->program, role, which, rows, which == RBM_WEIGHT ? rbm->visible : 1);
    return *value - 1;
}

static int buffer(struct rbm_emission *e, int64_t rows, int64_t cols) {
    return program_buffer(&e->program, ELEMENT_F32, rows, cols);
}

/* The buffers of one phase, made when they are first written. The k steps of a phase share them, so that they stay in the
 * cache and a program does not grow with k. */
struct phase_buffers {
    int64_t rows;
    struct side_buffers {
        int64_t cols;
        int input, means, random, states; /* values, and 1; 0: not made yet */
    } visible, hidden;
};

static struct phase_buffers phase_buffers(const struct rbm_emission *e, int64_t rows) {
    return (struct phase_buffers){rows, {.cols = e->run->rbm->visible}, {.cols = e->run->rbm->hidden}};
}

static int once(struct rbm_emission *e, int *value, int64_t rows, int64_t cols) {
    if (*value == 0)
        *value = 1 + buffer(e, rows, cols);
    return *value - 1;
}

static void emit(struct rbm_emission *e, enum kind kind, int in0, int in1, int out) {
    program_emit(&e->program, PHASE_FORWARD, kind, in0, in1, out);
}

/* Uniform or normal numbers to y. */
static void draw(struct rbm_emission *e, bool normal, int64_t rows, int64_t cols, int y) {
    struct program *p = &e->program;
    struct rbm_run *run = e->run;
    struct rbm_draw draw = {.normal = normal, .rows = rows, .cols = cols, .data = -1};
    if (run->request.philox) {
        draw.slot = program_slot(p, ELEMENT_I32, 4);
        emit(e, normal ? KIND_PHILOX_NORMAL : KIND_PHILOX_UNIFORM, draw.slot, -1, y);
    } else {
        draw.data = program_data(p, ELEMENT_F32, cols);
        draw.slot = program_slot(p, ELEMENT_I32, rows);
        emit(e, KIND_GATHER_F32, draw.data, draw.slot, y);
    }
    run->draws[run->draw_count++] = draw;
}

static int source(struct rbm_emission *e, int64_t cols) {
    struct program *p = &e->program;
    const struct rbm_request *r = &e->run->request;
    int y = buffer(e, r->rows, cols);
    e->run->x = program_data(p, r->element, cols);
    e->run->index = program_slot(p, ELEMENT_I32, r->rows);
    const enum kind kind = r->element == ELEMENT_U8 ? KIND_GATHER_U8 : KIND_GATHER_F32;
    program_emit(p, PHASE_SOURCE, kind, e->run->x, e->run->index, y)->arg.number = r->divisor;
    return y;
}

/* What hidden units get from visible ones. */
static int hidden_input(struct rbm_emission *e, struct phase_buffers *b, int v) {
    int y = once(e, &b->hidden.input, b->rows, b->hidden.cols);
    emit(e, KIND_GEMM_NT, v, tensor(e, ARENA_VALUES, RBM_WEIGHT), y);
    emit(e, KIND_BIAS, y, tensor(e, ARENA_VALUES, RBM_HIDDEN_BIAS), y);
    return y;
}

static int hidden_means(struct rbm_emission *e, struct phase_buffers *b, int v) {
    int y = once(e, &b->hidden.means, b->rows, b->hidden.cols);
    emit(e, KIND_SIGMOID, hidden_input(e, b, v), -1, y);
    return y;
}

static int visible_input(struct rbm_emission *e, struct phase_buffers *b, int h) {
    int y = once(e, &b->visible.input, b->rows, b->visible.cols);
    emit(e, KIND_GEMM_NN, h, tensor(e, ARENA_VALUES, RBM_WEIGHT), y);
    emit(e, KIND_BIAS, y, tensor(e, ARENA_VALUES, RBM_VISIBLE_BIAS), y);
    return y;
}

/* A node for the labels among visible units, if there are any: it writes them to y, whose other columns stay. */
static void labels(struct rbm_emission *e, enum kind kind, int in0, int in1, int y) {
    if (rbm_option(e->run->rbm, NNINIT_RBM_LABELS) > 0)
        program_emit(&e->program, PHASE_FORWARD, kind, in0, in1, y)->arg.first = rbm_features(e->run->rbm);
}

static int means_from_input(struct rbm_emission *e, struct phase_buffers *b, int input) {
    const bool gaussian = e->run->rbm->units == NNINIT_RBM_GAUSSIAN;
    int y = gaussian ? input : once(e, &b->visible.means, b->rows, b->visible.cols);
    if (!gaussian)
        emit(e, KIND_SIGMOID, input, -1, y);
    labels(e, KIND_SOFTMAX, input, -1, y);
    return y;
}

static int visible_means(struct rbm_emission *e, struct phase_buffers *b, int h) {
    return means_from_input(e, b, visible_input(e, b, h));
}

/* States of Bernoulli units to y. */
static void sample_to(struct rbm_emission *e, int64_t rows, struct side_buffers *b, int means, int y) {
    int u = once(e, &b->random, rows, b->cols);
    draw(e, false, rows, b->cols, u);
    emit(e, KIND_LESS, u, means, y);
}

static int hidden_states(struct rbm_emission *e, struct phase_buffers *b, int means) {
    int y = once(e, &b->hidden.states, b->rows, b->hidden.cols);
    sample_to(e, b->rows, &b->hidden, means, y);
    return y;
}

static void visible_states_to(struct rbm_emission *e, struct phase_buffers *b, int means, int y) {
    const nninit_rbm *rbm = e->run->rbm;
    int u = once(e, &b->visible.random, b->rows, b->visible.cols);
    if (rbm->units == NNINIT_RBM_GAUSSIAN) {
        draw(e, true, b->rows, b->visible.cols, u);
        emit(e, KIND_ADD, u, means, y);
        if (rbm_option(rbm, NNINIT_RBM_LABELS) > 0)
            draw(e, false, b->rows, b->visible.cols, u);
    } else {
        sample_to(e, b->rows, &b->visible, means, y);
    }
    labels(e, KIND_PICK, u, means, y);
}

static int visible_states(struct rbm_emission *e, struct phase_buffers *b, int means) {
    int y = once(e, &b->visible.states, b->rows, b->visible.cols);
    visible_states_to(e, b, means, y);
    return y;
}

/* The mean of what must stay finite; returned as a slot. */
static int mean(struct rbm_emission *e, int x) {
    int slot = program_slot(&e->program, ELEMENT_F32, 1);
    program_emit(&e->program, PHASE_LOSS, KIND_MEAN, x, -1, slot);
    return slot;
}

/* A parameter's step from both phases' sums. */
static void update(struct rbm_emission *e, int which) {
    struct program *p = &e->program;
    int rates = which == RBM_WEIGHT ? e->run->weight_rates : e->run->bias_rates;
    struct node *node = program_emit(p, PHASE_UPDATE, KIND_CONTRAST, tensor(e, ARENA_GRADIENTS, which),
                                     tensor(e, ARENA_NEGATIVE, which), tensor(e, ARENA_VALUES, which));
    node->in[2] = rates;
    node->out[1] = tensor(e, ARENA_M, which);
}

static void weight_step(struct rbm_emission *e, int h, int v, int model_h, int model_v) {
    struct program *p = &e->program;
    program_emit(p, PHASE_BACKWARD, KIND_GEMM_TN, h, v, tensor(e, ARENA_GRADIENTS, RBM_WEIGHT));
    program_emit(p, PHASE_BACKWARD, KIND_GEMM_TN, model_h, model_v, tensor(e, ARENA_NEGATIVE, RBM_WEIGHT));
    update(e, RBM_WEIGHT);
    const float limit = (float)e->run->rbm->option[NNINIT_RBM_MAX_NORM];
    if (limit > 0)
        program_emit(p, PHASE_UPDATE, KIND_MAX_NORM, -1, -1, tensor(e, ARENA_VALUES, RBM_WEIGHT))->arg.number = limit;
}

static void bias_step(struct rbm_emission *e, int which, int x, int model_x) {
    program_emit(&e->program, PHASE_BACKWARD, KIND_COLUMN_SUM, x, -1, tensor(e, ARENA_GRADIENTS, which));
    program_emit(&e->program, PHASE_BACKWARD, KIND_COLUMN_SUM, model_x, -1, tensor(e, ARENA_NEGATIVE, which));
    update(e, which);
}

/* Hidden values of the positive statistics, pulled to the sparsity target: adding to each of them what SPARSITY gives adds
 * rows x that to the sums of biases, and that x sums of v to those of weights. */
static int with_sparsity(struct rbm_emission *e, int h) {
    const nninit_rbm *rbm = e->run->rbm;
    struct program *p = &e->program;
    const int64_t rows = e->run->request.rows;
    if (rbm->option[NNINIT_RBM_SPARSITY_COST] == 0)
        return h;
    int sum = tensor(e, ARENA_GRADIENTS, RBM_HIDDEN_BIAS), pull = tensor(e, ARENA_GRADIENTS, RBM_SPARSITY);
    program_emit(p, PHASE_BACKWARD, KIND_COLUMN_SUM, h, -1, sum);
    struct node *node = program_emit(p, PHASE_BACKWARD, KIND_SPARSITY, sum, -1, tensor(e, ARENA_M, RBM_SPARSITY));
    node->out[1] = pull;
    const double decay = rbm->option[NNINIT_RBM_SPARSITY_DECAY];
    node->arg.sparsity = (struct law_sparsity){(float)decay, (float)(1 - decay), (float)rows,
                                               (float)rbm->option[NNINIT_RBM_SPARSITY_COST],
                                               (float)rbm->option[NNINIT_RBM_SPARSITY_TARGET]};
    int y = buffer(e, rows, rbm->hidden);
    program_emit(p, PHASE_BACKWARD, KIND_BIAS, h, pull, y);
    return y;
}

/* What sums are taken of. */
struct statistics {
    int h, v;
};

/* CD-k: k reconstructions, from the data's hidden states on. */
static struct statistics reconstructions(struct rbm_emission *e, int data, int states) {
    const nninit_rbm *rbm = e->run->rbm;
    const bool sample_visible = rbm->option[NNINIT_RBM_SAMPLE_VISIBLE] != 0, sample_hidden = rbm->option[NNINIT_RBM_SAMPLE_HIDDEN] != 0;
    const int64_t rows = e->run->request.rows, steps = rbm_option(rbm, NNINIT_RBM_CD_STEPS);
    struct phase_buffers b = phase_buffers(e, rows);
    struct statistics n = {states, -1};
    for (int64_t k = 0; k < steps; k++) {
        if (k > 0 && sample_hidden)
            n.h = hidden_states(e, &b, n.h);
        n.v = visible_means(e, &b, n.h);
        if (k == 0) {
            int error = buffer(e, rows, rbm->visible);
            program_emit(&e->program, PHASE_LOSS, KIND_SQUARED_ERROR, data, n.v, error);
            e->run->cost = mean(e, error);
        }
        if (sample_visible)
            n.v = visible_states(e, &b, n.v);
        n.h = hidden_means(e, &b, n.v);
    }
    return n;
}

/* PCD-k: k steps of the chains, whose states are hidden ones. */
static struct statistics persistent(struct rbm_emission *e) {
    const int64_t rows = rbm_option(e->run->rbm, NNINIT_RBM_CHAINS), steps = rbm_option(e->run->rbm, NNINIT_RBM_CD_STEPS);
    struct phase_buffers b = phase_buffers(e, rows);
    struct statistics n = {-1, -1};
    e->run->state = program_state(&e->program, rows, b.hidden.cols);
    for (int64_t k = 0; k < steps; k++) {
        int states = k == 0 ? e->run->state : hidden_states(e, &b, n.h);
        n.v = visible_states(e, &b, visible_means(e, &b, states));
        n.h = hidden_means(e, &b, n.v);
    }
    sample_to(e, rows, &b.hidden, n.h, e->run->state);
    return n;
}

static void training(struct rbm_emission *e) {
    const nninit_rbm *rbm = e->run->rbm;
    const bool chains = rbm->option[NNINIT_RBM_CHAINS] != 0, positive = rbm->option[NNINIT_RBM_SAMPLE_POSITIVE] != 0;
    const bool driven = !chains && rbm->option[NNINIT_RBM_SAMPLE_HIDDEN] != 0; /* by sampled states */
    struct phase_buffers b = phase_buffers(e, e->run->request.rows);
    int v = source(e, rbm->visible);
    if (rbm->option[NNINIT_RBM_BINARIZE] != 0) {
        int y = once(e, &b.visible.states, b.rows, b.visible.cols);
        sample_to(e, b.rows, &b.visible, v, y);
        v = y;
    }
    int means = hidden_means(e, &b, v), states = positive || driven ? hidden_states(e, &b, means) : means;
    mean(e, b.hidden.input - 1); /* infinite weights give probabilities of 0 and 1, which are finite */
    if (chains)
        e->run->cost = mean(e, means);
    struct statistics n = chains ? persistent(e) : reconstructions(e, v, driven ? states : means);
    e->run->weight_rates = program_slot(&e->program, ELEMENT_F32, sizeof(struct law_contrast) / sizeof(float));
    e->run->bias_rates = program_slot(&e->program, ELEMENT_F32, sizeof(struct law_contrast) / sizeof(float));
    int h = with_sparsity(e, positive ? states : means);
    bias_step(e, RBM_HIDDEN_BIAS, h, n.h);
    bias_step(e, RBM_VISIBLE_BIAS, v, n.v);
    weight_step(e, h, v, n.h, n.v);
}

static void gibbs(struct rbm_emission *e) {
    struct program *p = &e->program;
    struct rbm_run *run = e->run;
    struct phase_buffers b = phase_buffers(e, run->request.rows);
    run->state = program_state(p, b.rows, b.visible.cols);
    run->fixed = program_state(p, b.rows, b.visible.cols);
    run->output = program_state(p, b.rows, b.visible.cols);
    int means = visible_means(e, &b, hidden_states(e, &b, hidden_means(e, &b, run->state)));
    int next = visible_states(e, &b, means);
    program_emit(p, PHASE_FORWARD, KIND_SELECT, run->fixed, run->state, run->output)->in[2] = means;
    program_emit(p, PHASE_FORWARD, KIND_SELECT, run->fixed, run->state, run->state)->in[2] = next;
}

/* One node from x and y to a new buffer of that size. */
static int apply(struct rbm_emission *e, enum kind kind, int x, int y, int64_t rows, int64_t cols) {
    int out = buffer(e, rows, cols);
    emit(e, kind, x, y, out);
    return out;
}

/* Between distributions of exp(base.v + beta difference.v) times the hidden units' factors at beta: the logarithms of both
 * weights are differences of `sum`, `old_sum` and beta `linear`; then a Gibbs step at beta. */
static void annealing(struct rbm_emission *e) {
    struct program *p = &e->program;
    struct rbm_run *run = e->run;
    struct phase_buffers b = phase_buffers(e, run->request.rows);
    const int64_t rows = b.rows, visible = b.visible.cols, hidden = b.hidden.cols;
    const int difference = program_tensor(p, ARENA_M, AIS_DIFFERENCE, visible, 1);
    const int base = program_tensor(p, ARENA_M, AIS_BASE, visible, 1);
    run->state = program_state(p, rows, visible);
    run->old_beta = program_slot(p, ELEMENT_F32, 1);
    run->beta = program_slot(p, ELEMENT_F32, 1);
    run->linear = apply(e, KIND_GEMM_NT, run->state, program_tensor(p, ARENA_M, AIS_DIFFERENCE_ROW, 1, visible), rows, 1);
    int input = hidden_input(e, &b, run->state), scaled = apply(e, KIND_SCALE, input, run->beta, rows, hidden);
    run->old_sum = apply(e, KIND_SOFTPLUS_SUM, apply(e, KIND_SCALE, input, run->old_beta, rows, hidden), -1, rows, 1);
    run->sum = apply(e, KIND_SOFTPLUS_SUM, scaled, -1, rows, 1);
    int h = hidden_states(e, &b, apply(e, KIND_SIGMOID, scaled, -1, rows, hidden));
    int back = apply(e, KIND_GEMM_NN, h, tensor(e, ARENA_VALUES, RBM_WEIGHT), rows, visible);
    emit(e, KIND_BIAS, back, difference, back);
    back = apply(e, KIND_SCALE, back, run->beta, rows, visible);
    emit(e, KIND_BIAS, back, base, back);
    visible_states_to(e, &b, means_from_input(e, &b, back), run->state);
}

void rbm_emit(struct rbm_emission *e) {
    struct rbm_run *run = e->run;
    struct phase_buffers b = phase_buffers(e, run->request.rows);
    switch (run->request.mode) {
    case RBM_TRAIN: training(e); break;
    case RBM_UP: run->output = hidden_means(e, &b, source(e, b.visible.cols)); break;
    case RBM_UP_SAMPLE: run->output = hidden_states(e, &b, hidden_means(e, &b, source(e, b.visible.cols))); break;
    case RBM_DOWN: run->output = visible_means(e, &b, source(e, b.hidden.cols)); break;
    case RBM_RECONSTRUCT:
        run->visible = source(e, b.visible.cols);
        run->output = visible_input(e, &b, hidden_means(e, &b, run->visible));
        break;
    case RBM_GIBBS: gibbs(e); break;
    case RBM_AIS: annealing(e); break;
    }
}
