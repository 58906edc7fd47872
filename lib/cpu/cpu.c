/* SPDX-License-Identifier: MIT */
/* The cpu executor: nodes cut into slices, one for each thread, with a barrier only where a slice needs another thread's
 * results. A training step needs few: forward, loss and the gradients of activations stay within rows of the batch, the
 * gradients of weights and their updates within inputs of the weight. */
#include "cpu.h"

#include "../host/isa.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct device {
    struct host host;
    const cpu_kernel *kernels; /* [KIND_COUNT] */
    struct pool *pool;
    int lists; /* struct workspace */
    char description[64];
};

struct stage {
    enum axis axis;
    int64_t units;
    bool barrier; /* before it */
    struct task *task;
};

struct cpu_exec {
    struct exec base;
    struct device *device;
    struct stage *stages;
    struct workspace *work; /* [threads] */
    float *strips;          /* [threads, strip_size] */
    uint8_t *lists;         /* [threads, list_size] */
    int64_t strip_size, list_size;
    /* the run in progress */
    unsigned phases;
    int64_t first, count;
    int64_t done;
    bool finite;
};

static const cpu_kernel *const kernels[ISA_COUNT] = {
#if defined(__x86_64__)
    [ISA_AVX512] = cpu_kernels_avx512,
    [ISA_AVX2] = cpu_kernels_avx2,
#elif defined(__aarch64__)
    [ISA_NEON] = cpu_kernels_neon,
#endif
    [ISA_C] = cpu_kernels_c,
};

/* Zeros are skipped where that pays; NNINIT_CPU_LISTS=never or always is for tests and measurements. */
static int choose_lists(void) {
    const char *forced = secure_getenv("NNINIT_CPU_LISTS");
    if (forced && strcmp(forced, "never") == 0)
        return LISTS_NEVER;
    return forced && strcmp(forced, "always") == 0 ? LISTS_ALWAYS : LISTS_BY_COUNT;
}

/* As many threads as the process may run at once. */
static int usable_cpus(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > 256 ? 256 : count;
}

static nninit_status open_cpu(struct device **out, const struct host *host) {
    enum isa isa = isa_choose();
    if (isa == ISA_COUNT)
        return host->fail(host->context, NNINIT_ERR_BACKEND,
                          "NNINIT_CPU is \"%.31s\", which this build or processor lacks; known are avx512, avx2, neon "
                          "and c", secure_getenv("NNINIT_CPU"));
    struct device *device = host->alloc(host->context, sizeof *device);
    if (!device)
        return NNINIT_ERR_MEMORY;
    device->host = *host;
    device->kernels = kernels[isa];
    device->lists = choose_lists();
    int threads = host->threads ? host->threads : usable_cpus();
    nninit_status status = pool_create(&device->pool, &device->host, threads);
    if (status < 0) {
        host->free(host->context, device);
        return status;
    }
    snprintf(device->description, sizeof device->description, "cpu (%s, %d thread%s)", isa_name(isa), threads,
             threads == 1 ? "" : "s");
    *out = device;
    return NNINIT_OK;
}

static void close_cpu(struct device *device) {
    const struct host host = device->host;
    pool_destroy(device->pool);
    host.free(host.context, device);
}

static const char *describe(const struct device *device) {
    return device->description;
}

static nninit_status memory_create(struct memory **out, struct device *device, const struct tensor_shape *tensors,
                                   int count) {
    return cpu_memory_create(out, &device->host, tensors, count);
}

static enum axis kind_axis(enum kind kind) {
    switch (kind) {
    case KIND_GEMM_TN:
    case KIND_GEMM_TN_ADAM:
    case KIND_SGD:
    case KIND_ADAM:
        return AXIS_INPUTS;
    case KIND_COLUMN_SUM:
    case KIND_MEAN:
    case KIND_COUNT_EQUAL:
        return AXIS_WHOLE;
    default:
        return AXIS_BATCH;
    }
}

static struct stage make_stage(struct task *task) {
    struct stage stage = {.axis = kind_axis(task->kind), .units = 1, .task = task};
    if (stage.axis == AXIS_BATCH)
        stage.units = task->out[0].rows;
    else if (stage.axis == AXIS_INPUTS)
        stage.units = task->out[0].cols;
    if (stage.units == 1)
        stage.axis = AXIS_WHOLE;
    return stage;
}

/* Thread t's share. What is not cut falls to the last thread, whose share is never the larger one. */
static void share(const struct stage *stage, int thread, int threads, int64_t *begin, int64_t *end) {
    *begin = stage->units * thread / threads;
    *end = stage->units * (thread + 1) / threads;
}

/* Does a slice of the stage touch only its own part of this operand? */
static bool is_local(const struct stage *stage, const struct operand *operand) {
    return (stage->axis == AXIS_BATCH && operand->place == PLACE_BUFFER && operand->rows == stage->units) ||
           (stage->axis == AXIS_INPUTS && operand->place == PLACE_ARENA && operand->cols == stage->units);
}

/* Must b wait for a because of operands x of a and y of b? */
static bool operands_clash(const struct stage *a, const struct operand *x, const struct stage *b,
                           const struct operand *y) {
    if (!x->data || x->data != y->data || x->place == PLACE_DATA || x->place == PLACE_SLOT)
        return false;
    bool same_cut = a->axis == b->axis && a->units == b->units && is_local(a, x) && is_local(b, y);
    return !same_cut && !(a->axis == AXIS_WHOLE && b->axis == AXIS_WHOLE);
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

static void place_barriers(struct cpu_exec *exec) {
    int since = 0; /* the first stage after the last barrier */
    for (int n = 0; n < exec->base.task_count; n++) {
        struct stage *stage = &exec->stages[n];
        for (int k = since; k < n && !stage->barrier; k++)
            stage->barrier = stages_clash(&exec->stages[k], stage);
        if (stage->barrier)
            since = n;
    }
}

static void release(struct exec *base) {
    struct cpu_exec *exec = (struct cpu_exec *)base;
    const struct host *host = base->host;
    host->free(host->context, exec->work);
    host->free(host->context, exec->strips);
    host->free(host->context, exec->lists);
    host->free(host->context, exec->stages);
    exec_finish(base);
    host->free(host->context, exec);
}

static void at_least(int64_t *size, int64_t needed) {
    *size = needed > *size ? needed : *size;
}

/* What a kernel of this task needs of a thread. */
static void measure(struct cpu_exec *exec, const struct task *task) {
    const struct operand *a = &task->in[0], *b = &task->in[1];
    switch (task->kind) {
    case KIND_GEMM_NN:
    case KIND_GEMM_NN_RELU_GRADIENT:
        at_least(&exec->strip_size, round_up(b->rows, GROUP) * PANEL); /* fall through */
    case KIND_GEMM_NT:
    case KIND_LINEAR:
    case KIND_LINEAR_RELU:
        at_least(&exec->list_size, a->rows * ((a->cols + CHUNK - 1) / CHUNK) * CHUNK_ROOM);
        break;
    case KIND_GEMM_TN:
    case KIND_GEMM_TN_ADAM:
        at_least(&exec->list_size, b->rows * BLOCK * (int64_t)(sizeof(float) + sizeof(uint16_t)));
        break;
    default: break;
    }
}

static nninit_status make_workspaces(struct cpu_exec *exec, const struct host *host) {
    int threads = pool_threads(exec->device->pool);
    exec->strip_size = round_up(exec->strip_size + 1, 16);
    exec->list_size = round_up(exec->list_size + 1, 64);
    exec->work = host->alloc(host->context, (size_t)threads * sizeof *exec->work);
    exec->strips = host->alloc(host->context, (size_t)(exec->strip_size * threads) * sizeof *exec->strips);
    exec->lists = host->alloc(host->context, (size_t)(exec->list_size * threads));
    if (!exec->work || !exec->strips || !exec->lists)
        return NNINIT_ERR_MEMORY;
    for (int t = 0; t < threads; t++) {
        exec->work[t].strip = exec->strips + t * exec->strip_size;
        exec->work[t].list = exec->lists + t * exec->list_size;
        exec->work[t].lists = exec->device->lists;
    }
    return NNINIT_OK;
}

static nninit_status plan(struct cpu_exec *exec, const struct host *host) {
    int64_t count = exec->base.task_count;
    exec->stages = host->alloc(host->context, (size_t)count * sizeof *exec->stages);
    if (!exec->stages)
        return NNINIT_ERR_MEMORY;
    for (int64_t n = 0; n < count; n++) {
        exec->stages[n] = make_stage(&exec->base.tasks[n]);
        measure(exec, &exec->base.tasks[n]);
    }
    place_barriers(exec);
    return make_workspaces(exec, host);
}

static nninit_status prepare(struct exec **out, struct device *device, const struct program *program,
                             struct memory *const memories[ARENA_COUNT]) {
    const struct host *host = &device->host;
    struct cpu_exec *exec = host->alloc(host->context, sizeof *exec);
    if (!exec)
        return NNINIT_ERR_MEMORY;
    exec->device = device;
    exec->base.host = host;
    nninit_status status = exec_init(&exec->base, host, program, GROUP, memories, cpu_memory_tensor);
    if (status == NNINIT_OK)
        status = plan(exec, host);
    if (status < 0) {
        release(&exec->base);
        return status;
    }
    *out = &exec->base;
    return NNINIT_OK;
}

static void run_slice(struct cpu_exec *exec, const struct stage *stage, int64_t step, int thread) {
    const struct task *task = stage->task;
    int64_t begin, end;
    share(stage, thread, pool_threads(exec->device->pool), &begin, &end);
    if (begin == end)
        return;
    exec->device->kernels[task->kind](task, step, begin, end, &exec->work[thread]);
    if (task->kind == KIND_MEAN && !isfinite(*(float *)operand_slot(&task->out[0], step)))
        exec->finite = false;
}

static void run_thread(void *argument, int thread) {
    struct cpu_exec *exec = argument;
    for (int64_t s = 0; s < exec->count && exec->finite; s++) {
        for (int n = 0; n < exec->base.task_count; n++) {
            const struct stage *stage = &exec->stages[n];
            /* Barriers are for all phases together: a run of some of them may meet one that it does not need. */
            if (stage->barrier)
                pool_barrier(exec->device->pool);
            if (stage->task->phase & exec->phases)
                run_slice(exec, stage, exec->first + s, thread);
        }
        pool_barrier(exec->device->pool);
        if (thread == 0)
            exec->done = s + 1;
    }
}

static nninit_status run(struct exec *base, unsigned phases, int64_t first, int64_t count, int64_t *done) {
    struct cpu_exec *exec = (struct cpu_exec *)base;
    exec->phases = phases;
    exec->first = first;
    exec->count = count;
    exec->done = 0;
    exec->finite = true;
    pool_run(exec->device->pool, run_thread, exec);
    *done = exec->done;
    return exec->finite ? NNINIT_OK
                        : base->host->fail(base->host->context, NNINIT_ERR_NUMERIC, "the cost is not finite");
}

const struct executor cpu_executor = {
    .abi = EXECUTOR_ABI,
    .size = sizeof(struct executor),
    .name = "cpu",
    .has = {
#define X(name, inputs, outputs, formula) [KIND_##name] = true,
        BASIC_KINDS(X) FUSED_KINDS(X)
#undef X
    },
    .open = open_cpu,
    .close = close_cpu,
    .describe = describe,
    .memory_create = memory_create,
    .memory_destroy = cpu_memory_destroy,
    .memory_read = cpu_memory_read,
    .memory_write = cpu_memory_write,
    .prepare = prepare,
    .release = release,
    .bind = exec_bind,
    .slot_write = exec_slot_write,
    .slot_read = exec_slot_read,
    .buffer_read = exec_buffer_read,
    .run = run,
};
