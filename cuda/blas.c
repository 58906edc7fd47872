/* SPDX-License-Identifier: MIT */
/* Products by cuBLASLt, for wide nets: faster than one chain an output, and with bits of its own, which are the same in every
 * run with the same library and device, as sums are not divided (no reduction scheme) and one stream uses one workspace. */
#include "cublaslt.h"
#include "device.h"

#include <dlfcn.h>
#include <stdio.h>

enum { WORKSPACE = 32 << 20 }; /* bytes; what cuBLAS takes for itself on sm_90 */

struct blas {
    lt_functions lt;
    lt_handle handle;
    lt_preference preference;
    void *workspace;
};

struct blas_product {
    lt_desc desc;
    lt_layout a, b, d;
    lt_algo algo;
    const void *a_data, *b_data;
    void *d_data;
};

static nninit_status check(struct device *device, int status, const char *call) {
    if (status == LT_SUCCESS)
        return NNINIT_OK;
    return device->host.fail(device->host.context, status == LT_ALLOC_FAILED ? NNINIT_ERR_MEMORY : NNINIT_ERR_DEVICE,
                             "%s on cuda:%d: %s status %d", call, device->ordinal,
                             status == LT_ALLOC_FAILED ? "out of memory:" : "cuBLAS", status);
}

/* The library stays loaded: it has threads and memory of its own. */
static nninit_status load(struct device *device, lt_functions *lt) {
    const struct {
        void **function;
        const char *name;
    } functions[] = {{(void **)&lt->create, "cublasLtCreate"},
                     {(void **)&lt->destroy, "cublasLtDestroy"},
                     {(void **)&lt->desc_create, "cublasLtMatmulDescCreate"},
                     {(void **)&lt->desc_set, "cublasLtMatmulDescSetAttribute"},
                     {(void **)&lt->desc_destroy, "cublasLtMatmulDescDestroy"},
                     {(void **)&lt->layout_create, "cublasLtMatrixLayoutCreate"},
                     {(void **)&lt->layout_destroy, "cublasLtMatrixLayoutDestroy"},
                     {(void **)&lt->preference_create, "cublasLtMatmulPreferenceCreate"},
                     {(void **)&lt->preference_set, "cublasLtMatmulPreferenceSetAttribute"},
                     {(void **)&lt->preference_destroy, "cublasLtMatmulPreferenceDestroy"},
                     {(void **)&lt->heuristic, "cublasLtMatmulAlgoGetHeuristic"},
                     {(void **)&lt->matmul, "cublasLtMatmul"}};
    const struct host *host = &device->host;
    char name[32];
    snprintf(name, sizeof name, "libcublasLt.so.%d", CUDART_VERSION / 1000);
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return host->fail(host->context, NNINIT_ERR_BACKEND, "cuda: math=fast and math=tf32 need cuBLASLt: %s", dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        *functions[i].function = dlsym(library, functions[i].name);
        if (!*functions[i].function)
            return host->fail(host->context, NNINIT_ERR_BACKEND, "cuda: %s has no %s", name, functions[i].name);
    }
    return NNINIT_OK;
}

static nninit_status set_up(struct device *device, struct blas *blas) {
    const lt_functions *lt = &blas->lt;
    const uint64_t workspace = WORKSPACE;
    const uint32_t reduction = LT_REDUCTION_SCHEME_NONE;
    nninit_status status = check(device, lt->create(&blas->handle), "cublasLtCreate");
    if (status == NNINIT_OK)
        status = check(device, lt->preference_create(&blas->preference), "cublasLtMatmulPreferenceCreate");
    if (status == NNINIT_OK)
        status = check(device, lt->preference_set(blas->preference, LT_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace),
                       "cublasLtMatmulPreferenceSetAttribute");
    if (status == NNINIT_OK)
        status = check(device, lt->preference_set(blas->preference, LT_PREF_REDUCTION_SCHEME_MASK, &reduction, sizeof reduction),
                       "cublasLtMatmulPreferenceSetAttribute");
    return status < 0 ? status : device_alloc(device, &blas->workspace, WORKSPACE);
}

static void close_blas(struct device *device, struct blas *blas) {
    const bool alive = device_alive(device);
    if (blas->preference)
        blas->lt.preference_destroy(blas->preference);
    if (blas->handle && alive)
        blas->lt.destroy(blas->handle);
    if (blas->workspace && alive)
        cudaFree(blas->workspace);
    device->host.free(device->host.context, blas);
}

static nninit_status open_blas(struct blas **out, struct device *device) {
    struct blas *blas = device->host.alloc(device->host.context, sizeof *blas);
    if (!blas)
        return NNINIT_ERR_MEMORY;
    nninit_status status = load(device, &blas->lt);
    if (status == NNINIT_OK)
        status = set_up(device, blas);
    if (status < 0) {
        close_blas(device, blas);
        return status;
    }
    *out = blas;
    return NNINIT_OK;
}

nninit_status blas_device_open(struct device **out, const struct host *host) {
    struct device *device;
    int caller;
    nninit_status status = device_open(&device, host);
    if (status < 0)
        return status;
    status = device_enter(device, &caller);
    if (status == NNINIT_OK) {
        status = open_blas(&device->blas, device);
        device_leave(caller);
    }
    if (status < 0) {
        device_close(device);
        return status;
    }
    *out = device;
    return NNINIT_OK;
}

void blas_device_close(struct device *device) {
    int caller;
    const bool entered = device_alive(device) && device_enter(device, &caller) == NNINIT_OK;
    close_blas(device, device->blas);
    if (entered)
        device_leave(caller);
    device_close(device);
}

/* A row-major matrix is the transpose of a column-major one with the same stride, and y = x w^T is y^T = w x^T: so the second
 * operand of each product comes first. */
static nninit_status describe(struct device *device, struct blas_product *p, const struct task *task) {
    const lt_functions *lt = &device->blas->lt;
    const bool nt = task->kind == KIND_GEMM_NT, tn = task->kind == KIND_GEMM_TN;
    const struct matrix *a = &task->in[1], *b = &task->in[0], *d = &task->out[0];
    const int32_t op_a = nt ? LT_OP_T : LT_OP_N, op_b = tn ? LT_OP_T : LT_OP_N;
    const int compute = device->host.math == MATH_TF32 ? LT_COMPUTE_32F_FAST_TF32 : LT_COMPUTE_32F;
    int error = lt->desc_create(&p->desc, compute, LT_R_32F);
    if (error == LT_SUCCESS)
        error = lt->desc_set(p->desc, LT_DESC_TRANSA, &op_a, sizeof op_a);
    if (error == LT_SUCCESS)
        error = lt->desc_set(p->desc, LT_DESC_TRANSB, &op_b, sizeof op_b);
    if (error == LT_SUCCESS)
        error = lt->layout_create(&p->a, LT_R_32F, (uint64_t)a->cols, (uint64_t)a->rows, a->stride);
    if (error == LT_SUCCESS)
        error = lt->layout_create(&p->b, LT_R_32F, (uint64_t)b->cols, (uint64_t)b->rows, b->stride);
    if (error == LT_SUCCESS)
        error = lt->layout_create(&p->d, LT_R_32F, (uint64_t)d->cols, (uint64_t)d->rows, d->stride);
    p->a_data = a->data;
    p->b_data = b->data;
    p->d_data = d->data;
    return check(device, error, "cublasLtMatmulDescCreate");
}

void blas_forget(struct device *device, struct blas_product *p) {
    if (!p)
        return;
    const lt_functions *lt = &device->blas->lt;
    if (p->desc)
        lt->desc_destroy(p->desc);
    if (p->a)
        lt->layout_destroy(p->a);
    if (p->b)
        lt->layout_destroy(p->b);
    if (p->d)
        lt->layout_destroy(p->d);
    device->host.free(device->host.context, p);
}

nninit_status blas_plan(struct blas_product **out, struct device *device, const struct task *task) {
    const struct host *host = &device->host;
    const struct blas *blas = device->blas;
    struct blas_product *p = host->alloc(host->context, sizeof *p);
    lt_heuristic best = {.state = LT_NOT_SUPPORTED};
    int count = 0;
    if (!p)
        return NNINIT_ERR_MEMORY;
    nninit_status status = describe(device, p, task);
    if (status == NNINIT_OK) {
        const int error =
            blas->lt.heuristic(blas->handle, p->desc, p->a, p->b, p->d, p->d, blas->preference, 1, &best, &count);
        status = error == LT_NOT_SUPPORTED ? NNINIT_OK : check(device, error, "cublasLtMatmulAlgoGetHeuristic");
    }
    if (status < 0 || count == 0 || best.state != LT_SUCCESS) { /* nothing for this shape: the exact product serves */
        blas_forget(device, p);
        return status;
    }
    p->algo = best.algo;
    *out = p;
    return NNINIT_OK;
}

nninit_status blas_launch(struct device *device, const struct blas_product *p) {
    static const float one = 1, zero = 0;
    const struct blas *blas = device->blas;
    return check(device, blas->lt.matmul(blas->handle, p->desc, &one, p->a_data, p->a, p->b_data, p->b, &zero, p->d_data, p->d,
                                         p->d_data, p->d, &p->algo, blas->workspace, WORKSPACE, device->stream),
                 "cublasLtMatmul");
}
