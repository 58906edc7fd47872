/* SPDX-License-Identifier: MIT */
/* Device and pinned memory, and copies. Blocks have their exact size, so that the address sanitizer sees what is past
 * them. */
#include "internal.h"

#include <cstdlib>

namespace emulator {

enum class place_of { pageable, pinned, device, across }; /* across: begins in a block, and ends past it */

static place_of find(const void *p, size_t size) {
    const auto found = alive.lower_bound(~(uintptr_t)p); /* keys are complements: the block at or below */
    if (found == alive.end() || (found->second.kind != what::device_memory && found->second.kind != what::host_memory))
        return place_of::pageable;
    const size_t offset = (uintptr_t)p - ~found->first;
    if (offset >= found->second.size)
        return place_of::pageable;
    if (size > found->second.size - offset)
        return place_of::across;
    return found->second.kind == what::device_memory ? place_of::device : place_of::pinned;
}

static bool on_device(place_of p) {
    return p == place_of::device;
}

static size_t in_use() {
    size_t sum = 0;
    for (const auto &one : alive)
        if (one.second.kind == what::device_memory && one.second.device == current_device())
            sum += one.second.size;
    return sum;
}

static size_t available() {
    const size_t total = emulator_machine()->memory, used = in_use();
    return used < total ? total - used : 0;
}

static cudaError_t allocate(void **pointer, size_t size, what kind) {
    void *p = nullptr;
    *pointer = nullptr;
    if (size == 0)
        return cudaSuccess;
    if ((kind == what::device_memory && size > available()) || posix_memalign(&p, 256, size) != 0)
        return cudaErrorMemoryAllocation;
    std::memset(p, 0xff, size); /* NaN, whatever was there before */
    born(p, kind, size);
    *pointer = p;
    return cudaSuccess;
}

void release_memory(void *p) {
    alive.erase(~(uintptr_t)p);
    std::free(p);
}

static cudaError_t release(void *p, what kind) {
    if (!p)
        return cudaSuccess;
    if (!is_alive(p, kind))
        return cudaErrorInvalidValue;
    release_memory(p);
    return cudaSuccess;
}

/* Rows of bytes from one place to another. */
struct copy {
    char *to;
    const char *from;
    size_t to_pitch, from_pitch, width, height;

    place_of target() const { return find(to, (height - 1) * to_pitch + width); }
    place_of source() const { return find(from, (height - 1) * from_pitch + width); }

    void run() const {
        if (!on_device(target()))
            counts.bytes_to_host += width * height;
        else if (!on_device(source()))
            counts.bytes_to_device += width * height;
        for (size_t row = 0; row < height; ++row)
            std::memcpy(to + row * to_pitch, from + row * from_pitch, width);
    }
};

static bool kind_fits(enum cudaMemcpyKind kind, place_of to, place_of from) {
    if (kind == cudaMemcpyDefault)
        return true;
    const bool both = kind == cudaMemcpyDeviceToDevice;
    return on_device(to) == (both || kind == cudaMemcpyHostToDevice) &&
           on_device(from) == (both || kind == cudaMemcpyDeviceToHost);
}

/* A copy between device and pinned memory waits in its stream. One from or to pageable memory is over when the call
 * returns. */
static cudaError_t submit_copy(const copy &c, enum cudaMemcpyKind kind, cudaStream_t stream) {
    if (!is_alive(stream, what::stream))
        return cudaErrorInvalidResourceHandle;
    if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault)
        return cudaErrorInvalidMemcpyDirection;
    if (c.width == 0 || c.height == 0)
        return cudaSuccess;
    const place_of to = c.target(), from = c.source();
    if (!c.to || !c.from || to == place_of::across || from == place_of::across || !kind_fits(kind, to, from))
        return cudaErrorInvalidValue;
    if (to == place_of::pageable || from == place_of::pageable) {
        cudaError_t error = refuse_in_capture(stream);
        if (!error)
            error = run_queue(stream);
        if (!error)
            c.run();
        return error;
    }
    return submit(stream, [=] {
        if (c.target() != to || c.source() != from)
            die("a copy runs whose memory has been freed since it was submitted or captured");
        c.run();
    });
}

} // namespace emulator

using namespace emulator;

cudaError_t cudaMalloc(void **pointer, size_t size) {
    return call("cudaMalloc", [=] {
        const cudaError_t error = refuse_in_capture();
        return error ? error : allocate(pointer, size, what::device_memory);
    });
}

cudaError_t cudaMallocHost(void **pointer, size_t size) {
    return call("cudaMallocHost", [=] {
        const cudaError_t error = refuse_in_capture();
        return error ? error : allocate(pointer, size, what::host_memory);
    });
}

/* Waits for all that the device has to do. */
cudaError_t cudaFree(void *pointer) {
    return releasing_call("cudaFree", [=] {
        const cudaError_t error = refuse_in_capture();
        if (error)
            return error;
        run_queues();
        return release(pointer, what::device_memory);
    });
}

cudaError_t cudaFreeHost(void *pointer) {
    return releasing_call("cudaFreeHost", [=] {
        const cudaError_t error = refuse_in_capture();
        return error ? error : release(pointer, what::host_memory);
    });
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total) {
    return call("cudaMemGetInfo", [=] {
        *free_bytes = available();
        *total = emulator_machine()->memory;
        return cudaSuccess;
    });
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, enum cudaMemcpyKind kind, cudaStream_t stream) {
    return call("cudaMemcpyAsync",
                [=] { return submit_copy({(char *)to, (const char *)from, size, size, size, 1}, kind, stream); });
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              enum cudaMemcpyKind kind, cudaStream_t stream) {
    return call("cudaMemcpy2DAsync", [=] {
        if (width > to_pitch || width > from_pitch)
            return cudaErrorInvalidPitchValue;
        return submit_copy({(char *)to, (const char *)from, to_pitch, from_pitch, width, height}, kind, stream);
    });
}

cudaError_t cudaMemsetAsync(void *pointer, int value, size_t size, cudaStream_t stream) {
    return call("cudaMemsetAsync", [=] {
        if (size == 0)
            return is_alive(stream, what::stream) ? cudaSuccess : cudaErrorInvalidResourceHandle;
        if (!on_device(find(pointer, size)))
            return cudaErrorInvalidValue;
        return submit(stream, [=] {
            if (!on_device(find(pointer, size)))
                die("a memset runs whose memory has been freed since it was submitted or captured");
            std::memset(pointer, value, size);
        });
    });
}
