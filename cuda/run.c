/* SPDX-License-Identifier: MIT */
/* Running a program: its launches are recorded as a graph once, and replayed without the host for as many steps as are
 * asked for. */
#include "device.h"

static const int64_t graph_steps[GRAPHS] = {GRAPH_STEPS, 1};

void exec_forget_graphs(struct exec *exec) {
    for (int g = 0; g < GRAPHS; g++) {
        if (exec->graph[g])
            cudaGraphExecDestroy(exec->graph[g]);
        exec->graph[g] = NULL;
    }
}

static nninit_status submit(struct exec *exec, const struct stage *stage, int64_t offset) {
    struct device *device = exec->device;
    if (stage->product)
        return blas_launch(device, stage->product);
    return device_check(device, kernels_launch(&stage->launch, exec->clock, offset, device->stream), "kernel launch");
}

/* All steps of a graph, while the stream records. */
static nninit_status submit_steps(struct exec *exec, int64_t steps) {
    nninit_status status = NNINIT_OK;
    for (int64_t s = 0; s < steps; s++)
        for (int n = 0; n < exec->stage_count && status == NNINIT_OK; n++)
            if (exec->stages[n].launch.phase & exec->phases)
                status = submit(exec, &exec->stages[n], s);
    if (status == NNINIT_OK)
        status = device_check(exec->device, kernels_advance(exec->clock, steps, exec->device->stream), "kernel launch");
    return status;
}

/* Whatever fails, the stream stops recording. Other threads' calls do not disturb it. */
static nninit_status record(struct exec *exec, int g) {
    struct device *device = exec->device;
    cudaGraph_t graph = NULL;
    nninit_status status = CHECK(device, cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeThreadLocal));
    if (status < 0)
        return status;
    status = submit_steps(exec, graph_steps[g]);
    const cudaError_t end = cudaStreamEndCapture(device->stream, &graph);
    if (status == NNINIT_OK)
        status = device_check(device, end, "cudaStreamEndCapture");
    else
        cudaGetLastError();
    if (status == NNINIT_OK)
        status = CHECK(device, cudaGraphInstantiateWithFlags(&exec->graph[g], graph, 0));
    if (status < 0)
        exec->graph[g] = NULL;
    if (graph)
        cudaGraphDestroy(graph);
    return status;
}

/* Rows that are no data set's, as they are now. */
static nninit_status copy_data(struct exec *exec) {
    nninit_status status = NNINIT_OK;
    for (int v = 0; v < exec->operand_count && status == NNINIT_OK; v++) {
        const struct operand *o = &exec->operands[v];
        if (o->place == PLACE_DATA && o->host)
            status = matrix_write(exec->device, &o->matrix, 0, o->matrix.rows, o->host, o->element == ELEMENT_U8 ? 1 : 4);
    }
    return status;
}

static nninit_status replay(struct exec *exec, int64_t count) {
    struct device *device = exec->device;
    nninit_status status = NNINIT_OK;
    for (int g = 0; g < GRAPHS; g++)
        for (; count >= graph_steps[g] && status == NNINIT_OK; count -= graph_steps[g]) {
            if (!exec->graph[g])
                status = record(exec, g);
            if (status == NNINIT_OK)
                status = CHECK(device, cudaGraphLaunch(exec->graph[g], device->stream));
        }
    return status;
}

static nninit_status run_here(struct exec *exec, unsigned phases, int64_t first, int64_t count, int64_t *done) {
    struct device *device = exec->device;
    cudaStream_t stream = device->stream;
    if (phases != exec->phases)
        exec_forget_graphs(exec);
    exec->phases = phases;
    nninit_status status = copy_data(exec);
    if (status < 0)
        return status;
    *exec->shown = (struct clock){first, INT64_MAX};
    status = CHECK(device, cudaMemcpyAsync(exec->clock, exec->shown, sizeof *exec->clock, cudaMemcpyHostToDevice, stream));
    if (status == NNINIT_OK)
        status = replay(exec, count);
    if (status == NNINIT_OK)
        status = CHECK(device, cudaMemcpyAsync(exec->shown, exec->clock, sizeof *exec->clock, cudaMemcpyDeviceToHost, stream));
    /* Always: what was submitted reads `shown`. */
    nninit_status end = device_check(device, cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    if (status < 0 || end < 0)
        return status < 0 ? status : end;
    const bool finite = exec->shown->stop >= first + count;
    *done = finite ? count : exec->shown->stop - first + 1;
    return finite ? NNINIT_OK
                  : device->host.fail(device->host.context, NNINIT_ERR_NUMERIC, "the cost is not finite");
}

nninit_status exec_run(struct exec *exec, unsigned phases, int64_t first, int64_t count, int64_t *done) {
    int caller;
    *done = 0;
    nninit_status status = device_enter(exec->device, &caller);
    if (status < 0)
        return status;
    status = run_here(exec, phases, first, count, done);
    device_leave(caller);
    return status;
}
