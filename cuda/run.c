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

/* Whatever fails, the stream stops recording. Relaxed: no other call disturbs it, and cuBLASLt may load a kernel meanwhile. */
static nninit_status record(struct exec *exec, int g) {
    struct device *device = exec->device;
    cudaGraph_t graph = NULL;
    nninit_status status = CHECK(device, cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeRelaxed));
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

/* Rows that are no data set's, as they are now; they stay so until the run ends, which it does not before they are copied. */
static nninit_status copy_data(struct exec *exec) {
    nninit_status status = NNINIT_OK;
    for (int v = 0; v < exec->operand_count && status == NNINIT_OK; v++) {
        const struct operand *o = &exec->operands[v];
        if (o->place == PLACE_DATA && o->host)
            status = matrix_submit(exec->device, &o->matrix, 0, o->matrix.rows, o->host, element_size(o->element));
    }
    return status;
}

/* As many graphs as the steps need; *submitted: steps of those that were launched. */
static nninit_status replay(struct exec *exec, int64_t count, int64_t *submitted) {
    struct device *device = exec->device;
    for (int g = 0; g < GRAPHS; g++)
        while (count - *submitted >= graph_steps[g]) {
            nninit_status status = exec->graph[g] ? NNINIT_OK : record(exec, g);
            if (status == NNINIT_OK)
                status = CHECK(device, cudaGraphLaunch(exec->graph[g], device->stream));
            if (status < 0)
                return status;
            *submitted += graph_steps[g];
        }
    return NNINIT_OK;
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
        status = replay(exec, count, done);
    /* Whatever failed, what was submitted takes place: it reads `shown`, and how far it comes is to be known. */
    const cudaError_t copy =
        cudaMemcpyAsync(exec->shown, exec->clock, sizeof *exec->clock, cudaMemcpyDeviceToHost, stream);
    const cudaError_t end = cudaStreamSynchronize(stream);
    if (status == NNINIT_OK)
        status = device_check(device, copy, "cudaMemcpyAsync");
    if (status == NNINIT_OK)
        status = device_check(device, end, "cudaStreamSynchronize");
    if (copy != cudaSuccess || end != cudaSuccess)
        cudaGetLastError();
    const bool known = copy == cudaSuccess && end == cudaSuccess, finite = !known || exec->shown->stop >= first + *done;
    if (!finite)
        *done = exec->shown->stop - first + 1;
    if (device->lost)
        *done = 0; /* nobody will read what they made */
    if (status < 0)
        return status;
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
