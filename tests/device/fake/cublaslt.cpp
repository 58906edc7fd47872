/* SPDX-License-Identifier: MIT */
/* A cuBLASLt of plain loops on the emulated runtime: column-major products, whose sums are in double so that their bits are not
 * the law's, and with operands rounded to ten bits where TF32 is asked for. It refuses what the real one would. */
#include "cublaslt.h"

#include <cuda_runtime.h>

#include <cstdlib>
#include <cstring>

namespace {

struct layout {
    uint64_t rows, cols;
    int64_t ld;
};

struct product {
    int compute, op_a, op_b;
};

struct operand {
    const float *data;
    int64_t ld;
    bool transposed, rounded;

    float at(int64_t row, int64_t col) const {
        const float x = transposed ? data[col + row * ld] : data[row + col * ld];
        uint32_t bits;
        std::memcpy(&bits, &x, sizeof bits);
        bits = (bits + 0x1000) & 0xffffe000;
        float y;
        std::memcpy(&y, &bits, sizeof y);
        return rounded ? y : x;
    }
};

__global__ void multiply(operand a, operand b, float *d, int64_t ld, int64_t rows, int64_t cols, int64_t depth) {
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= rows * cols)
        return;
    double sum = 0;
    for (int64_t k = depth - 1; k >= 0; k--)
        sum += (double)a.at(i % rows, k) * b.at(k, i / rows);
    d[i % rows + i / rows * ld] = (float)sum;
}

/* FAKE_CUBLASLT_FAIL=n: the nth call fails; FAKE_CUBLASLT_NONE: there is an algorithm for nothing. */
int refuse() {
    static long calls;
    const char *fail = std::getenv("FAKE_CUBLASLT_FAIL");
    if (!fail) {
        calls = 0;
        return LT_SUCCESS;
    }
    return ++calls == std::atol(fail) ? 14 : LT_SUCCESS;
}

template <typename T> int make(void **out, const T &value) {
    const int status = refuse();
    *out = status == LT_SUCCESS ? new T(value) : nullptr;
    return status;
}

template <typename T> int drop(void *thing) {
    delete (T *)thing;
    return LT_SUCCESS;
}

struct nothing {};

} // namespace

extern "C" {

#define EXPORT __attribute__((visibility("default")))

EXPORT int cublasLtCreate(void **handle) { return make(handle, nothing{}); }
EXPORT int cublasLtDestroy(void *handle) { return drop<nothing>(handle); }
EXPORT int cublasLtMatmulDescCreate(void **desc, int compute, int scale) {
    return scale != LT_R_32F ? 7 : make(desc, product{compute, LT_OP_N, LT_OP_N});
}
EXPORT int cublasLtMatmulDescDestroy(void *desc) { return drop<product>(desc); }
EXPORT int cublasLtMatrixLayoutDestroy(void *matrix) { return drop<layout>(matrix); }
EXPORT int cublasLtMatmulPreferenceCreate(void **preference) { return make(preference, nothing{}); }
EXPORT int cublasLtMatmulPreferenceDestroy(void *preference) { return drop<nothing>(preference); }

EXPORT int cublasLtMatmulPreferenceSetAttribute(void *, int attribute, const void *, size_t size) {
    const bool known = (attribute == LT_PREF_MAX_WORKSPACE_BYTES && size == 8) ||
                       (attribute == LT_PREF_REDUCTION_SCHEME_MASK && size == 4);
    return known ? refuse() : 7;
}

EXPORT int cublasLtMatmulDescSetAttribute(void *desc, int attribute, const void *value, size_t size) {
    if (size != 4 || (attribute != LT_DESC_TRANSA && attribute != LT_DESC_TRANSB))
        return 7;
    std::memcpy(attribute == LT_DESC_TRANSA ? &((product *)desc)->op_a : &((product *)desc)->op_b, value, size);
    return refuse();
}

EXPORT int cublasLtMatrixLayoutCreate(void **matrix, int type, uint64_t rows, uint64_t cols, int64_t ld) {
    return type != LT_R_32F || ld < (int64_t)rows ? 7 : make(matrix, layout{rows, cols, ld});
}

static bool fits(const product &p, const layout &a, const layout &b, const layout &d) {
    const uint64_t rows = p.op_a ? a.cols : a.rows, depth = p.op_a ? a.rows : a.cols, cols = p.op_b ? b.rows : b.cols;
    return d.rows == rows && d.cols == cols && depth == (p.op_b ? b.cols : b.rows);
}

EXPORT int cublasLtMatmulAlgoGetHeuristic(void *, void *desc, void *a, void *b, void *c, void *d, void *, int most,
                                          lt_heuristic *results, int *count) {
    *count = 0;
    if (most < 1 || c != d || !fits(*(product *)desc, *(layout *)a, *(layout *)b, *(layout *)d))
        return 7;
    if (std::getenv("FAKE_CUBLASLT_NONE"))
        return LT_NOT_SUPPORTED;
    results->state = LT_SUCCESS;
    results->algo.data[0] = 42;
    *count = 1;
    return refuse();
}

EXPORT int cublasLtMatmul(void *, void *desc, const void *alpha, const void *a, void *a_layout, const void *b, void *b_layout,
                          const void *beta, const void *, void *, void *d, void *d_layout, const lt_algo *algo, void *workspace,
                          size_t, cudaStream_t stream) {
    const product &p = *(product *)desc;
    const layout &la = *(layout *)a_layout, &lb = *(layout *)b_layout, &ld = *(layout *)d_layout;
    if (*(const float *)alpha != 1 || *(const float *)beta != 0 || !workspace || algo->data[0] != 42)
        return 7;
    const int status = refuse();
    if (status != LT_SUCCESS)
        return status;
    const bool tf32 = p.compute == LT_COMPUTE_32F_FAST_TF32;
    LAUNCH((multiply), (unsigned)((ld.rows * ld.cols + 63) / 64), 64, stream, operand{(const float *)a, la.ld, p.op_a != 0, tf32},
           operand{(const float *)b, lb.ld, p.op_b != 0, tf32}, (float *)d, ld.ld, (int64_t)ld.rows, (int64_t)ld.cols,
           (int64_t)(p.op_a ? la.rows : la.cols));
    return cudaGetLastError() == cudaSuccess ? LT_SUCCESS : 13;
}
}
