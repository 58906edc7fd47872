/* SPDX-License-Identifier: MIT */
/* The device side of CUDA C++ for a host compiler (C++17): qualifiers, vector types, built-in variables, barriers,
 * shuffles, and LAUNCH. Only what the kernels use is here: full-mask shuffles of 32-bit values, static shared memory,
 * no atomics. */
#ifndef EMULATOR_CUDA_RUNTIME_H
#define EMULATOR_CUDA_RUNTIME_H

#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <math.h>
#include <tuple>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))

/* One copy serves every block, as blocks run one after another. The tag gets into the variable's symbol, by which the
 * emulator finds the variables to spoil before each block: g++ ignores a section attribute inside a template. `used`,
 * as the compiler must not rely on seeing every write. */
#define __shared__ static __attribute__((used, abi_tag("emu_shared")))

/* Vector types have CUDA's alignment, so that the undefined-behaviour sanitizer sees misaligned accesses. */
struct uint3 {
    unsigned x, y, z;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(4) uchar4 {
    unsigned char x, y, z, w;
};

static inline float2 make_float2(float x, float y) {
    return {x, y};
}
static inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}
static inline uint2 make_uint2(unsigned x, unsigned y) {
    return {x, y};
}
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
    return {x, y, z, w};
}
static inline int4 make_int4(int x, int y, int z, int w) {
    return {x, y, z, w};
}
static inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) {
    return {x, y, z, w};
}

/* The library's side of this header. */
namespace emulator {

/* Where the running CUDA thread is. Only one kernel runs at any time. */
struct place {
    uint3 thread, block;
    dim3 block_size, grid_size;
};
extern place here;

struct kernel {
    const char *name;
    dim3 grid, block;
    std::function<void()> thread; /* the call that each CUDA thread makes, with the arguments in it */
};

void launch(kernel &&k, cudaStream_t stream);
void block_barrier(const char *file, int line);
void warp_barrier(const char *file, int line);

enum class shuffle { xor_, down, index };
uint32_t exchange(shuffle how, unsigned mask, uint32_t value, int operand, const char *file, int line);

/* Says in which program or library there are kernels, for as long as it is loaded. */
struct kernels_here {
    kernels_here();
    ~kernels_here();
    kernels_here(const kernels_here &) = delete;
    kernels_here &operator=(const kernels_here &) = delete;
};
static const kernels_here these_kernels;

template <typename T> T exchange_bits(shuffle how, unsigned mask, T value, int operand, const char *file, int line) {
    static_assert(sizeof(T) == 4 && std::is_arithmetic_v<T>, "shuffles are of 32-bit numbers");
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits = exchange(how, mask, bits, operand, file, line);
    std::memcpy(&value, &bits, sizeof bits);
    return value;
}

template <typename T> struct same {
    using type = T;
};

/* Arguments become the kernel's parameters at once, as in a launch of CUDA's, and are kept by value. */
template <typename... P>
void launch(const char *name, void (*function)(P...), dim3 grid, dim3 block, cudaStream_t stream,
            typename same<P>::type... given) {
    static_assert((std::is_trivially_copyable_v<P> && ...), "a kernel's parameters are copied byte by byte");
    static_assert((0 + ... + sizeof(P)) <= 4096, "a kernel's parameters have room for 4096 bytes");
    const std::tuple<P...> parameters(given...);
    launch({name, grid, block, [function, parameters] { std::apply(function, parameters); }}, stream);
}

} // namespace emulator

#define threadIdx (emulator::here.thread)
#define blockIdx (emulator::here.block)
#define blockDim (emulator::here.block_size)
#define gridDim (emulator::here.grid_size)

/* In the place of <<<>>>. The kernel is a function, or an instance of a template in parentheses. */
#define LAUNCH(kernel, grid, block, stream, ...) emulator::launch(#kernel, kernel, grid, block, stream, __VA_ARGS__)

#define EMULATOR_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

static inline void __syncthreads(EMULATOR_CALLER) {
    emulator::block_barrier(file, line);
}

static inline void __syncwarp(EMULATOR_CALLER) {
    emulator::warp_barrier(file, line);
}

template <typename T>
static inline T __shfl_xor_sync(unsigned mask, T value, int lanes, EMULATOR_CALLER) {
    return emulator::exchange_bits(emulator::shuffle::xor_, mask, value, lanes, file, line);
}

template <typename T>
static inline T __shfl_down_sync(unsigned mask, T value, unsigned lanes, EMULATOR_CALLER) {
    return emulator::exchange_bits(emulator::shuffle::down, mask, value, (int)lanes, file, line);
}

template <typename T>
static inline T __shfl_sync(unsigned mask, T value, int lane, EMULATOR_CALLER) {
    return emulator::exchange_bits(emulator::shuffle::index, mask, value, lane, file, line);
}

template <typename T> static inline T __ldg(const T *pointer) {
    return *pointer;
}

template <typename... P>
static inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, void (*kernel)(P...)) {
    return cudaFuncGetAttributes(attributes, reinterpret_cast<const void *>(kernel));
}

#endif
