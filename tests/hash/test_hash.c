/* SPDX-License-Identifier: MIT */
/* One run, one hash: whatever executes it. */
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
    nninit_context_options options = {.size = sizeof options, .backend = backend, .threads = threads};
    nninit_initializer *rule;
    nninit_dataset *all;
    ck_assert_int_eq(nninit_context_create(&r->context, &options), NNINIT_OK);
    nninit_context *c = r->context;
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
    for (int n = 0; n < 2; n++)
        check_run(&nets[n], "ref", 1, 2000, nets[n].steps20);
}
END_TEST

START_TEST(cpu_20_steps) {
    static const char *const levels[] = {"c", "avx2", "avx512", "neon"}, *const lists[] = {"never", "always", ""};
    static const int threads[] = {1, 2, 3, 8};
    for (int l = 0; l < 4; l++) {
        bool runs = suite_cpu_level(levels[l]);
        for (int k = 0; k < 4 && runs; k++) {
            setenv("NNINIT_CPU_LISTS", lists[k % 3], 1);
            check_run(&nets[k == 3], "cpu", threads[k], 2000, nets[k == 3].steps20);
        }
    }
    unsetenv("NNINIT_CPU_LISTS");
    suite_cpu_level(NULL);
}
END_TEST

START_TEST(cpu_one_epoch) {
    for (int n = 0; n < 2; n++)
        for (int threads = 1; threads <= 3; threads++)
            check_run(&nets[n], "cpu", threads, 60000, nets[n].epoch1);
}
END_TEST

/* A caller with flush-to-zero and another rounding mode gets the same bits, and its own mode back. */
START_TEST(foreign_floating_point_mode) {
    fesetround(FE_UPWARD);
#if defined(__x86_64__)
    unsigned mode = __builtin_ia32_stmxcsr() | 0x8040;
    __builtin_ia32_ldmxcsr(mode);
#endif
    check_run(&nets[0], "cpu", 2, 2000, nets[0].steps20);
    check_run(&nets[0], "ref", 2, 2000, nets[0].steps20);
    ck_assert_int_eq(fegetround(), FE_UPWARD);
#if defined(__x86_64__)
    ck_assert_uint_eq(__builtin_ia32_stmxcsr() & 0xffc0, mode & 0xffc0);
#endif
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
    run_open(&r, &nets[0], "cpu", 2, 2000);
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

/* "slow" as the argument: only what takes minutes. */
int main(int argc, char **argv) {
    const TTest *const fast[] = {ref_20_steps, cpu_20_steps, cpu_one_epoch, foreign_floating_point_mode, resumed};
    const TTest *const slow[] = {plain_c_one_epoch};
    bool is_slow = argc > 1 && strcmp(argv[1], "slow") == 0;
    return is_slow ? suite_run("slow", slow, 1) : suite_run("hash", fast, sizeof fast / sizeof *fast);
}
