/* SPDX-License-Identifier: MIT */
/* Streams, capture, graphs and launches. Work waits in its stream until something waits for it, which is the latest
 * that CUDA may begin with it: what a program forgets to wait for has not happened. */
#include "internal.h"

#include <memory>
#include <thread>

using emulator::operation;

struct CUstream_st {
    int device;
    std::vector<operation> queue;
    bool captures, broken; /* broken: the capture has met a call that it forbids */
    std::thread::id by;
    std::vector<operation> captured;
};

struct CUgraph_st {
    std::shared_ptr<const std::vector<operation>> nodes;
};

struct CUgraphExec_st {
    std::shared_ptr<const std::vector<operation>> nodes;
};

namespace emulator {

cudaError_t submit(cudaStream_t stream, operation work) {
    if (!is_alive(stream, what::stream))
        return cudaErrorInvalidResourceHandle;
    if (stream->broken)
        return cudaErrorStreamCaptureInvalidated;
    (stream->captures ? stream->captured : stream->queue).push_back(std::move(work));
    return cudaSuccess;
}

cudaError_t run_queue(cudaStream_t stream) {
    if (!is_alive(stream, what::stream))
        return cudaErrorInvalidResourceHandle;
    const std::vector<operation> queue = std::move(stream->queue);
    stream->queue.clear();
    for (const operation &work : queue)
        work();
    return cudaSuccess;
}

void run_queues() {
    for (const cudaStream_t stream : all_alive<CUstream_st>(what::stream))
        run_queue(stream);
}

void drop_queues() {
    for (const cudaStream_t stream : all_alive<CUstream_st>(what::stream))
        stream->queue.clear();
}

cudaError_t refuse_in_capture() {
    for (const cudaStream_t stream : all_alive<CUstream_st>(what::stream))
        if (stream->captures && stream->by == std::this_thread::get_id()) {
            stream->broken = true;
            return cudaErrorStreamCaptureUnsupported;
        }
    return cudaSuccess;
}

cudaError_t refuse_in_capture(cudaStream_t stream) {
    if (!stream->captures)
        return refuse_in_capture();
    stream->broken = true;
    return cudaErrorStreamCaptureUnsupported;
}

void release_handle(void *p, what kind) {
    alive.erase(~(uintptr_t)p);
    if (kind == what::stream)
        delete (cudaStream_t)p;
    else if (kind == what::graph)
        delete (cudaGraph_t)p;
    else
        delete (cudaGraphExec_t)p;
}

static cudaError_t release(void *p, what kind) {
    if (!is_alive(p, kind))
        return cudaErrorInvalidResourceHandle;
    release_handle(p, kind);
    return cudaSuccess;
}

static cudaError_t end_capture(cudaStream_t stream, cudaGraph_t *graph) {
    *graph = nullptr;
    if (!is_alive(stream, what::stream))
        return cudaErrorInvalidResourceHandle;
    if (!stream->captures)
        return cudaErrorIllegalState;
    if (stream->by != std::this_thread::get_id())
        return cudaErrorStreamCaptureWrongThread;
    const bool broken = stream->broken;
    if (!broken) {
        *graph = new CUgraph_st{std::make_shared<const std::vector<operation>>(std::move(stream->captured))};
        born(*graph, what::graph, 0);
    }
    stream->captured.clear();
    stream->captures = stream->broken = false;
    return broken ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}

static bool may_launch(const dim3 &grid, const dim3 &block) {
    return grid.x >= 1 && grid.y >= 1 && grid.z >= 1 && grid.x <= INT32_MAX && grid.y <= 65535 && grid.z <= 65535 &&
           block.x >= 1 && block.y >= 1 && block.z >= 1 && block.x <= 1024 && block.y <= 1024 && block.z <= 64 &&
           block.x * block.y * block.z <= 1024;
}

static cudaError_t submit_kernel(kernel &&k, cudaStream_t stream) {
    if (!may_launch(k.grid, k.block))
        return cudaErrorInvalidConfiguration;
    if (!is_alive(stream, what::stream) || stream->device != current_device())
        return cudaErrorInvalidResourceHandle;
    const bool now = !stream->captures;
    const cudaError_t error = submit(stream, [k = std::move(k)] { run_kernel(k); });
    counts.launches += !error && now;
    return error;
}

void launch(kernel &&k, cudaStream_t stream) {
    const lock_all lock;
    const cudaError_t error = enter(k.name);
    leave(error ? error : submit_kernel(std::move(k), stream));
}

} // namespace emulator

using namespace emulator;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
    return call("cudaStreamCreateWithFlags", [=] {
        if (flags != cudaStreamDefault && flags != cudaStreamNonBlocking)
            return cudaErrorInvalidValue;
        *stream = new CUstream_st{current_device(), {}, false, false, {}, {}};
        born(*stream, what::stream, 0);
        return cudaSuccess;
    });
}

/* What waits in the stream is still done. */
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    return releasing_call("cudaStreamDestroy", [=] {
        run_queue(stream);
        return release(stream, what::stream);
    });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    return call("cudaStreamSynchronize", [=] {
        if (!is_alive(stream, what::stream))
            return cudaErrorInvalidResourceHandle;
        const cudaError_t error = refuse_in_capture(stream);
        return error ? error : run_queue(stream);
    });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode) {
    return call("cudaStreamBeginCapture", [=] {
        if (!is_alive(stream, what::stream))
            return cudaErrorInvalidResourceHandle;
        if (mode == cudaStreamCaptureModeGlobal) /* it reaches into other threads' work */
            return cudaErrorNotSupported;
        if (stream->captures)
            return cudaErrorIllegalState;
        stream->captures = true;
        stream->by = std::this_thread::get_id();
        return cudaSuccess;
    });
}

/* Whatever it reports, the capture is over. */
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    const lock_all lock;
    const cudaError_t error = enter("cudaStreamEndCapture"), own = end_capture(stream, graph);
    if (error && *graph) {
        release(*graph, what::graph);
        *graph = nullptr;
    }
    return leave(error ? error : own);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags) {
    return call("cudaGraphInstantiateWithFlags", [=] {
        if (!is_alive(graph, what::graph))
            return cudaErrorInvalidResourceHandle;
        if (flags != 0)
            return cudaErrorNotSupported;
        *exec = new CUgraphExec_st{graph->nodes};
        born(*exec, what::exec, 0);
        return cudaSuccess;
    });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    return call("cudaGraphLaunch", [=] {
        if (!is_alive(exec, what::exec) || !is_alive(stream, what::stream))
            return cudaErrorInvalidResourceHandle;
        if (stream->captures)
            return refuse_in_capture(stream);
        ++counts.launches;
        ++counts.graph_launches;
        return submit(stream, [nodes = exec->nodes] {
            for (const operation &work : *nodes)
                work();
        });
    });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    return releasing_call("cudaGraphDestroy", [=] { return release(graph, what::graph); });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    return releasing_call("cudaGraphExecDestroy", [=] { return release(exec, what::exec); });
}
