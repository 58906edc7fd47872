/* SPDX-License-Identifier: MIT */
/* What the emulator's files have from each other. */
#ifndef EMULATOR_INTERNAL_H
#define EMULATOR_INTERNAL_H

#include "emulator.h"

#include <cuda_runtime.h>

#include <map>
#include <mutex>
#include <vector>

namespace emulator {

/* One lock for all there is: a call of the runtime holds it, and so does a kernel that runs. */
struct lock_all {
    lock_all();
    ~lock_all();
    lock_all(const lock_all &) = delete;
    lock_all &operator=(const lock_all &) = delete;
};

/* kernel.cpp, shared.cpp */
void run_kernel(const kernel &k);
void spoil_shared(); /* 0xff into all `__shared__` variables */

/* One line on stderr, and abort(): for wrong use that has no error of CUDA's. */
[[noreturn]] __attribute__((format(printf, 1, 2))) void die(const char *format, ...);

/* calls.cpp. `enter` counts a call and says what error it must return before it does anything; `leave` keeps the error
 * for cudaGetLastError. */
cudaError_t enter(const char *name, bool needs_device = true);
cudaError_t leave(cudaError_t error);

template <typename F> cudaError_t call(const char *name, F body, bool needs_device = true) {
    const lock_all lock;
    const cudaError_t error = enter(name, needs_device);
    return leave(error ? error : body());
}

/* A call that releases something does so whatever it reports. */
template <typename F> cudaError_t releasing_call(const char *name, F body) {
    const lock_all lock;
    const cudaError_t error = enter(name), own = body();
    return leave(error ? error : own);
}

int current_device();
extern struct emulated_counts counts;

/* All that is alive, by complemented address: the leak sanitizer must not take this table for an owner. */
enum class what { device_memory, host_memory, stream, graph, exec };
struct record {
    what kind;
    size_t size;
    int device;
};
extern std::map<uintptr_t, record> alive;

static inline void born(void *p, what kind, size_t size) {
    alive[~(uintptr_t)p] = {kind, size, current_device()};
}

static inline bool is_alive(const void *p, what kind) {
    const auto found = alive.find(~(uintptr_t)p);
    return found != alive.end() && found->second.kind == kind;
}

/* Handles of one kind. */
template <typename T> std::vector<T *> all_alive(what kind) {
    std::vector<T *> handles;
    for (const auto &one : alive)
        if (one.second.kind == kind)
            handles.push_back((T *)~one.first);
    return handles;
}

/* stream.cpp */
using operation = std::function<void()>;
cudaError_t submit(cudaStream_t stream, operation work);
cudaError_t run_queue(cudaStream_t stream); /* all that waits in the stream */
void run_queues();                          /* of all streams */
void drop_queues();
cudaError_t refuse_in_capture();                    /* a call that no thread may make while it captures */
cudaError_t refuse_in_capture(cudaStream_t stream); /* nor on a stream that captures */

/* Destroys anything that is alive. */
void release_memory(void *p);
void release_handle(void *p, what kind);

} // namespace emulator

#endif
