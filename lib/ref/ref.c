/* SPDX-License-Identifier: MIT */
/* The reference executor: walks the nodes, one after the other, on the calling thread. */
#include "ref.h"

#include <string.h>

struct device {
    struct host host;
};

struct memory {
    const struct host *host;
    int count;
    struct {
        float *data;
        int64_t size;
    } tensor[];
};

static nninit_status open_ref(struct device **out, const struct host *host) {
    *out = host->alloc(host->context, sizeof **out);
    if (!*out)
        return NNINIT_ERR_MEMORY;
    (*out)->host = *host;
    return NNINIT_OK;
}

static void close_ref(struct device *device) {
    device->host.free(device->host.context, device);
}

static const char *describe(const struct device *device) {
    (void)device;
    return "ref (plain loops, 1 thread)";
}

static void memory_destroy(struct memory *memory) {
    for (int i = 0; i < memory->count; i++)
        memory->host->free(memory->host->context, memory->tensor[i].data);
    memory->host->free(memory->host->context, memory);
}

static nninit_status memory_create(struct memory **out, struct device *device, const struct tensor_shape *tensors,
                                   int count) {
    const struct host *host = &device->host;
    struct memory *memory = host->alloc(host->context, sizeof *memory + (size_t)count * sizeof memory->tensor[0]);
    if (!memory)
        return NNINIT_ERR_MEMORY;
    memory->host = host;
    for (; memory->count < count; memory->count++) {
        int64_t size = tensors[memory->count].rows * tensors[memory->count].cols;
        float *data = host->alloc(host->context, (size_t)size * sizeof *data);
        if (!data) {
            memory_destroy(memory);
            return NNINIT_ERR_MEMORY;
        }
        memory->tensor[memory->count].data = data;
        memory->tensor[memory->count].size = size;
    }
    *out = memory;
    return NNINIT_OK;
}

static nninit_status memory_read(const struct memory *memory, int tensor, float *values) {
    memcpy(values, memory->tensor[tensor].data, (size_t)memory->tensor[tensor].size * sizeof *values);
    return NNINIT_OK;
}

static nninit_status memory_write(struct memory *memory, int tensor, const float *values) {
    memcpy(memory->tensor[tensor].data, values, (size_t)memory->tensor[tensor].size * sizeof *values);
    return NNINIT_OK;
}

static float *memory_tensor(struct memory *memory, int tensor) {
    return memory->tensor[tensor].data;
}

static void release(struct exec *exec) {
    const struct host *host = exec->host;
    exec_finish(exec);
    host->free(host->context, exec);
}

static nninit_status prepare(struct exec **out, struct device *device, const struct program *program,
                             struct memory *const memories[ARENA_COUNT]) {
    const struct host *host = &device->host;
    struct exec *exec = host->alloc(host->context, sizeof *exec);
    if (!exec)
        return NNINIT_ERR_MEMORY;
    nninit_status status = exec_init(exec, host, program, 1, memories, memory_tensor);
    if (status < 0) {
        release(exec);
        return status;
    }
    *out = exec;
    return NNINIT_OK;
}

static nninit_status run(struct exec *exec, unsigned phases, int64_t first, int64_t count, int64_t *done) {
    bool finite = true;
    for (*done = 0; *done < count && finite; ++*done)
        for (int n = 0; n < exec->task_count; n++) {
            const struct task *task = &exec->tasks[n];
            if (!(task->phase & phases))
                continue;
            ref_kernels[task->kind](task, first + *done);
            if (task->kind == KIND_MEAN)
                finite = finite && isfinite(*(float *)operand_slot(&task->out[0], first + *done));
        }
    return finite ? NNINIT_OK : exec->host->fail(exec->host->context, NNINIT_ERR_NUMERIC, "the cost is not finite");
}

const struct executor ref_executor = {
    .abi = EXECUTOR_ABI,
    .size = sizeof(struct executor),
    .name = "ref",
    .has = {
#define X(name, inputs, outputs, formula) [KIND_##name] = true,
        BASIC_KINDS(X)
#undef X
    },
    .steps = 16,
    .open = open_ref,
    .close = close_ref,
    .describe = describe,
    .memory_create = memory_create,
    .memory_destroy = memory_destroy,
    .memory_read = memory_read,
    .memory_write = memory_write,
    .prepare = prepare,
    .release = release,
    .bind = exec_bind,
    .slot_write = exec_slot_write,
    .slot_read = exec_slot_read,
    .buffer_read = exec_buffer_read,
    .state_write = exec_state_write,
    .run = run,
};
