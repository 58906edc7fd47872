/* SPDX-License-Identifier: MIT */
/* What is true of a device and of no other executor: reasons why there is none, calls of the runtime that fail, devices that
 * are lost, forks, what a step and an epoch ask of the host, and what lies in device memory. */
#include "suite.h"

#include "emulator.h"
#include "executor.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 60, FEATURES = 20, BATCH = 2, STEPS = ROWS / BATCH };

static float rows[ROWS * FEATURES];
static int64_t labels[ROWS];

static void fill_rows(void) {
    uint32_t seed = 1;
    for (int i = 0; i < ROWS * FEATURES; i++) {
        seed = seed * 1664525 + 1013904223;
        rows[i] = (float)(int32_t)seed * 0x1p-31f;
    }
    for (int i = 0; i < ROWS; i++)
        labels[i] = i % 4;
}

/* A training with all that goes with it; each handle NULL until it is made. */
struct training {
    nninit_context *context;
    nninit_generator *generator;
    nninit_dataset *data;
    nninit_layer *model;
    nninit_optimizer *adam;
    nninit_loader *loader;
    nninit_trainer *trainer;
    nninit_rbm *rbm;
    nninit_loader *rbm_loader;
};

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        nninit_status status_ = (call);                                                                                \
        if (status_ < 0)                                                                                               \
            return status_;                                                                                            \
    } while (0)

static nninit_status make(struct training *t, nninit_context *c) {
    static const int64_t widths[] = {FEATURES, 24, 16, 4};
    *t = (struct training){.context = c};
    TRY(nninit_generator_create(&t->generator, c, NNINIT_STREAM_PHILOX, 5));
    TRY(nninit_dataset_wrap(&t->data, c, NNINIT_FLOAT32, rows, labels, ROWS, FEATURES));
    TRY(nninit_mlp_create(&t->model, c, widths, 4, NNINIT_RELU, t->generator));
    TRY(nninit_optimizer_create(&t->adam, c, NNINIT_ADAM));
    TRY(nninit_loader_create(&t->loader, t->data, BATCH, NNINIT_SHUFFLE, t->generator));
    TRY(nninit_trainer_create(&t->trainer, t->model, NNINIT_CROSS_ENTROPY, t->adam));
    return NNINIT_OK;
}

/* An epoch, an evaluation, a machine's epoch, its samples. */
static nninit_status work(nninit_context *c, char hash[NNINIT_SHA256_SIZE]) {
    struct training t;
    float samples[2 * FEATURES] = {0};
    double accuracy;
    TRY(make(&t, c));
    TRY(nninit_trainer_epoch(t.trainer, t.loader, NULL));
    TRY(nninit_trainer_evaluate(t.trainer, t.data, NULL, &accuracy));
    TRY(nninit_rbm_parse(&t.rbm, c, "gaussian:chains=3", FEATURES, 8, t.generator));
    TRY(nninit_loader_create(&t.rbm_loader, t.data, 20, NNINIT_SHUFFLE, t.generator));
    TRY(nninit_rbm_epoch(t.rbm, t.rbm_loader, NULL));
    TRY(nninit_rbm_sample(t.rbm, samples, 2, 2, NULL, NULL));
    TRY(nninit_layer_sha256(t.model, hash));
    return NNINIT_OK;
}

static void check_nothing_lives(void) {
    const struct emulated_live live = emulator_live();
    ck_assert_int_eq(live.device_blocks, 0);
    ck_assert_int_eq(live.host_blocks, 0);
    ck_assert_int_eq(live.streams, 0);
    ck_assert_int_eq(live.graphs, 0);
    ck_assert_int_eq(live.execs, 0);
}

static void check_reason(const char *backend, const char *why) {
    char hash[NNINIT_SHA256_SIZE];
    const char *name;
    nninit_context *c = suite_open(backend, 0);
    ck_assert_int_eq(nninit_context_backend(c, &name), NNINIT_ERR_BACKEND);
    ck_assert_msg(strstr(nninit_context_message(c), why) != NULL, "\"%s\" is not in: %s", why, nninit_context_message(c));
    nninit_context_destroy(&c);
    check_nothing_lives();
    if (strcmp(backend, "cuda") != 0)
        return;
    c = suite_open(NULL, 0);
    ck_assert_ok(c, nninit_context_backend(c, &name));
    ck_assert_int_eq(strncmp(name, "cpu", 3), 0);
    ck_assert_msg(strstr(nninit_context_fallback(c), why) != NULL, "%s", nninit_context_fallback(c));
    ck_assert_ok(c, work(c, hash));
    nninit_context_destroy(&c);
}

START_TEST(reasons) {
    static const struct {
        cudaError_t error;
        const char *why;
    } counts[] = {{cudaErrorNoDevice, "there is no device that CUDA can use"},
                  {cudaErrorInitializationError, "cannot use CUDA after a fork"},
                  {(cudaError_t)803, "the NVIDIA driver does not work"},
                  {(cudaError_t)999, "the NVIDIA driver does not work"}};
    struct emulated_machine *machine = emulator_machine();
    fill_rows();
    machine->driver = 0;
    check_reason("cuda", "there is no NVIDIA driver (libcuda.so.1)");
    machine->driver = 12080;
    check_reason("cuda", "too old: it serves CUDA 12.8, this module needs 13.0 at least");
    machine->driver = 13000;
    for (int i = 0; i < 4; i++) {
        machine->device_status = counts[i].error;
        check_reason("cuda", counts[i].why);
    }
    machine->device_status = cudaSuccess;
    machine->devices = 0;
    check_reason("cuda", "there is no device that CUDA can use");
    machine->devices = 2;
    check_reason("cuda:7", "there is no device 7; there are 2, from 0 on");
    check_reason("cuda:2,math=exact", "there is no device 2; there are 2, from 0 on");
    machine->capability = 75;
    check_reason("cuda", "its compute capability is 7.5; at least 8.0 is needed");
    machine->capability = 90;
    machine->attributes_status = (cudaError_t)209;
    check_reason("cuda", "this module has no code for compute capability 9.0");
    machine->attributes_status = (cudaError_t)222;
    check_reason("cuda", "this module has no code for compute capability 9.0");
    emulator_reset();
}
END_TEST

START_TEST(names) {
    const char *name;
    emulator_machine()->devices = 2;
    emulator_machine()->capability = 80;
    nninit_context *c = suite_open("cuda:1", 0);
    ck_assert_ok(c, nninit_context_backend(c, &name));
    ck_assert_str_eq(name, "cuda:1 (emulated device 1, sm_80, exact)");
    int device = -1;
    ck_assert_int_eq(cudaGetDevice(&device), cudaSuccess);
    ck_assert_int_eq(device, 0); /* the caller's, as before */
    ck_assert_str_eq(nninit_context_fallback(c), "");
    nninit_context_destroy(&c);
    c = suite_open(NULL, 0); /* auto */
    ck_assert_ok(c, nninit_context_backend(c, &name));
    ck_assert_str_eq(name, "cuda:0 (emulated device 0, sm_80, exact)");
    nninit_context_destroy(&c);
    check_nothing_lives();
    emulator_reset();
}
END_TEST

/* Every call of the runtime fails in its turn: a status, the call's name, nothing leaks, and the context goes on. */
START_TEST(each_call_fails_once) {
    static const cudaError_t errors[] = {cudaErrorMemoryAllocation, cudaErrorUnknown};
    char want[NNINIT_SHA256_SIZE], got[NNINIT_SHA256_SIZE];
    fill_rows();
    nninit_context *c = suite_open("cuda", 0);
    ck_assert_ok(c, work(c, want));
    nninit_context_destroy(&c);
    const long calls = emulator_calls();
    ck_assert_int_gt(calls, 300);
    int failed = 0, wrong = 0;
    for (int e = 0; e < 2; e++)
        for (long n = 1; n <= calls; n += n < 250 ? 1 : 17) { /* later ones are those of the same places */
            emulator_reset();
            c = suite_open("cuda", 0);
            emulator_fail(n, errors[e]);
            nninit_status status = work(c, got);
            const char *call = emulator_failed();
            emulator_fail(0, cudaSuccess);
            wrong += cudaPeekAtLastError() != cudaSuccess; /* ours is not left to the caller */
            if (status < 0) {
                const char *message = nninit_context_message(c);
                failed++;
                wrong += status != NNINIT_ERR_MEMORY && status != NNINIT_ERR_DEVICE && status != NNINIT_ERR_BACKEND;
                const bool named = call && (strstr(message, call) || strstr(message, "kernel launch") || strstr(message, "driver"));
                ck_assert_msg(named, "call %ld, %s: %s", n, call ? call : "none", message);
            }
            if (n % 4 == 0 || n < 40) { /* as if nothing had been */
                ck_assert_ok(c, work(c, got));
                wrong += strcmp(got, want) != 0;
            }
            nninit_context_destroy(&c);
            const struct emulated_live live = emulator_live();
            wrong += live.device_blocks + live.host_blocks + live.streams + live.graphs + live.execs != 0;
            ck_assert_msg(wrong == 0, "call %ld fails: status %d, hash %.8s (%.8s), alive %d %d %d %d %d", n, (int)status, got,
                          want, live.device_blocks, live.host_blocks, live.streams, live.graphs, live.execs);
        }
    ck_assert_int_gt(failed, 300);
    emulator_reset();
}
END_TEST

/* The same objects go on after a failure: whatever steps were made count as made, and the weights become what they would have. */
START_TEST(training_goes_on_after_a_failure) {
    char want[NNINIT_SHA256_SIZE], got[NNINIT_SHA256_SIZE];
    struct training t;
    fill_rows();
    int failures = 0;
    bool failed = true;
    for (long n = 0; failed; n++) {
        emulator_reset();
        nninit_context *c = suite_open("cuda", 0);
        ck_assert_ok(c, make(&t, c));
        emulator_fail(n, cudaErrorMemoryAllocation);
        nninit_status status = nninit_trainer_epoch(t.trainer, t.loader, NULL);
        failed = n == 0 || emulator_failed() != NULL;
        emulator_fail(0, cudaSuccess);
        failures += status < 0;
        while (nninit_optimizer_steps(t.adam) < STEPS)
            ck_assert_ok(c, nninit_trainer_epoch(t.trainer, t.loader, NULL));
        ck_assert_int_eq(nninit_optimizer_steps(t.adam), STEPS);
        ck_assert_ok(c, nninit_layer_sha256(t.model, n == 0 ? want : got));
        ck_assert_msg(n == 0 || strcmp(want, got) == 0, "after call %ld failed (status %d) the weights are others", n, (int)status);
        nninit_context_destroy(&c);
    }
    ck_assert_int_gt(failures, 100);
    emulator_reset();
}
END_TEST

/* A fault in a kernel, or a device that falls off the bus: what comes later says so at once, and the host goes on. */
START_TEST(lost_device) {
    static const cudaError_t errors[] = {cudaErrorIllegalAddress, cudaErrorLaunchFailure, (cudaError_t)214};
    char hash[NNINIT_SHA256_SIZE];
    fill_rows();
    for (int e = 0; e < 3; e++)
        for (long n = 8; n < 300; n += 13) {
            float x[FEATURES] = {0}, y[4];
            struct training t;
            emulator_reset();
            nninit_context *c = suite_open("cuda", 0), *other = suite_open("cpu", 0);
            ck_assert_ok(c, make(&t, c));
            ck_assert_ok(c, nninit_trainer_epoch(t.trainer, t.loader, NULL));
            emulator_fail(n, errors[e]);
            nninit_status status = NNINIT_OK;
            while (status == NNINIT_OK)
                status = nninit_trainer_epoch(t.trainer, t.loader, NULL);
            ck_assert_int_eq(status, NNINIT_ERR_DEVICE);
            ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "the device is lost"));
            const long calls = emulator_calls();
            ck_assert_int_eq(nninit_layer_forward(t.model, x, 1, y), NNINIT_ERR_DEVICE);
            ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "was lost to this context"));
            ck_assert_int_eq(nninit_layer_sha256(t.model, hash), NNINIT_ERR_DEVICE);
            float cost = 0; /* all steps of the epoch may have been made, without a word on their costs */
            status = nninit_trainer_epoch(t.trainer, t.loader, &cost);
            ck_assert(status == NNINIT_ERR_DEVICE || isnan(cost));
            ck_assert_int_eq(nninit_trainer_epoch(t.trainer, t.loader, NULL), NNINIT_ERR_DEVICE);
            nninit_context_destroy(&c);
            ck_assert_int_eq(emulator_calls(), calls); /* nobody asks a device that is gone */
            ck_assert_ok(other, work(other, hash));
            nninit_context_destroy(&other);
        }
    emulator_reset();
}
END_TEST

/* Less and less memory: a status that says so, until all fits. */
START_TEST(out_of_device_memory) {
    char hash[NNINIT_SHA256_SIZE], want[NNINIT_SHA256_SIZE];
    int failed = 0;
    fill_rows();
    nninit_context *c = suite_open("cuda", 0);
    ck_assert_ok(c, work(c, want));
    nninit_context_destroy(&c);
    for (size_t memory = 0;; memory += 8192) {
        emulator_machine()->memory = memory;
        c = suite_open("cuda", 0);
        nninit_status status = work(c, hash);
        if (status == NNINIT_OK)
            break;
        failed++;
        ck_assert_int_eq(status, NNINIT_ERR_MEMORY);
        ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "out of memory"));
        nninit_context_destroy(&c);
        check_nothing_lives();
    }
    ck_assert_str_eq(hash, want);
    ck_assert_int_gt(failed, 3);
    nninit_context_destroy(&c);
    emulator_reset();
}
END_TEST

/* The child of a fork has no device; the parent keeps its own. */
START_TEST(fork_is_refused) {
    struct training t;
    char before[NNINIT_SHA256_SIZE], after[NNINIT_SHA256_SIZE];
    fill_rows();
    nninit_context *c = suite_open("cuda", 0);
    ck_assert_ok(c, make(&t, c));
    ck_assert_ok(c, nninit_trainer_epoch(t.trainer, t.loader, NULL));
    ck_assert_ok(c, nninit_layer_sha256(t.model, before));
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const long calls = emulator_calls();
        bool refused = nninit_trainer_epoch(t.trainer, t.loader, NULL) == NNINIT_ERR_DEVICE &&
                       strstr(nninit_context_message(c), "a forked process cannot use it");
        nninit_context_destroy(&c);
        refused = refused && emulator_calls() == calls;
        nninit_context *own = suite_open("cpu", 1);
        char hash[NNINIT_SHA256_SIZE];
        _exit(refused && work(own, hash) == NNINIT_OK ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_ok(c, nninit_layer_sha256(t.model, after));
    ck_assert_str_eq(before, after);
    ck_assert_ok(c, nninit_trainer_epoch(t.trainer, t.loader, NULL));
    nninit_context_destroy(&c);
    check_nothing_lives();
}
END_TEST

/* A step of a net with L layers is 2 L + 2 kernels; an epoch is graphs, and waits for the device as often whatever its length. */
START_TEST(what_an_epoch_costs) {
    struct training t;
    fill_rows();
    emulator_reset();
    nninit_context *c = suite_open("cuda", 0);
    ck_assert_ok(c, make(&t, c));
    ck_assert_ok(c, nninit_trainer_epoch(t.trainer, t.loader, NULL));
    long calls[2];
    struct emulated_counts counts[2];
    for (int k = 0; k < 2; k++) { /* 30 steps, then 15 of twice the rows */
        nninit_loader *loader;
        ck_assert_ok(c, nninit_loader_create(&loader, t.data, BATCH * (k + 1), NNINIT_SHUFFLE, t.generator));
        ck_assert_ok(c, nninit_trainer_epoch(t.trainer, loader, NULL)); /* records */
        calls[k] = emulator_calls();
        counts[k] = emulator_counts();
        ck_assert_ok(c, nninit_trainer_epoch(t.trainer, loader, NULL));
        calls[k] = emulator_calls() - calls[k];
        const struct emulated_counts after = emulator_counts();
        const int steps = STEPS / (k + 1), graphs = steps / 20 + steps % 20;
        ck_assert_int_eq(after.graph_launches - counts[k].graph_launches, graphs);
        ck_assert_int_eq(after.launches - counts[k].launches, graphs);
        ck_assert_int_eq(after.kernels - counts[k].kernels, steps * (2 * 3 + 2) + graphs);
        ck_assert_uint_eq(after.bytes_to_host - counts[k].bytes_to_host, (size_t)steps * 4 + 2 * sizeof(int64_t));
        ck_assert_uint_eq(after.bytes_to_device - counts[k].bytes_to_device, (size_t)(ROWS + 3 * steps) * 4 + 2 * sizeof(int64_t));
        calls[k] -= graphs;
    }
    printf("an epoch: %ld calls of the runtime beside launches of graphs\n", calls[0]);
    ck_assert_int_eq(calls[0], calls[1]);
    ck_assert_int_lt(calls[0], 60);
    nninit_context_destroy(&c);
}
END_TEST

/* Rows lie on the device once, for as long as a program is bound to them, and are not taken for another data set's that
 * comes to lie at the same address. */
START_TEST(resident_rows) {
    static float twice[ROWS * FEATURES];
    struct training t;
    double cost[3];
    fill_rows();
    memcpy(twice, rows, sizeof rows);
    nninit_context *c = suite_open("cuda", 0);
    ck_assert_ok(c, make(&t, c));
    nninit_dataset *data;
    ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, twice, labels, ROWS, FEATURES));
    ck_assert_ok(c, nninit_trainer_evaluate(t.trainer, data, &cost[0], NULL));
    const size_t once = emulator_counts().bytes_to_device;
    ck_assert_ok(c, nninit_trainer_evaluate(t.trainer, data, &cost[1], &cost[2])); /* another program, the same rows */
    ck_assert_double_eq(cost[0], cost[1]);
    ck_assert_uint_eq(emulator_counts().bytes_to_device - once, ROWS * sizeof(int32_t) + 2 * sizeof(int64_t));
    nninit_dataset_destroy(&data);
    for (int i = 0; i < ROWS * FEATURES; i++)
        twice[i] = -twice[i];
    ck_assert_ok(c, nninit_dataset_wrap(&data, c, NNINIT_FLOAT32, twice, labels, ROWS, FEATURES));
    ck_assert_ok(c, nninit_trainer_evaluate(t.trainer, data, &cost[1], NULL));
    ck_assert_double_ne(cost[0], cost[1]);
    nninit_context_destroy(&c);
    check_nothing_lives();
}
END_TEST

/* A cost is infinite in the middle of a graph, while all gradients are finite: that step is the last that changes anything, as
 * on ref. Decay and momentum would go on changing it. */
static void infinite_cost(const char *backend, const char *optimizer, char hash[NNINIT_SHA256_SIZE], int64_t *steps) {
    static const int64_t widths[] = {FEATURES, 24, 4};
    static float targets[ROWS * 4];
    nninit_context *c = suite_open(backend, 1);
    struct training t;
    nninit_dataset *data;
    nninit_loader *loader;
    nninit_optimizer *o;
    targets[4 * 17] = 1e20f;
    ck_assert_ok(c, make(&t, c));
    ck_assert_ok(c, nninit_dataset_wrap_targets(&data, c, NNINIT_FLOAT32, rows, targets, ROWS, FEATURES, 4));
    ck_assert_ok(c, nninit_loader_create(&loader, data, BATCH, 0, t.generator));
    ck_assert_ok(c, nninit_mlp_create(&t.model, c, widths, 3, NNINIT_RELU, t.generator));
    ck_assert_ok(c, nninit_optimizer_parse(&o, c, optimizer));
    ck_assert_ok(c, nninit_trainer_create(&t.trainer, t.model, NNINIT_MEAN_SQUARED_ERROR, o));
    ck_assert_int_eq(nninit_trainer_epoch(t.trainer, loader, NULL), NNINIT_ERR_NUMERIC);
    *steps = nninit_optimizer_steps(o);
    ck_assert_ok(c, nninit_layer_sha256(t.model, hash));
    nninit_context_destroy(&c);
}

/* Values overflow in the middle of a graph: the step that shows it is the last, as on ref. */
static void overflow(const char *backend, char hash[NNINIT_SHA256_SIZE], int64_t *steps) {
    struct training t;
    nninit_context *c = suite_open(backend, 1);
    nninit_optimizer *sgd;
    const int64_t widths[] = {FEATURES, 24, 16, 4};
    ck_assert_ok(c, make(&t, c));
    ck_assert_ok(c, nninit_mlp_create(&t.model, c, widths, 4, NNINIT_IDENTITY, t.generator));
    ck_assert_ok(c, nninit_optimizer_parse(&sgd, c, "sgd:lr=2.4,momentum=0.9"));
    ck_assert_ok(c, nninit_trainer_create(&t.trainer, t.model, NNINIT_CROSS_ENTROPY, sgd));
    nninit_status status = NNINIT_OK;
    while (status == NNINIT_OK)
        status = nninit_trainer_epoch(t.trainer, t.loader, NULL);
    ck_assert_msg(status == NNINIT_ERR_NUMERIC, "%s", nninit_context_message(c));
    *steps = nninit_optimizer_steps(sgd);
    printf("%s: %s (%lld steps)\n", backend, nninit_context_message(c), (long long)*steps);
    ck_assert_ok(c, nninit_layer_sha256(t.model, hash));
    nninit_context_destroy(&c);
}

START_TEST(overflow_ends_a_run) {
    char want[NNINIT_SHA256_SIZE], got[NNINIT_SHA256_SIZE];
    int64_t steps, device_steps;
    fill_rows();
    overflow("ref", want, &steps);
    overflow("cuda", got, &device_steps);
    ck_assert_int_eq(steps, device_steps);
    ck_assert_int_ne(steps % 20, 0);
    static const char *const optimizers[] = {"adam:lr=0.01", "sgd:lr=1e-20,weight_decay=1e18,momentum=0.9"};
    for (int k = 0; k < 2; k++) {
        infinite_cost("ref", optimizers[k], want, &steps);
        infinite_cost("cuda", optimizers[k], got, &device_steps);
        ck_assert_int_eq(steps, 9);
        ck_assert_int_eq(device_steps, 9);
        ck_assert_str_eq(want, got);
    }
}
END_TEST

SUITE(device, reasons, names, each_call_fails_once, training_goes_on_after_a_failure, lost_device, out_of_device_memory,
      fork_is_refused, what_an_epoch_costs, resident_rows, overflow_ends_a_run)
