/* SPDX-License-Identifier: MIT */
/* How a program's nodes are cut for threads, and where these must wait for each other. Forward, loss and the gradients of
 * activations stay within rows of the batch, the gradients of weights and their updates within inputs of the weight, so
 * that a step needs few barriers. A weight that is multiplied with data only, the first layer's, is cut by outputs
 * throughout: its parts then never leave the core that works on them, which matters where cores are far apart. */
#include "cpu.h"

static struct slice whole_of(const struct task *task) {
    const struct operand *out = &task->out[0], *w = &task->in[1];
    switch (task->kind) {
    case KIND_GEMM_NT:
    case KIND_LINEAR:
    case KIND_LINEAR_RELU:
        return (struct slice){.b_end = out->rows, .o_end = w->rows};
    case KIND_GEMM_NN:
    case KIND_GEMM_NN_RELU_GRADIENT:
        return (struct slice){.b_end = out->rows, .i_end = w->cols};
    case KIND_GEMM_TN:
    case KIND_GEMM_TN_ADAM:
    case KIND_GEMM_TN_CONTRAST:
    case KIND_SGD:
    case KIND_ADAM:
    case KIND_CONTRAST:
    case KIND_SPARSITY:
    case KIND_MAX_NORM:
    case KIND_COLUMN_SUM:
        return (struct slice){.i_end = out->cols, .o_end = out->rows};
    default:
        return (struct slice){.b_end = out->rows};
    }
}

int64_t plan_multiplications(const struct task *task) {
    switch (task->kind) {
    case KIND_GEMM_NT:
    case KIND_LINEAR:
    case KIND_LINEAR_RELU:
    case KIND_GEMM_NN:
    case KIND_GEMM_NN_RELU_GRADIENT:
        return task->out[0].rows * task->in[1].rows * task->in[1].cols;
    case KIND_GEMM_TN:
    case KIND_GEMM_TN_ADAM:
        return task->in[0].rows * task->out[0].rows * task->out[0].cols;
    case KIND_GEMM_TN_CONTRAST:
        return (task->in[0].rows + task->in[2].rows) * task->out[0].rows * task->out[0].cols;
    default:
        return 0;
    }
}

/* The last earlier task whose first output is x. */
static const struct stage *writer(const struct plan *plan, int before, const struct operand *x) {
    for (int n = before - 1; n >= 0; n--)
        if (plan->stages[n].task->out[0].data == x->data)
            return &plan->stages[n];
    return NULL;
}

static bool is_source(const struct plan *plan, int before, const struct operand *x) {
    const struct stage *from = writer(plan, before, x);
    return from && (from->task->kind == KIND_GATHER_U8 || from->task->kind == KIND_GATHER_F32);
}

/* Do the outputs fill all threads about equally? */
static bool outputs_share_well(const struct slice *whole, int threads) {
    int64_t groups = (whole->o_end + GROUP - 1) / GROUP;
    return groups >= 4 * threads || groups % threads == 0;
}

static enum axis choose_axis(const struct plan *plan, int n, const struct task *task, const struct slice *whole,
                             int threads) {
    const struct stage *from;
    switch (task->kind) {
    case KIND_GEMM_NT:
    case KIND_LINEAR:
    case KIND_LINEAR_RELU:
        return (whole->b_end < threads || is_source(plan, n, &task->in[0])) && outputs_share_well(whole, threads)
                   ? AXIS_OUTPUTS
                   : AXIS_BATCH;
    case KIND_GEMM_NN:
    case KIND_GEMM_NN_RELU_GRADIENT:
        return whole->b_end < threads ? AXIS_INPUTS : AXIS_BATCH;
    case KIND_GEMM_TN:
    case KIND_GEMM_TN_ADAM:
    case KIND_GEMM_TN_CONTRAST:
        return is_source(plan, n, &task->in[1]) && outputs_share_well(whole, threads) ? AXIS_OUTPUTS : AXIS_INPUTS;
    case KIND_COLUMN_SUM:
    case KIND_SPARSITY:
    case KIND_MAX_NORM:
        return AXIS_OUTPUTS;
    case KIND_SGD:
    case KIND_ADAM:
    case KIND_CONTRAST:
        from = writer(plan, n, &task->in[0]);
        return from ? from->axis : AXIS_INPUTS;
    case KIND_MEAN:
    case KIND_COUNT_EQUAL:
        return AXIS_WHOLE;
    default:
        return AXIS_BATCH;
    }
}

static struct stage make_stage(const struct plan *plan, int n, struct task *task, int threads) {
    struct stage s = {.task = task, .unit = 1, .units = 1, .whole = whole_of(task)};
    s.axis = choose_axis(plan, n, task, &s.whole, threads);
    if (s.axis == AXIS_OUTPUTS || task->kind == KIND_GEMM_NN || task->kind == KIND_GEMM_NN_RELU_GRADIENT)
        s.unit = GROUP; /* what is written of a row must be whole groups */
    if (s.axis == AXIS_BATCH)
        s.unit = 1;
    int64_t size = s.axis == AXIS_BATCH ? s.whole.b_end : s.axis == AXIS_INPUTS ? s.whole.i_end : s.whole.o_end;
    if (s.axis != AXIS_WHOLE)
        s.units = (size + s.unit - 1) / s.unit;
    if (s.units == 1)
        s.axis = AXIS_WHOLE;
    return s;
}

static void cut(const struct stage *stage, int thread, int threads, int64_t *begin, int64_t *end) {
    int64_t size = *end;
    *begin = stage->units * thread / threads * stage->unit;
    *end = least(stage->units * (thread + 1) / threads * stage->unit, size);
}

bool plan_slice(const struct stage *stage, int thread, int threads, struct slice *s) {
    *s = stage->whole;
    switch (stage->axis) {
    case AXIS_BATCH:
        cut(stage, thread, threads, &s->b, &s->b_end);
        return s->b < s->b_end;
    case AXIS_INPUTS:
        cut(stage, thread, threads, &s->i, &s->i_end);
        return s->i < s->i_end;
    case AXIS_OUTPUTS:
        cut(stage, thread, threads, &s->o, &s->o_end);
        return s->o < s->o_end;
    default:
        return thread == threads - 1;
    }
}

/* Does a slice of the stage touch only its own part of this operand? */
static bool is_local(const struct stage *stage, const struct operand *operand) {
    bool arena = operand->place == PLACE_ARENA;
    return (stage->axis == AXIS_BATCH && operand_is_batch(operand) && operand->rows == stage->whole.b_end) ||
           (stage->axis == AXIS_INPUTS && arena && operand->cols == stage->whole.i_end) ||
           (stage->axis == AXIS_OUTPUTS && arena && operand->rows == stage->whole.o_end);
}

/* Must b wait for a because of operands x of a and y of b? */
static bool operands_clash(const struct stage *a, const struct operand *x, const struct stage *b,
                           const struct operand *y) {
    if (!x->data || x->data != y->data || x->place == PLACE_DATA || x->place == PLACE_SLOT)
        return false;
    bool same_cut = a->axis == b->axis && a->unit == b->unit && a->units == b->units;
    return !(same_cut && is_local(a, x) && is_local(b, y)) && !(a->axis == AXIS_WHOLE && b->axis == AXIS_WHOLE);
}

static bool stages_clash(const struct stage *a, const struct stage *b) {
    for (int o = 0; o < NODE_OUTPUTS; o++) {
        for (int i = 0; i < NODE_INPUTS; i++)
            if (operands_clash(a, &a->task->out[o], b, &b->task->in[i]) ||
                operands_clash(a, &a->task->in[i], b, &b->task->out[o]))
                return true;
        for (int p = 0; p < NODE_OUTPUTS; p++)
            if (operands_clash(a, &a->task->out[o], b, &b->task->out[p]))
                return true;
    }
    return false;
}

static void place_barriers(struct plan *plan) {
    int since = 0; /* the first stage after the last barrier */
    for (int n = 0; n < plan->count; n++) {
        struct stage *stage = &plan->stages[n];
        for (int k = since; k < n && !stage->barrier; k++)
            stage->barrier = stages_clash(&plan->stages[k], stage);
        if (stage->barrier)
            since = n;
    }
}

static void at_least(int64_t *size, int64_t needed) {
    *size = needed > *size ? needed : *size;
}

/* What a kernel of this task needs of a thread. */
static void measure(const struct task *task, int64_t *strip, int64_t *list) {
    const struct operand *a = &task->in[0], *b = &task->in[1];
    switch (task->kind) {
    case KIND_GEMM_NN:
    case KIND_GEMM_NN_RELU_GRADIENT:
        at_least(strip, round_up(b->rows, GROUP) * PANEL);
        at_least(list, least(a->rows, NN_ROWS) * lists_size(a->cols));
        break;
    case KIND_GEMM_NT:
    case KIND_LINEAR:
    case KIND_LINEAR_RELU:
        at_least(list, least(a->rows, NT_ROWS) * lists_size(a->cols));
        break;
    case KIND_GEMM_TN:
    case KIND_GEMM_TN_ADAM:
        at_least(strip, tn_strip(b->rows));
        at_least(list, tn_list(b->rows));
        break;
    case KIND_GEMM_TN_CONTRAST:
        at_least(strip, tn_strip(b->rows) + tn_strip(task->in[3].rows));
        at_least(list, tn_list(b->rows) + tn_list(task->in[3].rows));
        break;
    default:
        break;
    }
}

static nninit_status make_workspaces(struct plan *plan, const struct host *host, int threads,
                                     const struct limits *limits) {
    int64_t strip = 16, list = 64;
    for (int n = 0; n < plan->count; n++)
        measure(plan->stages[n].task, &strip, &list);
    list = round_up(list, 64);
    plan->work = host->alloc(host->context, (size_t)threads * sizeof *plan->work);
    plan->strips = host->alloc(host->context, (size_t)(strip * threads) * sizeof *plan->strips);
    plan->lists = host->alloc(host->context, (size_t)(list * threads));
    if (!plan->work || !plan->strips || !plan->lists)
        return NNINIT_ERR_MEMORY;
    for (int t = 0; t < threads; t++)
        plan->work[t] = (struct workspace){plan->strips + t * strip, plan->lists + t * list, *limits};
    return NNINIT_OK;
}

nninit_status plan_create(struct plan *plan, const struct host *host, const struct exec *exec, int threads,
                          const struct limits *limits) {
    plan->stages = host->alloc(host->context, (size_t)exec->task_count * sizeof *plan->stages);
    if (!plan->stages)
        return NNINIT_ERR_MEMORY;
    for (; plan->count < exec->task_count; plan->count++)
        plan->stages[plan->count] = make_stage(plan, plan->count, &exec->tasks[plan->count], threads);
    place_barriers(plan);
    return make_workspaces(plan, host, threads, limits);
}

void plan_finish(struct plan *plan, const struct host *host) {
    host->free(host->context, plan->work);
    host->free(host->context, plan->strips);
    host->free(host->context, plan->lists);
    host->free(host->context, plan->stages);
}
