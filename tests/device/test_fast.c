/* SPDX-License-Identifier: MIT */
/* Products by cuBLASLt: what is asked of it is right (against ref, within what its sums may differ by), its failures are
 * statuses, and where it has nothing or is not there that is said. It is a fake one (cublaslt.cpp); NNINIT_TEST_NO_CUBLASLT:
 * there is none. */
#include "suite.h"

#include "emulator.h"

#include <math.h>

enum { ROWS = 9, INPUTS = 21, OUTPUTS = 5, WIDTH = 34 };

struct result {
    char name[128];
    float y[ROWS * OUTPUTS], w[INPUTS * WIDTH], cost;
};

static nninit_status compute(struct result *r, nninit_context *c) {
    static const int64_t widths[] = {INPUTS, WIDTH, 13, OUTPUTS};
    static float x[ROWS * INPUTS];
    static const int64_t labels[ROWS] = {0, 1, 2, 3, 4, 3, 2, 1, 0};
    const char *name;
    nninit_generator *g;
    nninit_layer *model;
    nninit_optimizer *sgd;
    memset(r, 0, sizeof *r);
    nninit_status status = nninit_context_backend(c, &name);
    if (status < 0)
        return status;
    snprintf(r->name, sizeof r->name, "%s", name);
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 3));
    ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, x, ROWS * INPUTS, 0, 1));
    status = nninit_mlp_create(&model, c, widths, 4, NNINIT_RELU, g);
    if (status == NNINIT_OK)
        status = nninit_optimizer_parse(&sgd, c, "sgd:lr=0.1,momentum=0.9");
    for (int step = 0; step < 3 && status == NNINIT_OK; step++)
        status = nninit_step(model, NNINIT_CROSS_ENTROPY, sgd, x, labels, ROWS, &r->cost);
    if (status == NNINIT_OK)
        status = nninit_layer_forward(model, x, ROWS, r->y);
    return status < 0 ? status : nninit_tensor_read(nninit_layer_parameter(model, 0), r->w, INPUTS * WIDTH);
}

static void compute_on(struct result *r, const char *backend) {
    nninit_context *c = suite_open(backend, 1);
    ck_assert_ok(c, compute(r, c));
    nninit_context_destroy(&c);
}

static double distance(const struct result *a, const struct result *b) {
    double most = fabs((double)a->cost - (double)b->cost);
    for (int i = 0; i < ROWS * OUTPUTS; i++)
        most = fmax(most, fabs((double)a->y[i] - (double)b->y[i]));
    for (int i = 0; i < INPUTS * WIDTH; i++)
        most = fmax(most, fabs((double)a->w[i] - (double)b->w[i]));
    return most;
}

START_TEST(products) {
    struct result ref, fast, again, tf32;
    compute_on(&ref, "ref");
    compute_on(&fast, "cuda:math=fast");
    compute_on(&again, "cuda:math=fast");
    compute_on(&tf32, "cuda:0,math=tf32");
    ck_assert_str_eq(fast.name, "cuda:0 (emulated device 0, sm_90, fast: bits of its own)");
    ck_assert_str_eq(tf32.name, "cuda:0 (emulated device 0, sm_90, tf32: bits of its own)");
    ck_assert(memcmp(&fast, &again, sizeof fast) == 0);
    ck_assert_double_gt(distance(&ref, &fast), 0); /* its products are used */
    ck_assert_double_lt(distance(&ref, &fast), 1e-6);
    ck_assert_double_gt(distance(&ref, &tf32), 1e-5);
    ck_assert_double_lt(distance(&ref, &tf32), 5e-3);
}
END_TEST

/* Without an algorithm the exact product serves. */
START_TEST(nothing_for_a_shape) {
    struct result ref, fast;
    compute_on(&ref, "ref");
    setenv("FAKE_CUBLASLT_NONE", "1", 1);
    compute_on(&fast, "cuda:math=fast");
    unsetenv("FAKE_CUBLASLT_NONE");
    ck_assert_double_eq(distance(&ref, &fast), 0);
}
END_TEST

START_TEST(each_call_fails_once) {
    struct result want, got;
    char number[16];
    compute_on(&want, "cuda:math=fast");
    int n = 1;
    for (bool failed = true; failed; n++) {
        emulator_reset();
        nninit_context *c = suite_open("cuda:math=fast", 1);
        snprintf(number, sizeof number, "%d", n);
        setenv("FAKE_CUBLASLT_FAIL", number, 1);
        nninit_status status = compute(&got, c);
        unsetenv("FAKE_CUBLASLT_FAIL");
        failed = status < 0;
        if (failed) {
            ck_assert_int_eq(status, NNINIT_ERR_DEVICE);
            ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "cublasLt"));
            ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "status 14"));
        }
        ck_assert_ok(c, compute(&got, c));
        ck_assert(memcmp(&want, &got, sizeof want) == 0);
        nninit_context_destroy(&c);
        const struct emulated_live live = emulator_live();
        ck_assert_int_eq(live.device_blocks + live.host_blocks + live.streams + live.graphs + live.execs, 0);
    }
    ck_assert_int_gt(n, 30);
}
END_TEST

START_TEST(not_there) {
    const char *name;
    nninit_context *c = suite_open("cuda:math=tf32", 1);
    ck_assert_int_eq(nninit_context_backend(c, &name), NNINIT_ERR_BACKEND);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "math=fast and math=tf32 need cuBLASLt: "));
    nninit_context_destroy(&c);
    struct result r;
    compute_on(&r, "cuda");
}
END_TEST

int main(void) {
    const TTest *const with[] = {products, nothing_for_a_shape, each_call_fails_once}, *const without[] = {not_there};
    return getenv("NNINIT_TEST_NO_CUBLASLT") ? suite_run("fast", without, 1) : suite_run("fast", with, 3);
}
