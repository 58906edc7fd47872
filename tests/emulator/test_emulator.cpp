/* SPDX-License-Identifier: MIT */
/* The emulated runtime: memory, streams, capture, errors and orders, as CUDA documents them. */
#include "kernels.h"

#include <cmath>
#include <cstring>
#include <string>
#include <thread>

namespace {

__global__ void add(float *x, float value) {
    x[blockIdx.x * blockDim.x + threadIdx.x] += value;
}

struct big {
    int values[1000];
};

__global__ void take_big(const __grid_constant__ big b, int *y) {
    y[threadIdx.x] = b.values[threadIdx.x];
}

/* In which order threads come: each takes the next number. It is a race, which the test means. */
__attribute__((no_sanitize("thread"))) __global__ void numbered(int *next, int *number) {
    number[blockIdx.x * blockDim.x + threadIdx.x] = (*next)++;
}

__global__ void shapes(int *y) {
    const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    ++y[block * blockDim.x * blockDim.y * blockDim.z + thread];
}

__global__ void other_shuffles(float *down, uint32_t *rotated, int32_t *first) {
    const int lane = (int)threadIdx.x;
    down[lane] = __shfl_down_sync(0xffffffff, (float)lane, 8);
    rotated[lane] = __shfl_sync(0xffffffff, (uint32_t)lane, (lane + 1) % 32);
    first[lane] = __shfl_sync(0xffffffff, -1 - lane, 0);
}

template <typename T> T *pinned(size_t count) {
    void *p;
    OK(cudaMallocHost(&p, count * sizeof(T)));
    return (T *)p;
}

void test_memory() {
    bench b;
    float *x = b.room<float>(5);
    CHECK((uintptr_t)x % 256 == 0);
    for (const float value : b.get(x, 5))
        CHECK(std::isnan(value));
    OK(cudaMemsetAsync(x, 0, 3 * sizeof(float), b.stream));
    CHECK(b.get(x, 5)[2] == 0 && std::isnan(b.get(x, 5)[3]));

    float rows[2][3] = {{1, 2, 3}, {4, 5, 6}}, back[2][2];
    float *wide = b.room<float>(8);
    OK(cudaMemcpy2DAsync(wide, 16, rows, 12, 12, 2, cudaMemcpyHostToDevice, b.stream));
    OK(cudaMemcpy2DAsync(back, 8, wide + 1, 16, 8, 2, cudaMemcpyDeviceToHost, b.stream));
    CHECK(back[0][0] == 2 && back[0][1] == 3 && back[1][0] == 5 && back[1][1] == 6);
    CHECK(cudaMemcpy2DAsync(wide, 8, rows, 12, 12, 2, cudaMemcpyHostToDevice, b.stream) == cudaErrorInvalidPitchValue);

    /* what is not the device's, or too much of it */
    CHECK(cudaMemcpyAsync(rows, back, 4, cudaMemcpyHostToDevice, b.stream) == cudaErrorInvalidValue);
    CHECK(cudaMemcpyAsync(back, rows, 4, cudaMemcpyDeviceToHost, b.stream) == cudaErrorInvalidValue);
    CHECK(cudaMemcpyAsync(x, rows, 24, cudaMemcpyHostToDevice, b.stream) == cudaErrorInvalidValue);
    CHECK(cudaMemsetAsync(x + 4, 0, 5, b.stream) == cudaErrorInvalidValue);
    CHECK(cudaMemcpyAsync(x, rows, 4, cudaMemcpyHostToDevice, nullptr) == cudaErrorInvalidResourceHandle);
    CHECK(cudaFree(x + 1) == cudaErrorInvalidValue);
    CHECK(cudaFree(rows) == cudaErrorInvalidValue);
    OK(cudaFree(nullptr));

    size_t left, total;
    void *p = &left;
    OK(cudaMemGetInfo(&left, &total));
    CHECK(left == total - 13 * sizeof(float));
    CHECK(cudaMalloc(&p, left + 1) == cudaErrorMemoryAllocation && !p);
    CHECK(emulator_live().device_blocks == 2 && emulator_live().device_bytes == 52 && emulator_live().streams == 1);
    b.close();
    CHECK(emulator_live().device_blocks == 0 && emulator_live().streams == 0);
    cudaGetLastError();
}

/* Work is done when something waits for it, and not before. */
void test_streams() {
    bench b, other;
    float *x = b.room<float>(64), *host = pinned<float>(64);
    for (int i = 0; i < 64; ++i)
        host[i] = 1;
    OK(cudaMemcpyAsync(x, host, 256, cudaMemcpyHostToDevice, b.stream));
    LAUNCH(add, 2, 32, b.stream, x, 1);
    OK(cudaMemcpyAsync(host, x, 256, cudaMemcpyDeviceToHost, b.stream));
    host[0] = 5; /* the copy has still to read it */
    OK(cudaStreamSynchronize(other.stream));
    CHECK(host[0] == 5 && host[1] == 1 && emulator_counts().kernels == 0);
    OK(cudaStreamSynchronize(b.stream));
    CHECK(host[0] == 6 && host[1] == 2 && emulator_counts().kernels == 1);

    LAUNCH(add, 2, 32, b.stream, x, 1);
    CHECK(b.get(x, 1)[0] == 7); /* a copy to pageable memory waits */
    LAUNCH(add, 2, 32, b.stream, x, 1);
    OK(cudaMemcpyAsync(host, x, 256, cudaMemcpyDeviceToHost, b.stream));
    OK(cudaFree(nullptr)); /* as does this, for all streams */
    CHECK(host[0] == 8);
    CHECK(emulator_counts().bytes_to_device == 256 && emulator_counts().bytes_to_host == 516);
    CHECK(emulator_counts().launches == 3 && emulator_counts().kernels == 3);
    CHECK(cudaStreamSynchronize(nullptr) == cudaErrorInvalidResourceHandle);
    LAUNCH(add, 2, 32, nullptr, x, 1);
    CHECK(cudaGetLastError() == cudaErrorInvalidResourceHandle && cudaGetLastError() == cudaSuccess);
    OK(cudaFreeHost(host));
    b.close();
    other.close();
}

void test_capture() {
    bench b;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    float *x = b.room<float>(32), *host = pinned<float>(1);
    big numbers;
    for (int i = 0; i < 1000; ++i)
        numbers.values[i] = i;
    int *y = b.room<int>(32);
    OK(cudaMemsetAsync(x, 0, 128, b.stream));
    OK(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeThreadLocal));
    OK(cudaMemcpyAsync(x, host, 4, cudaMemcpyHostToDevice, b.stream));
    LAUNCH(add, 1, 32, b.stream, x, 2);
    LAUNCH(take_big, 1, 32, b.stream, numbers, y);
    OK(cudaGetLastError());
    OK(cudaStreamEndCapture(b.stream, &graph));
    OK(cudaGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cudaGraphDestroy(graph));
    numbers = {};
    CHECK(emulator_counts().launches == 0);
    for (int i = 0; i < 3; ++i) {
        *host = (float)(10 * i);
        OK(cudaGraphLaunch(exec, b.stream));
        OK(cudaStreamSynchronize(b.stream));
        CHECK(b.get(x, 2)[0] == (float)(10 * i + 2) && b.get(x, 2)[1] == (float)(2 * i + 2));
    }
    CHECK(b.get(y, 32)[31] == 31);
    CHECK(emulator_counts().graph_launches == 3 && emulator_counts().launches == 3 && emulator_counts().kernels == 6);
    OK(cudaGraphExecDestroy(exec));
    OK(cudaFreeHost(host));
    b.close();
    CHECK(emulator_live().graphs == 0 && emulator_live().execs == 0 && emulator_live().host_blocks == 0);
}

/* Calls that spoil a capture. */
void test_forbidden_in_capture() {
    bench b, other;
    float *x = b.room<float>(32), value = 0;
    for (int call = 0; call < 6; ++call) {
        cudaGraph_t graph = nullptr;
        void *p;
        OK(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeThreadLocal));
        LAUNCH(add, 1, 32, b.stream, x, 2);
        OK(cudaGetLastError());
        const cudaError_t error = call == 0   ? cudaStreamSynchronize(b.stream)
                                  : call == 1 ? cudaMalloc(&p, 4)
                                  : call == 2 ? cudaFree(nullptr)
                                  : call == 3 ? cudaMemcpyAsync(&value, x, 4, cudaMemcpyDeviceToHost, b.stream)
                                  : call == 4 ? cudaMemcpyAsync(x, &value, 4, cudaMemcpyHostToDevice, b.stream)
                                              : cudaStreamSynchronize(other.stream);
        CHECK(error == cudaErrorStreamCaptureUnsupported);
        LAUNCH(add, 1, 32, b.stream, x, 2);
        CHECK(cudaGetLastError() == cudaErrorStreamCaptureInvalidated);
        CHECK(cudaStreamEndCapture(b.stream, &graph) == cudaErrorStreamCaptureInvalidated && !graph);
        OK(cudaStreamSynchronize(b.stream));
        CHECK(emulator_counts().kernels == 0);
        cudaGetLastError();
    }
    /* another thread is free to do what it likes, except with the stream */
    cudaGraph_t graph;
    OK(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeThreadLocal));
    std::thread([&] {
        other.room<float>(3);
        OK(cudaStreamSynchronize(other.stream));
        CHECK(cudaStreamEndCapture(b.stream, &graph) == cudaErrorStreamCaptureWrongThread);
    }).join();
    OK(cudaStreamEndCapture(b.stream, &graph));
    OK(cudaGraphDestroy(graph));
    CHECK(cudaStreamEndCapture(b.stream, &graph) == cudaErrorIllegalState);
    b.close();
    other.close();
    cudaGetLastError();
}

void test_shapes() {
    bench b;
    int *y = b.room<int>(2 * 3 * 4 * 4 * 3 * 2);
    OK(cudaMemsetAsync(y, 0, 2 * 3 * 4 * 4 * 3 * 2 * sizeof(int), b.stream));
    LAUNCH(shapes, dim3(2, 3, 4), dim3(4, 3, 2), b.stream, y);
    OK(cudaGetLastError());
    for (const int value : b.get(y, 2 * 3 * 4 * 4 * 3 * 2))
        CHECK(value == 1);
    const dim3 wrong[][2] = {{0, 1}, {1, 0}, {1, 1025}, {{1, 65536}, 1}, {{1, 1, 65536}, 1}, {1, {33, 32}}, {1, {1, 1, 65}}};
    for (const auto &shape : wrong) {
        LAUNCH(shapes, shape[0], shape[1], b.stream, y);
        CHECK(cudaPeekAtLastError() == cudaErrorInvalidConfiguration);
        CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration && cudaGetLastError() == cudaSuccess);
    }
    b.close();
}

void test_kernels() {
    check_product<NONE>(100, 50, 130);
    check_columns<NONE>();
    check_shuffled<NONE>();
    check_squares<NONE>();
    bench b;
    float *down = b.room<float>(32);
    uint32_t *rotated = b.room<uint32_t>(32);
    int32_t *first = b.room<int32_t>(32);
    LAUNCH(other_shuffles, 1, 32, b.stream, down, rotated, first);
    OK(cudaGetLastError());
    for (size_t lane = 0; lane < 32; ++lane) {
        CHECK(b.get(down, 32)[lane] == (float)(lane < 24 ? lane + 8 : lane));
        CHECK(b.get(rotated, 32)[lane] == (lane + 1) % 32);
        CHECK(b.get(first, 32)[lane] == -1);
    }
    b.close();
}

/* [blocks = 3, threads = 4], in each order. */
std::vector<int> order_of(const char *name) {
    setenv("EMULATOR_ORDER", name, 1);
    bench b;
    int *next = b.room<int>(1), *number = b.room<int>(12);
    OK(cudaMemsetAsync(next, 0, sizeof *next, b.stream));
    LAUNCH(numbered, 3, 4, b.stream, next, number);
    OK(cudaGetLastError());
    const std::vector<int> got = b.get(number, 12);
    b.close();
    unsetenv("EMULATOR_ORDER");
    return got;
}

void test_orders() {
    const std::vector<int> up = order_of("up"), down = order_of("down"), shuffled = order_of("shuffle");
    std::vector<int> seen(12);
    for (size_t i = 0; i < 12; ++i) {
        CHECK(up[i] == (int)i && down[i] == 11 - (int)i);
        ++seen[(size_t)shuffled[i]];
    }
    CHECK(seen == std::vector<int>(12, 1) && shuffled != up && shuffled != down);
    for (const char *name : {"down", "shuffle"}) {
        setenv("EMULATOR_ORDER", name, 1);
        check_product<NONE>(35, 40, 100);
        check_columns<NONE>();
        check_shuffled<NONE>();
    }
    unsetenv("EMULATOR_ORDER");
}

/* A program as it should be: it notes every error, and releases what it has. */
cudaError_t whole_program(float *result) {
    cudaError_t error = cudaSuccess;
    cudaStream_t stream = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    void *x = nullptr;
    const auto note = [&](cudaError_t e) { error = error ? error : e; };
    note(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    if (!error)
        note(cudaMalloc(&x, 128));
    if (!error)
        note(cudaMemsetAsync(x, 0, 128, stream));
    if (!error)
        note(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    if (!error) {
        LAUNCH(add, 1, 32, stream, (float *)x, 3);
        note(cudaGetLastError());
        note(cudaStreamEndCapture(stream, &graph));
    }
    if (!error)
        note(cudaGraphInstantiateWithFlags(&exec, graph, 0));
    if (!error)
        note(cudaGraphLaunch(exec, stream));
    if (!error)
        note(cudaMemcpyAsync(result, x, 4, cudaMemcpyDeviceToHost, stream));
    if (!error)
        note(cudaStreamSynchronize(stream));
    if (exec)
        note(cudaGraphExecDestroy(exec));
    if (graph)
        note(cudaGraphDestroy(graph));
    if (x)
        note(cudaFree(x));
    if (stream)
        note(cudaStreamDestroy(stream));
    return error;
}

void test_failing_calls() {
    float result = 0;
    OK(whole_program(&result));
    CHECK(result == 3);
    const long calls = emulator_calls();
    CHECK(calls == 15);
    for (const cudaError_t error : {cudaErrorUnknown, cudaErrorIllegalAddress})
        for (long n = 1; n <= calls + 1; ++n) {
            emulator_reset();
            emulator_fail(n, error);
            CHECK(whole_program(&result) == (n <= calls ? error : cudaSuccess));
            CHECK((emulator_failed() != nullptr) == (n <= calls));
            if (n == 6)
                CHECK(std::strcmp(emulator_failed(), "cudaGetLastError") == 0);
            const struct emulated_live live = emulator_live();
            CHECK(live.device_blocks == 0);
            CHECK(live.streams == 0 && live.graphs == 0 && live.execs == 0);
            emulator_fail(0, cudaSuccess);
            const bool lost = error == cudaErrorIllegalAddress, taken = n == 5 || n == 6; /* by the program */
            CHECK((cudaGetLastError() == error) == (n <= calls && (lost || !taken)));
            CHECK((cudaGetLastError() == error) == (n <= calls && lost));
        }
    emulator_reset();
    OK(whole_program(&result));
    CHECK(emulator_live().device_blocks == 0);
}

void test_devices() {
    int value;
    struct cudaDeviceProp properties;
    struct cudaFuncAttributes attributes;
    OK(cudaGetDeviceCount(&value));
    CHECK(value == 1 && cudaSetDevice(1) == cudaErrorInvalidDevice);
    CHECK(cudaGetLastError() == cudaErrorInvalidDevice);
    emulator_machine()->devices = 2;
    OK(cudaSetDevice(1));
    std::thread([] {
        int mine;
        OK(cudaGetDevice(&mine));
        CHECK(mine == 0);
    }).join();
    OK(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMajor, 1));
    CHECK(value == 9);
    OK(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 1));
    CHECK(value == 132);
    OK(cudaGetDeviceProperties(&properties, 1));
    CHECK(properties.major == 9 && properties.totalGlobalMem == emulator_machine()->memory);
    OK(cudaFuncGetAttributes(&attributes, product<NONE>));
    CHECK(attributes.maxThreadsPerBlock == 1024);
    emulator_machine()->attributes_status = cudaErrorNoKernelImageForDevice;
    CHECK(cudaFuncGetAttributes(&attributes, (const void *)product<NONE>) == cudaErrorNoKernelImageForDevice);
    emulator_machine()->device_status = cudaErrorSystemDriverMismatch;
    CHECK(cudaGetDeviceCount(&value) == cudaErrorSystemDriverMismatch);
    emulator_machine()->device_status = cudaSuccess;
    emulator_machine()->devices = 0;
    CHECK(cudaGetDeviceCount(&value) == cudaErrorNoDevice);
    for (const int driver : {0, 12080}) {
        emulator_machine()->driver = driver;
        OK(cudaDriverGetVersion(&value));
        CHECK(value == driver);
        CHECK(cudaGetDeviceCount(&value) == cudaErrorInsufficientDriver);
        CHECK(cudaGetLastError() == cudaErrorInsufficientDriver && cudaGetLastError() == cudaErrorInsufficientDriver);
    }
    OK(cudaRuntimeGetVersion(&value));
    CHECK(value == CUDART_VERSION);
    CHECK(std::strcmp(cudaGetErrorName(cudaErrorInsufficientDriver), "cudaErrorInsufficientDriver") == 0);
    CHECK(std::strcmp(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory") == 0);
    emulator_reset();
    setenv("EMULATOR_CAPABILITY", "75", 1);
    emulator_reset();
    CHECK(emulator_machine()->capability == 75 && emulator_machine()->devices == 1);
    unsetenv("EMULATOR_CAPABILITY");
}

/* Host threads take turns, kernel by kernel. */
void test_host_threads() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([] {
            check_product<NONE>(40, 40, 70);
            check_columns<NONE>();
        });
    for (std::thread &t : threads)
        t.join();
}

} // namespace

int main() {
    void (*const tests[])() = {test_memory,  test_streams, test_capture,       test_forbidden_in_capture, test_shapes,
                               test_kernels, test_orders,  test_failing_calls, test_devices,              test_host_threads};
    for (void (*const test)() : tests) {
        test();
        emulator_reset();
    }
    return 0;
}
