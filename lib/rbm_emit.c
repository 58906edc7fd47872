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

/* One node from x and y to a new buffer of that size. */
static int apply(struct rbm_emission *e, enum kind kind, int x, int y, int64_t rows, int64_t cols) {
    int out = buffer(e, rows, cols);
    program_emit(&e->program, PHASE_FORWARD, kind, x, y, out);
    return out;
}

static int random_values(struct rbm_emission *e, bool normal, int64_t rows, int64_t cols) {
    struct program *p = &e->program;
    struct rbm_run *run = e->run;
    int y = buffer(e, rows, cols);
    struct rbm_draw draw = {.normal = normal, .rows = rows, .cols = cols, .data = -1};
    if (run->request.philox) {
        draw.slot = program_slot(p, ELEMENT_I32, 4);
        program_emit(p, PHASE_SOURCE, normal ? KIND_PHILOX_NORMAL : KIND_PHILOX_UNIFORM, draw.slot, -1, y);
    } else {
        draw.data = program_data(p, ELEMENT_F32, cols);
        draw.slot = program_slot(p, ELEMENT_I32, rows);
        program_emit(p, PHASE_SOURCE, KIND_GATHER_F32, draw.data, draw.slot, y);
    }
    run->draws[run->draw_count++] = draw;
    return y;
}

static int source(struct rbm_emission *e, int64_t cols) {
    struct program *p = &e->program;
    const struct rbm_request *r = &e->run->request;
    int y = buffer(e, r->rows, cols);
    e->run->x = program_data(p, r->element, cols);
    e->run->index = program_slot(p, ELEMENT_I32, r->rows);
    program_emit(p, PHASE_SOURCE, r->element == ELEMENT_U8 ? KIND_GATHER_U8 : KIND_GATHER_F32, e->run->x, e->run->index, y)
        ->arg.number = r->divisor;
    return y;
}

/* What hidden units get from visible ones. */
static int hidden_input(struct rbm_emission *e, int v, int64_t rows) {
    int y = apply(e, KIND_GEMM_NT, v, tensor(e, ARENA_VALUES, RBM_WEIGHT), rows, e->run->rbm->hidden);
    program_emit(&e->program, PHASE_FORWARD, KIND_BIAS, y, tensor(e, ARENA_VALUES, RBM_HIDDEN_BIAS), y);
    return y;
}

static int hidden_means(struct rbm_emission *e, int v, int64_t rows) {
    return apply(e, KIND_SIGMOID, hidden_input(e, v, rows), -1, rows, e->run->rbm->hidden);
}

static int visible_input(struct rbm_emission *e, int h, int64_t rows) {
    int y = apply(e, KIND_GEMM_NN, h, tensor(e, ARENA_VALUES, RBM_WEIGHT), rows, e->run->rbm->visible);
    program_emit(&e->program, PHASE_FORWARD, KIND_BIAS, y, tensor(e, ARENA_VALUES, RBM_VISIBLE_BIAS), y);
    return y;
}

/* A node for the labels among visible units, if there are any: it writes them to y, whose other columns stay. */
static void labels(struct rbm_emission *e, enum kind kind, int in0, int in1, int y) {
    if (rbm_option(e->run->rbm, NNINIT_RBM_LABELS) > 0)
        program_emit(&e->program, PHASE_FORWARD, kind, in0, in1, y)->arg.first = rbm_features(e->run->rbm);
}

static int means_from_input(struct rbm_emission *e, int input, int64_t rows) {
    const nninit_rbm *rbm = e->run->rbm;
    int y = rbm->units == NNINIT_RBM_GAUSSIAN ? input : apply(e, KIND_SIGMOID, input, -1, rows, rbm->visible);
    labels(e, KIND_SOFTMAX, input, -1, y);
    return y;
}

static int visible_means(struct rbm_emission *e, int h, int64_t rows) {
    return means_from_input(e, visible_input(e, h, rows), rows);
}

static int sample(struct rbm_emission *e, int means, int64_t rows, int64_t cols) {
    return apply(e, KIND_LESS, random_values(e, false, rows, cols), means, rows, cols);
}

static int hidden_sample(struct rbm_emission *e, int means, int64_t rows) {
    return sample(e, means, rows, e->run->rbm->hidden);
}

/* y: where to; -1: to a new buffer, which is returned. */
static int visible_sample(struct rbm_emission *e, int means, int64_t rows, int y) {
    const nninit_rbm *rbm = e->run->rbm;
    const bool gaussian = rbm->units == NNINIT_RBM_GAUSSIAN;
    int u = random_values(e, gaussian, rows, rbm->visible);
    y = y < 0 ? buffer(e, rows, rbm->visible) : y;
    program_emit(&e->program, PHASE_FORWARD, gaussian ? KIND_ADD : KIND_LESS, u, means, y);
    if (gaussian && rbm_option(rbm, NNINIT_RBM_LABELS) > 0)
        u = random_values(e, false, rows, rbm->visible);
    labels(e, KIND_PICK, u, means, y);
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

/* The negative phase's statistics. */
struct negative {
    int h, v;
};

/* CD-k: k reconstructions, from the data's hidden states on. */
static struct negative reconstructions(struct rbm_emission *e, int v0, int states) {
    const nninit_rbm *rbm = e->run->rbm;
    const int64_t rows = e->run->request.rows, steps = rbm_option(rbm, NNINIT_RBM_CD_STEPS);
    struct negative n = {states, -1};
    for (int64_t k = 0; k < steps; k++) {
        int means = visible_means(e, n.h, rows);
        if (k == 0)
            e->run->cost = mean(e, apply(e, KIND_SQUARED_ERROR, v0, means, rows, rbm->visible));
        n.v = rbm->option[NNINIT_RBM_SAMPLE_VISIBLE] != 0 ? visible_sample(e, means, rows, -1) : means;
        n.h = hidden_means(e, n.v, rows);
        if (k + 1 < steps && rbm->option[NNINIT_RBM_SAMPLE_HIDDEN] != 0)
            n.h = hidden_sample(e, n.h, rows);
    }
    return n;
}

/* PCD-k: k steps of the chains, whose states are hidden ones. */
static struct negative persistent(struct rbm_emission *e) {
    const nninit_rbm *rbm = e->run->rbm;
    const int64_t rows = rbm_option(rbm, NNINIT_RBM_CHAINS), steps = rbm_option(rbm, NNINIT_RBM_CD_STEPS);
    e->run->state = program_state(&e->program, rows, rbm->hidden);
    struct negative n = {e->run->state, -1};
    int states = e->run->state;
    for (int64_t k = 0; k < steps; k++) {
        n.v = visible_sample(e, visible_means(e, states, rows), rows, -1);
        n.h = hidden_means(e, n.v, rows);
        if (k + 1 < steps)
            states = hidden_sample(e, n.h, rows);
    }
    int u = random_values(e, false, rows, rbm->hidden);
    program_emit(&e->program, PHASE_FORWARD, KIND_LESS, u, n.h, e->run->state);
    return n;
}

static void training(struct rbm_emission *e) {
    const nninit_rbm *rbm = e->run->rbm;
    const int64_t rows = e->run->request.rows;
    const bool chains = rbm->option[NNINIT_RBM_CHAINS] != 0, positive = rbm->option[NNINIT_RBM_SAMPLE_POSITIVE] != 0;
    const bool driven = !chains && rbm->option[NNINIT_RBM_SAMPLE_HIDDEN] != 0; /* by sampled states */
    int v = source(e, rbm->visible);
    if (rbm->option[NNINIT_RBM_BINARIZE] != 0)
        v = sample(e, v, rows, rbm->visible);
    int input = hidden_input(e, v, rows), means = apply(e, KIND_SIGMOID, input, -1, rows, rbm->hidden);
    int states = positive || driven ? hidden_sample(e, means, rows) : means;
    mean(e, input); /* infinite weights give probabilities of 0 and 1, which are finite */
    if (chains)
        e->run->cost = mean(e, means);
    struct negative n = chains ? persistent(e) : reconstructions(e, v, driven ? states : means);
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
    const int64_t rows = run->request.rows, cols = run->rbm->visible;
    run->state = program_state(p, rows, cols);
    run->fixed = program_state(p, rows, cols);
    run->output = program_state(p, rows, cols);
    int means = visible_means(e, hidden_sample(e, hidden_means(e, run->state, rows), rows), rows);
    int next = visible_sample(e, means, rows, -1);
    program_emit(p, PHASE_FORWARD, KIND_SELECT, run->fixed, run->state, run->output)->in[2] = means;
    program_emit(p, PHASE_FORWARD, KIND_SELECT, run->fixed, run->state, run->state)->in[2] = next;
}

/* Between distributions of exp(base.v + beta difference.v) times the hidden units' factors at beta: the logarithms of both
 * weights are differences of `sum`, `old_sum` and beta `linear`; then a Gibbs step at beta. */
static void annealing(struct rbm_emission *e) {
    struct program *p = &e->program;
    struct rbm_run *run = e->run;
    const int64_t rows = run->request.rows, visible = run->rbm->visible, hidden = run->rbm->hidden;
    const int difference = program_tensor(p, ARENA_M, AIS_DIFFERENCE, visible, 1);
    const int base = program_tensor(p, ARENA_M, AIS_BASE, visible, 1);
    run->state = program_state(p, rows, visible);
    run->old_beta = program_slot(p, ELEMENT_F32, 1);
    run->beta = program_slot(p, ELEMENT_F32, 1);
    run->linear = apply(e, KIND_GEMM_NT, run->state, program_tensor(p, ARENA_M, AIS_DIFFERENCE_ROW, 1, visible), rows, 1);
    int input = hidden_input(e, run->state, rows), scaled = apply(e, KIND_SCALE, input, run->beta, rows, hidden);
    run->old_sum = apply(e, KIND_SOFTPLUS_SUM, apply(e, KIND_SCALE, input, run->old_beta, rows, hidden), -1, rows, 1);
    run->sum = apply(e, KIND_SOFTPLUS_SUM, scaled, -1, rows, 1);
    int h = hidden_sample(e, apply(e, KIND_SIGMOID, scaled, -1, rows, hidden), rows);
    int back = apply(e, KIND_GEMM_NN, h, tensor(e, ARENA_VALUES, RBM_WEIGHT), rows, visible);
    program_emit(p, PHASE_FORWARD, KIND_BIAS, back, difference, back);
    back = apply(e, KIND_SCALE, back, run->beta, rows, visible);
    program_emit(p, PHASE_FORWARD, KIND_BIAS, back, base, back);
    visible_sample(e, means_from_input(e, back, rows), rows, run->state);
}

void rbm_emit(struct rbm_emission *e) {
    struct rbm_run *run = e->run;
    const int64_t rows = run->request.rows;
    switch (run->request.mode) {
    case RBM_TRAIN: training(e); break;
    case RBM_UP: run->output = hidden_means(e, source(e, run->rbm->visible), rows); break;
    case RBM_UP_SAMPLE:
        run->output = hidden_sample(e, hidden_means(e, source(e, run->rbm->visible), rows), rows);
        break;
    case RBM_DOWN: run->output = visible_means(e, source(e, run->rbm->hidden), rows); break;
    case RBM_RECONSTRUCT:
        run->visible = source(e, run->rbm->visible);
        run->output = visible_input(e, hidden_means(e, run->visible, rows), rows);
        break;
    case RBM_GIBBS: gibbs(e); break;
    case RBM_AIS: annealing(e); break;
    }
}
