/* SPDX-License-Identifier: MIT */
/* One run, one hash: whatever executes it. Meson runs each case as a test of its own. */
#include "suite.h"

#include <fenv.h>

static const int64_t xavier[] = {784, 256, 256, 10}, deep[] = {784, 512, 512, 512, 512, 10};

struct net {
    const int64_t *widths;
    int count;
    const char *steps20, *epoch1; /* SHA-256 of the weights after 20 steps, and after one epoch */
};

static const struct net nets[] = {
    {xavier, 4, "209bd00f3bbcfe7350b411a073d9e64c91117166d6ccc5abddfd43667cacf29e", "e091e056d558a3b94805be39952213968d1f73e8a0033555f43c67b60f6e27d0"},
    {deep, 6, "ed38fd35c14ad2f390ef63c24cf1806d1f1e1ecd489c11e94ac13b6af74d92e0", "015a3332d64481ac8f29424e257a9682c9a82e695aab7835e280f49d73a61fbd"},
};

struct run {
    nninit_context *context;
    nninit_generator *generator;
    nninit_dataset *train;
    nninit_loader *loader;
    nninit_layer *model;
    nninit_optimizer *adam;
    nninit_trainer *trainer;
};

/* The lecture's run with seed 777, over the first `rows` rows. */
static void run_open(struct run *r, const struct net *net, const char *backend, int threads, int64_t rows) {
    nninit_initializer *rule;
    nninit_dataset *all;
    nninit_context *c = r->context = suite_open(backend, threads);
    ck_assert_ok(c, nninit_dataset_open_mnist(&all, c, suite_path("../examples/data/mnist"), NNINIT_TRAIN));
    ck_assert_ok(c, nninit_dataset_slice(&r->train, all, 0, rows));
    ck_assert_ok(c, nninit_generator_create(&r->generator, c, NNINIT_STREAM_TORCH, 777));
    ck_assert_ok(c, nninit_mlp_create(&r->model, c, net->widths, net->count, NNINIT_RELU, r->generator));
    ck_assert_ok(c, nninit_initializer_parse(&rule, c, "xavier_uniform"));
    ck_assert_ok(c, nninit_layer_init(r->model, "*.weight", rule, r->generator));
    ck_assert_ok(c, nninit_optimizer_create(&r->adam, c, NNINIT_ADAM));
    ck_assert_ok(c, nninit_loader_create(&r->loader, r->train, 100, NNINIT_SHUFFLE | NNINIT_DROP_LAST, r->generator));
    ck_assert_ok(c, nninit_trainer_create(&r->trainer, r->model, NNINIT_CROSS_ENTROPY, r->adam));
}

static void check_run(const struct net *net, const char *backend, int threads, int64_t rows, const char *want) {
    struct run r;
    char hash[NNINIT_SHA256_SIZE];
    run_open(&r, net, backend, threads, rows);
    ck_assert_ok(r.context, nninit_trainer_epoch(r.trainer, r.loader, NULL));
    ck_assert_ok(r.context, nninit_layer_sha256(r.model, hash));
    ck_assert_str_eq(hash, want);
    nninit_context_destroy(&r.context);
}

START_TEST(ref_20_steps) {
    check_run(&nets[0], "ref", 1, 2000, nets[0].steps20);
}
END_TEST

START_TEST(fast_20_steps) {
    static const char *const lists[] = {"never", "always", ""};
    static const int threads[] = {1, 2, 3, 8};
    for (int l = 0; l < SUITE_TARGETS; l++) {
        const char *backend = suite_target(l);
        for (int k = 0; backend && k < (suite_modules() ? 1 : 4); k++) {
            setenv("NNINIT_CPU_LISTS", lists[k % 3], 1);
            check_run(&nets[0], backend, threads[k], 2000, nets[0].steps20);
        }
    }
    unsetenv("NNINIT_CPU_LISTS");
    suite_cpu_level(NULL);
}
END_TEST

START_TEST(deep_20_steps) {
    if (!suite_modules())
        check_run(&nets[1], "ref", 1, 2000, nets[1].steps20);
    for (int l = 0; l < SUITE_TARGETS; l++) {
        const char *backend = suite_target(l);
        if (backend)
            check_run(&nets[1], backend, 8, 2000, nets[1].steps20);
    }
    suite_cpu_level(NULL);
}
END_TEST

START_TEST(cpu_one_epoch) {
    for (int n = 0; n < 2; n++)
        for (int threads = 1; threads <= 3; threads++)
            check_run(&nets[n], "cpu", threads, 60000, nets[n].epoch1);
}
END_TEST

/* Restricted Boltzmann machines: 20 steps of 100 rows. */
static const struct {
    const char *text, *want;
} machines[] = {
    {"bernoulli", "e76aa15fca936e8bbbb925840f0668a374cd2148f0692ac009e5270c956cf3ec"},
    {"bernoulli:chains=50,binarize=1,lr_epochs=2", "f16e22e5b43e635cb6d6f57464619cdd384cc06145de47bdffab3bfcec79315e"},
    {"gaussian:lr=0.001,cd_steps=2", "d0ec197e115872648b32d088d6bb2381fb560ccedad46bbead161639f381c0a2"},
};

static void check_machine(int which, const char *backend, int threads) {
    nninit_context *c = suite_open(backend, threads);
    nninit_generator *g;
    nninit_dataset *all, *train;
    nninit_loader *loader;
    nninit_rbm *rbm;
    char hash[NNINIT_SHA256_SIZE];
    ck_assert_ok(c, nninit_dataset_open_mnist(&all, c, suite_path("../examples/data/mnist"), NNINIT_TRAIN));
    ck_assert_ok(c, nninit_dataset_slice(&train, all, 0, 2000));
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, 777));
    ck_assert_ok(c, nninit_loader_create(&loader, train, 100, NNINIT_SHUFFLE, g));
    ck_assert_ok(c, nninit_rbm_parse(&rbm, c, machines[which].text, 784, 100, g));
    ck_assert_ok(c, nninit_rbm_epoch(rbm, loader, NULL));
    ck_assert_ok(c, nninit_rbm_sha256(rbm, hash));
    ck_assert_msg(strcmp(hash, machines[which].want) == 0, "%s, %s, %d threads: %s", machines[which].text, backend, threads, hash);
    nninit_context_destroy(&c);
}

START_TEST(machines_20_steps) {
    for (int k = 0; k < 3 && !suite_modules(); k++)
        check_machine(k, "ref", 1);
    for (int l = 0; l < SUITE_TARGETS; l++) {
        const char *backend = suite_target(l);
        for (int k = 0; k < 3 && backend; k++)
            check_machine(k, backend, 1 + (l + k) % 3);
    }
    suite_cpu_level(NULL);
}
END_TEST

/* The processor's modes, without what it has raised. */
static uint64_t fp_mode(void) {
#if defined(__x86_64__)
    return __builtin_ia32_stmxcsr() & 0xffc0;
#elif defined(__aarch64__)
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
#else
    return 0;
#endif
}

static void flush_to_zero(void) {
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr((unsigned)fp_mode() | 0x8040);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(fp_mode() | UINT64_C(1) << 24));
#endif
}

/* 2^-60 times 2^-70 is denormal, on each thread. By bytes: comparisons here flush as well. */
static void check_denormal(const char *backend) {
    static const float weight = 0x1p-70f, x[2] = {0x1p-60f, -0x1p-60f}, want[2] = {0x1p-130f, -0x1p-130f};
    nninit_context *c = suite_open(backend, 2);
    nninit_layer *linear;
    float y[2];
    ck_assert_ok(c, nninit_linear_create(&linear, c, 1, 1, 0, NULL));
    ck_assert_ok(c, nninit_tensor_write(nninit_layer_parameter(linear, 0), &weight, 1));
    ck_assert_ok(c, nninit_layer_forward(linear, x, 2, y));
    ck_assert_mem_eq(y, want, sizeof want);
    nninit_context_destroy(&c);
}

/* A caller with flush-to-zero and another rounding mode gets the same bits, and its own mode back. */
START_TEST(foreign_floating_point_mode) {
    fesetround(FE_UPWARD);
    flush_to_zero();
    uint64_t mode = fp_mode();
    for (int b = 0; b < (suite_modules() ? 1 : 2); b++) {
        const char *backend = b ? "ref" : suite_fast();
        check_denormal(backend);
        check_run(&nets[0], backend, 2, 2000, nets[0].steps20);
    }
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    ck_assert_uint_eq(fp_mode(), mode);
}
END_TEST

static int stop_at_7(void *user, const nninit_progress *progress) {
    (void)user;
    return progress->step == 7;
}

/* Stopped within the epoch, saved, and gone on with in a new process' objects. */
START_TEST(resumed) {
    struct run r;
    char hash[NNINIT_SHA256_SIZE], path[] = "/tmp/nninit-XXXXXX";
    ck_assert_int_ge(mkstemp(path), 0);
    run_open(&r, &nets[0], suite_fast(), 2, 2000);
    ck_assert_ok(r.context, nninit_trainer_on_progress(r.trainer, stop_at_7, NULL));
    ck_assert_int_eq(nninit_trainer_epoch(r.trainer, r.loader, NULL), NNINIT_ERR_CANCELLED);
    ck_assert_ok(r.context, nninit_trainer_save(r.trainer, r.loader, path));
    nninit_context_destroy(&r.context);
    run_open(&r, &nets[0], "ref", 1, 2000);
    ck_assert_ok(r.context, nninit_generator_seed(r.generator, 5));
    ck_assert_ok(r.context, nninit_trainer_resume(r.trainer, r.loader, path));
    ck_assert_int_eq(nninit_optimizer_steps(r.adam), 7);
    ck_assert_ok(r.context, nninit_trainer_epoch(r.trainer, r.loader, NULL));
    ck_assert_ok(r.context, nninit_layer_sha256(r.model, hash));
    ck_assert_str_eq(hash, nets[0].steps20);
    nninit_context_destroy(&r.context);
    remove(path);
}
END_TEST

/* Plain C calls fmaf for every product: minutes. */
START_TEST(plain_c_one_epoch) {
    setenv("NNINIT_CPU", "c", 1);
    for (int n = 0; n < 2; n++)
        check_run(&nets[n], "cpu", 2, 60000, nets[n].epoch1);
}
END_TEST

SUITE(hash, ref_20_steps, fast_20_steps, deep_20_steps, cpu_one_epoch, foreign_floating_point_mode, resumed,
      plain_c_one_epoch, machines_20_steps)
