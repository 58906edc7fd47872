/* SPDX-License-Identifier: MIT */
/* The cpu executor: nodes cut into slices, one for each thread (plan.c), with a barrier only where a slice needs another
 * thread's results. */
#include "cpu.h"
#include "tuner.h"

#include "../host/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct device {
    struct host host;
    const cpu_kernel *kernels; /* [KIND_COUNT] */
    struct pool *pool;
    struct limits limits;
    bool calibrated;
    char description[64];
};

struct cpu_exec {
    struct exec base;
    struct device *device;
    struct plan plan;
    struct tuner tuner;
    /* the run in progress */
    unsigned phases;
    int threads;
    int64_t first, count;
    int64_t done;
    bool finite;
};

static const struct limits limits_until_calibrated = {0.5f, 0.5f, 0.5f};

static const cpu_kernel *const kernels[ISA_COUNT] = {
#if defined(__x86_64__)
    [ISA_AVX512] = cpu_kernels_avx512,
    [ISA_AVX2] = cpu_kernels_avx2,
#elif defined(__aarch64__)
    [ISA_NEON] = cpu_kernels_neon,
#endif
    [ISA_C] = cpu_kernels_c,
};

/* Zeros are skipped where that pays; NNINIT_CPU_LISTS=never or always is for tests and measurements. In plain C, whose
 * multiplications are calls, it always pays. */
static void choose_limits(struct device *device) {
    const char *forced = secure_getenv("NNINIT_CPU_LISTS");
    bool never = forced && strcmp(forced, "never") == 0, always = forced && strcmp(forced, "always") == 0;
    float all = never ? LISTS_NEVER : LISTS_ALWAYS;
    device->calibrated = never || always || device->kernels == cpu_kernels_c;
    device->limits = device->calibrated ? (struct limits){all, all, all} : limits_until_calibrated;
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
    int threads = host->threads ? host->threads : cpus_usable("");
    choose_limits(device);
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

static void release(struct exec *base) {
    struct cpu_exec *exec = (struct cpu_exec *)base;
    const struct host *host = base->host;
    plan_finish(&exec->plan, host);
    exec_finish(base);
    host->free(host->context, exec);
}

/* Products that are smaller than the trial do not earn it. */
static nninit_status calibrate(struct device *device, const struct exec *exec) {
    int64_t largest = 0;
    for (int n = 0; n < exec->task_count; n++)
        if (plan_multiplications(&exec->tasks[n]) > largest)
            largest = plan_multiplications(&exec->tasks[n]);
    if (device->calibrated || largest < CALIBRATION_MULTIPLICATIONS)
        return NNINIT_OK;
    nninit_status status = cpu_calibrate(&device->limits, &device->host, device->kernels);
    device->calibrated = status == NNINIT_OK;
    return status;
}

static nninit_status prepare(struct exec **out, struct device *device, const struct program *program,
                             struct memory *const memories[ARENA_COUNT]) {
    const struct host *host = &device->host;
    const int threads = pool_threads(device->pool);
    struct cpu_exec *exec = host->alloc(host->context, sizeof *exec);
    if (!exec)
        return NNINIT_ERR_MEMORY;
    exec->device = device;
    exec->base.host = host;
    tuner_init(&exec->tuner, threads);
    nninit_status status = exec_init(&exec->base, host, program, GROUP, memories, cpu_memory_tensor);
    if (status == NNINIT_OK)
        status = calibrate(device, &exec->base);
    if (status == NNINIT_OK)
        status = plan_create(&exec->plan, host, &exec->base, threads, &device->limits);
    if (status < 0) {
        release(&exec->base);
        return status;
    }
    *out = &exec->base;
    return NNINIT_OK;
}

static void run_slice(struct cpu_exec *exec, const struct stage *stage, int64_t step, int thread) {
    const struct task *task = stage->task;
    struct slice slice;
    if (!plan_slice(stage, thread, exec->threads, &slice))
        return;
    exec->device->kernels[task->kind](task, step, &slice, &exec->plan.work[thread]);
    if (task->kind == KIND_MEAN && !isfinite(*(float *)operand_slot(&task->out[0], step)))
        exec->finite = false;
}

static void run_thread(void *argument, int thread) {
    struct cpu_exec *exec = argument;
    for (int64_t s = 0; s < exec->count && exec->finite; s++) {
        for (int n = 0; n < exec->plan.count; n++) {
            const struct stage *stage = &exec->plan.stages[n];
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
    exec->threads = exec->tuner.threads;
    exec->first = first;
    exec->count = count;
    exec->done = 0;
    exec->finite = true;
    int64_t start = nanoseconds();
    pool_run(exec->device->pool, exec->threads, run_thread, exec);
    tuner_report(&exec->tuner, exec->done, 1e-9 * (double)(nanoseconds() - start));
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
        BASIC_KINDS(X)
#undef X
        [KIND_LINEAR] = true,
        [KIND_LINEAR_RELU] = true,
        [KIND_GEMM_NN_RELU_GRADIENT] = true,
        [KIND_GEMM_TN_ADAM] = true,
        [KIND_GEMM_TN_CONTRAST] = true,
    },
    .steps = 16,
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
    .state_write = exec_state_write,
    .run = run,
};
