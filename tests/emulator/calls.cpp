/* SPDX-License-Identifier: MIT */
/* Errors, injected ones too; devices; and the tests' control of both. */
#include "internal.h"

#include <cstdio>
#include <cstdlib>

namespace emulator {

std::map<uintptr_t, record> alive;
struct emulated_counts counts;

static std::mutex everything;
static thread_local cudaError_t last;
static thread_local int device;
static cudaError_t lasting; /* a lost device: what every call returns from now on */
static long calls;

static struct {
    long in; /* so many calls; 0: none */
    cudaError_t error;
    const char *hit;
} failure;

lock_all::lock_all() {
    everything.lock();
}

lock_all::~lock_all() {
    everything.unlock();
}

static long environment(const char *name, long otherwise) {
    const char *value = std::getenv(name);
    return value && *value ? std::strtol(value, nullptr, 10) : otherwise;
}

static struct emulated_machine first_machine() {
    struct emulated_machine m = {};
    m.devices = (int)environment("EMULATOR_DEVICES", 1);
    m.driver = (int)environment("EMULATOR_DRIVER", CUDART_VERSION);
    m.capability = (int)environment("EMULATOR_CAPABILITY", 90);
    m.multiprocessors = (int)environment("EMULATOR_MULTIPROCESSORS", 132);
    m.memory = (size_t)8 << 30;
    return m;
}

static struct emulated_machine machine = first_machine();

int current_device() {
    return device;
}

/* No driver and one of an older major version look the same to all calls but cudaDriverGetVersion(). */
static bool driver_serves() {
    return machine.driver / 1000 >= CUDART_VERSION / 1000;
}

static bool is_lasting(cudaError_t error) {
    return error == cudaErrorECCUncorrectable ||
           (error >= cudaErrorIllegalAddress && error <= cudaErrorCooperativeLaunchTooLarge);
}

static cudaError_t injected(const char *name) {
    ++calls;
    if (failure.in == 0 || --failure.in > 0)
        return cudaSuccess;
    failure.hit = name;
    return failure.error;
}

static cudaError_t without_device() {
    if (!driver_serves())
        return cudaErrorInsufficientDriver;
    if (machine.device_status)
        return machine.device_status;
    return machine.devices < 1 ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t enter(const char *name, bool needs_device) {
    const cudaError_t error = injected(name);
    if (error)
        return error;
    if (lasting)
        return lasting;
    return needs_device ? without_device() : cudaSuccess;
}

cudaError_t leave(cudaError_t error) {
    if (error)
        last = error;
    if (is_lasting(error)) {
        lasting = error;
        drop_queues();
    }
    return error;
}

static bool exists(int number) {
    return number >= 0 && number < machine.devices;
}

static cudaError_t last_error(const char *name, bool forget) {
    const lock_all lock;
    const cudaError_t error = injected(name);
    if (error)
        return leave(error);
    if (lasting)
        return lasting;
    if (!driver_serves())
        return cudaErrorInsufficientDriver;
    const cudaError_t was = last;
    if (forget)
        last = cudaSuccess;
    return was;
}

} // namespace emulator

using namespace emulator;

cudaError_t cudaGetLastError(void) {
    const cudaError_t error = last_error("cudaGetLastError", true);
    last = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError(void) {
    return last_error("cudaPeekAtLastError", false);
}

cudaError_t cudaGetDevice(int *number) {
    return call("cudaGetDevice", [=] {
        *number = device;
        return cudaSuccess;
    });
}

cudaError_t cudaSetDevice(int number) {
    return call("cudaSetDevice", [=] {
        if (!exists(number))
            return cudaErrorInvalidDevice;
        device = number;
        return cudaSuccess;
    });
}

cudaError_t cudaGetDeviceCount(int *count) {
    return call("cudaGetDeviceCount", [=] {
        *count = machine.devices;
        return cudaSuccess;
    });
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int number) {
    return call("cudaGetDeviceProperties", [=] {
        if (!exists(number))
            return cudaErrorInvalidDevice;
        *properties = {};
        std::snprintf(properties->name, sizeof properties->name, "emulated device %d", number);
        properties->totalGlobalMem = machine.memory;
        properties->major = machine.capability / 10;
        properties->minor = machine.capability % 10;
        properties->multiProcessorCount = machine.multiprocessors;
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int number) {
    return call("cudaDeviceGetAttribute", [=] {
        if (!exists(number))
            return cudaErrorInvalidDevice;
        switch (attribute) {
        case cudaDevAttrMultiProcessorCount:
            *value = machine.multiprocessors;
            return cudaSuccess;
        case cudaDevAttrComputeCapabilityMajor:
            *value = machine.capability / 10;
            return cudaSuccess;
        case cudaDevAttrComputeCapabilityMinor:
            *value = machine.capability % 10;
            return cudaSuccess;
        }
        return cudaErrorInvalidValue;
    });
}

cudaError_t cudaDriverGetVersion(int *version) {
    return call(
        "cudaDriverGetVersion",
        [=] {
            *version = machine.driver;
            return cudaSuccess;
        },
        false);
}

cudaError_t cudaRuntimeGetVersion(int *version) {
    return call(
        "cudaRuntimeGetVersion",
        [=] {
            *version = CUDART_VERSION;
            return cudaSuccess;
        },
        false);
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function) {
    return call("cudaFuncGetAttributes", [=] {
        if (!function)
            return cudaErrorInvalidDeviceFunction;
        if (machine.attributes_status)
            return machine.attributes_status;
        *attributes = {};
        attributes->maxThreadsPerBlock = 1024;
        attributes->numRegs = 32;
        attributes->ptxVersion = attributes->binaryVersion = machine.capability;
        return cudaSuccess;
    });
}

static const struct {
    cudaError_t error;
    const char *name, *text;
} errors[] = {
#define ERROR(name, text) {name, #name, text}
    ERROR(cudaSuccess, "no error"),
    ERROR(cudaErrorInvalidValue, "invalid argument"),
    ERROR(cudaErrorMemoryAllocation, "out of memory"),
    ERROR(cudaErrorInitializationError, "initialization error"),
    ERROR(cudaErrorCudartUnloading, "driver shutting down"),
    ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    ERROR(cudaErrorInvalidPitchValue, "invalid pitch argument"),
    ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    ERROR(cudaErrorStubLibrary, "CUDA driver is a stub library"),
    ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    ERROR(cudaErrorCallRequiresNewerDriver, "API call is not supported in the installed CUDA driver"),
    ERROR(cudaErrorDevicesUnavailable, "CUDA-capable device(s) is/are busy or unavailable"),
    ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    ERROR(cudaErrorInvalidKernelImage, "device kernel image is invalid"),
    ERROR(cudaErrorDeviceUninitialized, "invalid device context"),
    ERROR(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    ERROR(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered"),
    ERROR(cudaErrorUnsupportedPtxVersion, "the provided PTX was compiled with an unsupported toolchain"),
    ERROR(cudaErrorOperatingSystem, "OS call failed or operation not supported on this OS"),
    ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    ERROR(cudaErrorSymbolNotFound, "named symbol not found"),
    ERROR(cudaErrorNotReady, "device not ready"),
    ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    ERROR(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    ERROR(cudaErrorContextIsDestroyed, "context is destroyed"),
    ERROR(cudaErrorAssert, "device-side assert triggered"),
    ERROR(cudaErrorHardwareStackError, "hardware stack error"),
    ERROR(cudaErrorIllegalInstruction, "an illegal instruction was encountered"),
    ERROR(cudaErrorMisalignedAddress, "misaligned address"),
    ERROR(cudaErrorInvalidAddressSpace, "operation not supported on global/shared address space"),
    ERROR(cudaErrorInvalidPc, "invalid program counter"),
    ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    ERROR(cudaErrorCooperativeLaunchTooLarge, "too many blocks in cooperative launch"),
    ERROR(cudaErrorNotPermitted, "operation not permitted"),
    ERROR(cudaErrorNotSupported, "operation not supported"),
    ERROR(cudaErrorSystemNotReady, "system not yet initialized"),
    ERROR(cudaErrorSystemDriverMismatch, "system has unsupported display driver / cuda driver combination"),
    ERROR(cudaErrorCompatNotSupportedOnDevice, "forward compatibility was attempted on non supported HW"),
    ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    ERROR(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"),
    ERROR(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began"),
    ERROR(cudaErrorStreamCaptureImplicit, "dependency created on uncaptured work in another stream"),
    ERROR(cudaErrorStreamCaptureWrongThread, "attempt to terminate a thread-local capture sequence from another thread"),
    ERROR(cudaErrorUnknown, "unknown error"),
#undef ERROR
};

const char *cudaGetErrorName(cudaError_t error) {
    for (const auto &e : errors)
        if (e.error == error)
            return e.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error) {
    for (const auto &e : errors)
        if (e.error == error)
            return e.text;
    return "unrecognized error code";
}

struct emulated_machine *emulator_machine(void) {
    return &machine;
}

void emulator_fail(long n, cudaError_t error) {
    const lock_all lock;
    failure = {n, error, nullptr};
}

const char *emulator_failed(void) {
    const lock_all lock;
    return failure.hit;
}

void emulator_reset(void) {
    const lock_all lock;
    drop_queues();
    while (!alive.empty()) {
        const auto one = *alive.begin();
        if (one.second.kind == what::device_memory || one.second.kind == what::host_memory)
            release_memory((void *)~one.first);
        else
            release_handle((void *)~one.first, one.second.kind);
    }
    failure = {};
    lasting = last = cudaSuccess;
    device = 0;
    calls = 0;
    counts = {};
    machine = first_machine();
}

long emulator_calls(void) {
    const lock_all lock;
    return calls;
}

struct emulated_counts emulator_counts(void) {
    const lock_all lock;
    return counts;
}

struct emulated_live emulator_live(void) {
    const lock_all lock;
    struct emulated_live live = {};
    for (const auto &one : alive) {
        live.device_blocks += one.second.kind == what::device_memory;
        live.host_blocks += one.second.kind == what::host_memory;
        live.streams += one.second.kind == what::stream;
        live.graphs += one.second.kind == what::graph;
        live.execs += one.second.kind == what::exec;
        if (one.second.kind == what::device_memory)
            live.device_bytes += one.second.size;
    }
    return live;
}
