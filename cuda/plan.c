/* SPDX-License-Identifier: MIT */
/* From nodes to launches. A kernel launch costs about a microsecond, as much as the work of a small node: so nodes of one
 * family that do not depend on each other share one, and a node moves up to an earlier launch where nothing between them
 * stands in the way. A training step of a net with L layers and Adam is 2 L + 2 launches: gather, L products forward, the loss,
 * L - 1 products backward, all updates. */
#include "device.h"

#include <string.h>

static const enum family families[KIND_COUNT] = {
    [KIND_GATHER_U8] = FAMILY_ELEMENTS,
    [KIND_GATHER_F32] = FAMILY_ELEMENTS,
    [KIND_GATHER_I32] = FAMILY_ELEMENTS,
    [KIND_GEMM_NT] = FAMILY_PRODUCT_NT,
    [KIND_BIAS] = FAMILY_ELEMENTS,
    [KIND_RELU] = FAMILY_ELEMENTS,
    [KIND_LEAKY_RELU] = FAMILY_ELEMENTS,
    [KIND_SIGMOID] = FAMILY_ELEMENTS,
    [KIND_TANH] = FAMILY_ELEMENTS,
    [KIND_RELU_GRADIENT] = FAMILY_ELEMENTS,
    [KIND_LEAKY_RELU_GRADIENT] = FAMILY_ELEMENTS,
    [KIND_SIGMOID_GRADIENT] = FAMILY_ELEMENTS,
    [KIND_TANH_GRADIENT] = FAMILY_ELEMENTS,
    [KIND_CROSS_ENTROPY] = FAMILY_ROWS,
    [KIND_CROSS_ENTROPY_GRADIENT] = FAMILY_ROWS,
    [KIND_SQUARED_ERROR] = FAMILY_ELEMENTS,
    [KIND_SQUARED_ERROR_GRADIENT] = FAMILY_ELEMENTS,
    [KIND_MEAN] = FAMILY_WHOLE,
    [KIND_GEMM_NN] = FAMILY_PRODUCT_NN,
    [KIND_GEMM_TN] = FAMILY_UPDATE,
    [KIND_COLUMN_SUM] = FAMILY_UPDATE,
    [KIND_SGD] = FAMILY_ELEMENTS,
    [KIND_ADAM] = FAMILY_ELEMENTS,
    [KIND_ARGMAX] = FAMILY_ROWS,
    [KIND_COUNT_EQUAL] = FAMILY_WHOLE,
    [KIND_PHILOX_UNIFORM] = FAMILY_ELEMENTS,
    [KIND_PHILOX_NORMAL] = FAMILY_ELEMENTS,
    [KIND_LESS] = FAMILY_ELEMENTS,
    [KIND_ADD] = FAMILY_ELEMENTS,
    [KIND_SCALE] = FAMILY_ELEMENTS,
    [KIND_SELECT] = FAMILY_ELEMENTS,
    [KIND_SOFTMAX] = FAMILY_ROWS,
    [KIND_PICK] = FAMILY_ROWS,
    [KIND_SOFTPLUS_SUM] = FAMILY_ROWS,
    [KIND_CONTRAST] = FAMILY_ELEMENTS,
    [KIND_SPARSITY] = FAMILY_ELEMENTS,
    [KIND_MAX_NORM] = FAMILY_ROWS,
    [KIND_LINEAR] = FAMILY_PRODUCT_NT,
    [KIND_LINEAR_RELU] = FAMILY_PRODUCT_NT,
    [KIND_GEMM_NN_RELU_GRADIENT] = FAMILY_PRODUCT_NN,
    [KIND_GEMM_TN_ADAM] = FAMILY_UPDATE,
    [KIND_GEMM_TN_CONTRAST] = FAMILY_UPDATE,
    [KIND_COLUMN_SUM_ADAM] = FAMILY_UPDATE,
    [KIND_CROSS_ENTROPY_ALL] = FAMILY_ROWS,
};

static bool is_product(int kind) {
    return kind == KIND_GEMM_NT || kind == KIND_GEMM_NN || kind == KIND_GEMM_TN;
}

static bool is_column_sum(int kind) {
    return kind == KIND_COLUMN_SUM || kind == KIND_COLUMN_SUM_ADAM;
}

static void resolve(const struct exec *exec, const struct node *node, struct task *task) {
    *task = (struct task){.kind = (int32_t)node->kind};
    for (int i = 0; i < NODE_INPUTS; i++)
        if (node->in[i] >= 0)
            task->in[i] = exec->operands[node->in[i]].matrix;
    for (int i = 0; i < NODE_OUTPUTS; i++)
        if (node->out[i] >= 0)
            task->out[i] = exec->operands[node->out[i]].matrix;
    switch (node->kind) {
    case KIND_ADAM:
    case KIND_GEMM_TN_ADAM:
    case KIND_COLUMN_SUM_ADAM: task->arg.adam = node->arg.adam; break;
    case KIND_SGD: task->arg.sgd = node->arg.sgd; break;
    case KIND_SPARSITY: task->arg.sparsity = node->arg.sparsity; break;
    case KIND_SOFTMAX:
    case KIND_PICK: task->arg.first = (int32_t)node->arg.first; break;
    default: task->arg.number = node->arg.number;
    }
}

/* Does b need what a makes, or the other way round, or do both write one thing? Parts of a program that have an address are
 * wholly the same or wholly apart; data has no writer. */
static bool depend(const struct task *a, const struct task *b) {
    for (int i = 0; i < NODE_OUTPUTS; i++) {
        const void *mine = a->out[i].data, *theirs = b->out[i].data;
        for (int k = 0; k < NODE_OUTPUTS; k++)
            if (mine && mine == b->out[k].data)
                return true;
        for (int k = 0; k < NODE_INPUTS; k++)
            if ((mine && mine == b->in[k].data) || (theirs && theirs == a->in[k].data))
                return true;
    }
    return false;
}

static bool stands_in_the_way(const struct stage *stage, const struct task *task) {
    for (int k = 0; k < stage->launch.count; k++)
        if (depend(&stage->launch.tasks[k], task))
            return true;
    return false;
}

static bool takes(const struct device *device, const struct launch *launch, const struct launch *one) {
    const bool several = one->family == FAMILY_ELEMENTS || one->family == FAMILY_UPDATE;
    const bool fits = launch->wide == one->wide || is_column_sum(one->tasks[0].kind); /* which has no tiles */
    const bool apart = device->blas && (is_product(launch->tasks[0].kind) || is_product(one->tasks[0].kind));
    return several && !apart && launch->family == one->family && launch->phase == one->phase &&
           fits && launch->count < LAUNCH_TASKS && launch->blocks + one->blocks <= INT32_MAX;
}

/* Append a launch of one task, or let an earlier one take it. */
static nninit_status add(struct exec *exec, const struct launch *one, int node) {
    const struct host *host = &exec->device->host;
    if (one->blocks > INT32_MAX)
        return host->fail(host->context, NNINIT_ERR_UNSUPPORTED, "cuda: an output of %d by %d is too large for a launch",
                          one->tasks[0].out[0].rows, one->tasks[0].out[0].cols);
    for (int s = exec->stage_count - 1; s >= 0 && !stands_in_the_way(&exec->stages[s], &one->tasks[0]); s--) {
        struct launch *launch = &exec->stages[s].launch;
        if (!takes(exec->device, launch, one))
            continue;
        exec->stages[s].node[launch->count] = node;
        launch->tasks[launch->count] = one->tasks[0];
        launch->first[launch->count] = (int32_t)launch->blocks;
        launch->count++;
        launch->blocks += one->blocks;
        return NNINIT_OK;
    }
    struct stage *stage = &exec->stages[exec->stage_count++];
    stage->launch = *one;
    stage->node[0] = node;
    return NNINIT_OK;
}

/* Large tiles where even they are blocks for every processor. */
static void choose_tiles(const struct device *device, struct launch *launch) {
    const int kind = launch->tasks[0].kind;
    const bool product = launch->family >= FAMILY_PRODUCT_NT && !is_column_sum(kind);
    launch->wide = product && kernels_tiles(launch->family, true, &launch->tasks[0]) >= device->processors;
}

/* The mean of losses that one block does not take. */
static void mean_of_losses(struct launch *launch) {
    struct task *task = &launch->tasks[0];
    task->kind = KIND_MEAN;
    task->in[0] = task->out[0];
    task->out[0] = task->out[1];
    task->in[1] = task->out[1] = task->out[2] = (struct matrix){NULL, 0, 0, 0};
    launch->family = FAMILY_WHOLE;
    launch->blocks = 1;
}

static nninit_status add_node(struct exec *exec, int n) {
    const struct node *node = &exec->nodes[n];
    struct launch one = {.family = families[node->kind], .phase = node->phase, .count = 1};
    resolve(exec, node, &one.tasks[0]);
    choose_tiles(exec->device, &one);
    one.blocks = kernels_blocks(one.family, one.wide, &one.tasks[0]);
    nninit_status status = add(exec, &one, n);
    if (status < 0 || node->kind != KIND_CROSS_ENTROPY_ALL || one.tasks[0].in[0].rows <= ROWS_IN_ONE_BLOCK)
        return status;
    mean_of_losses(&one);
    return add(exec, &one, -1);
}

nninit_status plan_stages(struct exec *exec) {
    struct device *device = exec->device;
    const struct host *host = &device->host;
    exec->stages = host->alloc(host->context, 2 * (size_t)exec->node_count * sizeof *exec->stages);
    if (!exec->stages)
        return NNINIT_ERR_MEMORY;
    nninit_status status = NNINIT_OK;
    for (int n = 0; n < exec->node_count && status == NNINIT_OK; n++)
        status = add_node(exec, n);
    for (int s = 0; s < exec->stage_count && status == NNINIT_OK && device->blas; s++)
        if (is_product(exec->stages[s].launch.tasks[0].kind))
            status = blas_plan(&exec->stages[s].product, device, &exec->stages[s].launch.tasks[0]);
    return status;
}

void plan_rebind(struct exec *exec, int value) {
    for (int s = 0; s < exec->stage_count; s++) {
        struct stage *stage = &exec->stages[s];
        for (int k = 0; k < stage->launch.count; k++)
            for (int i = 0; i < NODE_INPUTS && stage->node[k] >= 0; i++)
                if (exec->nodes[stage->node[k]].in[i] == value)
                    stage->launch.tasks[k].in[i] = exec->operands[value].matrix;
    }
}
