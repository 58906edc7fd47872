/* SPDX-License-Identifier: MIT */
/* Opening a device, with a reason of its own for each way in which there is none; errors of the runtime. */
#include "device.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COMPUTE_MAJOR = 8 }; /* of compute capability, at least: what the module has machine code for */

/* After these what the process has on the device is gone, and every later call fails, says driver_types.h: errors of memory
 * and links, illegal addresses, timeouts, assertions, faults of a kernel. */
static const int sticky[] = {214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 0};

/* What asking for a kernel gives where the module has no code that device and driver take: invalid device function, invalid
 * image, no image, invalid PTX, no or another compiler for it. */
static const int no_code[] = {98, 200, 209, 218, 221, 222, 223, 0};

static bool is_among(cudaError_t error, const int *codes) {
    while (*codes && *codes != (int)error)
        codes++;
    return *codes != 0;
}

bool device_alive(const struct device *device) {
    return !device->lost && device->pid == getpid();
}

nninit_status device_check(struct device *device, cudaError_t error, const char *call) {
    if (error == cudaSuccess)
        return NNINIT_OK;
    const int length = (int)strcspn(call, "(");
    const nninit_status status = error == cudaErrorMemoryAllocation ? NNINIT_ERR_MEMORY : NNINIT_ERR_DEVICE;
    device->lost = device->lost || is_among(error, sticky);
    if (!device->lost)
        cudaGetLastError(); /* else the next call would return it again */
    return device->host.fail(device->host.context, status, "%.*s on cuda:%d: %s (%s, %d)%s", length, call,
                             device->ordinal, cudaGetErrorString(error), cudaGetErrorName(error), (int)error,
                             device->lost ? "; the device is lost to this context" : "");
}

/* *caller: the device that is to be put back; -1: it is this one. */
static nninit_status make_current(struct device *device, int *caller) {
    nninit_status status = CHECK(device, cudaGetDevice(caller));
    if (status < 0 || *caller == device->ordinal) {
        *caller = -1;
        return status;
    }
    return CHECK(device, cudaSetDevice(device->ordinal));
}

nninit_status device_enter(struct device *device, int *caller) {
    const struct host *host = &device->host;
    if (device->lost)
        return host->fail(host->context, NNINIT_ERR_DEVICE, "cuda:%d was lost to this context by an earlier failure",
                          device->ordinal);
    if (device->pid != getpid())
        return host->fail(host->context, NNINIT_ERR_DEVICE,
                          "cuda:%d was opened by process %ld; a forked process cannot use it and needs a program of its "
                          "own (exec)", device->ordinal, (long)device->pid);
    return make_current(device, caller);
}

void device_leave(int caller) {
    if (caller >= 0)
        cudaSetDevice(caller);
}

/* The driver, before any device. */
static nninit_status check_driver(const struct host *host) {
    int driver = 0, count = 0;
    const cudaError_t asked = cudaDriverGetVersion(&driver);
    if (asked != cudaSuccess || driver == 0)
        return host->fail(host->context, NNINIT_ERR_BACKEND, "cuda: there is no NVIDIA driver (libcuda.so.1)");
    if (driver / 1000 < CUDART_VERSION / 1000)
        return host->fail(host->context, NNINIT_ERR_BACKEND,
                          "cuda: the NVIDIA driver is too old: it serves CUDA %d.%d, this module needs %d.0 at least",
                          driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000);
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0))
        return host->fail(host->context, NNINIT_ERR_BACKEND,
                          "cuda: there is no device that CUDA can use (CUDA_VISIBLE_DEVICES may hide it)");
    if (error == cudaErrorInitializationError)
        return host->fail(host->context, NNINIT_ERR_BACKEND,
                          "cuda: %s (%s, %d); a process cannot use CUDA after a fork from one that did",
                          cudaGetErrorString(error), cudaGetErrorName(error), (int)error);
    if (error != cudaSuccess)
        return host->fail(host->context, NNINIT_ERR_BACKEND, "cuda: the NVIDIA driver does not work: %s (%s, %d)",
                          cudaGetErrorString(error), cudaGetErrorName(error), (int)error);
    if (host->device >= count)
        return host->fail(host->context, NNINIT_ERR_BACKEND, "cuda: there is no device %d; there are %d, from 0 on",
                          host->device, count);
    return NNINIT_OK;
}

/* A device that has machine code in the module. */
static nninit_status check_device(struct device *device) {
    const struct host *host = &device->host;
    static const char *const words[] = {"exact", "fast: bits of its own", "tf32: bits of its own"};
    struct cudaDeviceProp properties;
    nninit_status status = CHECK(device, cudaGetDeviceProperties(&properties, device->ordinal));
    if (status < 0)
        return status;
    if (properties.major < COMPUTE_MAJOR)
        return host->fail(host->context, NNINIT_ERR_BACKEND,
                          "cuda: device %d (%s) is not supported: its compute capability is %d.%d; at least %d.0 is needed",
                          device->ordinal, properties.name, properties.major, properties.minor, COMPUTE_MAJOR);
    const cudaError_t error = kernels_load();
    if (is_among(error, no_code))
        return host->fail(host->context, NNINIT_ERR_BACKEND,
                          "cuda: device %d (%s) is not supported: this module has no code for compute capability %d.%d "
                          "that the driver takes (%s, %d)", device->ordinal, properties.name, properties.major,
                          properties.minor, cudaGetErrorName(error), (int)error);
    device->processors = properties.multiProcessorCount;
    snprintf(device->description, sizeof device->description, "cuda:%d (%.120s, sm_%d%d, %s)", device->ordinal,
             properties.name, properties.major, properties.minor, words[host->math]);
    return device_check(device, error, "cudaFuncGetAttributes");
}

static nninit_status set_up(struct device *device) {
    nninit_status status = check_device(device);
    if (status == NNINIT_OK)
        status = CHECK(device, cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking));
    return status;
}

nninit_status device_open(struct device **out, const struct host *host) {
    int caller = -1;
    nninit_status status = check_driver(host);
    if (status < 0) {
        cudaGetLastError();
        return status;
    }
    struct device *device = host->alloc(host->context, sizeof *device);
    if (!device)
        return NNINIT_ERR_MEMORY;
    device->host = *host;
    device->ordinal = host->device;
    device->pid = getpid();
    status = make_current(device, &caller);
    if (status == NNINIT_OK) {
        status = set_up(device);
        device_leave(caller);
    }
    if (status < 0) {
        device_close(device);
        return status;
    }
    *out = device;
    return NNINIT_OK;
}

void device_close(struct device *device) {
    const struct host host = device->host;
    int caller;
    const bool entered = device_alive(device) && device_enter(device, &caller) == NNINIT_OK;
    if (entered && device->stream)
        cudaStreamDestroy(device->stream);
    if (entered)
        device_leave(caller);
    host.free(host.context, device);
}

const char *device_describe(const struct device *device) {
    return device->description;
}
