/* SPDX-License-Identifier: MIT */
/* Training steps of a multilayer perceptron on MNIST through the public headers: Adam, Xavier's uniform weights, seed
 * 777. Prints JSON: for each epoch its wall time and the seconds of a step (median, least and most over the trainer's
 * reports), by the clock and of this thread's CPU time; when the first report came (CLOCK_MONOTONIC); the peak memory;
 * the hash of the weights.
 *
 * usage: bench_step DATA THREADS ACTIVATION EPOCHS ROWS BATCH WIDTH...
 *   THREADS     0: the library's choice        ACTIVATION  relu, tanh or sigmoid
 *   ROWS        train on so many of the 60,000: one batch of them makes the first report that of one step
 * NNINIT_CPU and NNINIT_CPU_LISTS in the environment choose kernels, and whether zeros are skipped. */
#include "seconds.h"

#include <nninit/nninit.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_WIDTHS = 9, MAX_REPORTS = 1000 };

/* Seconds of a step, one for each report of an epoch. CPU time is what one thread is timed by on a machine that others
 * use too; it says nothing where threads wait for each other. */
static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID};
static const char *const clock_names[] = {"step", "cpu"};

enum { CLOCKS = 2 };

struct watch {
    double first;        /* when the first report came */
    double last[CLOCKS]; /* when the last one came */
    int64_t steps;       /* done at the last one */
    double seconds[CLOCKS][MAX_REPORTS];
    int count;
};

static int note(void *user, const nninit_progress *progress) {
    struct watch *watch = user;
    bool counts = watch->count < MAX_REPORTS && progress->step > watch->steps;
    for (int i = 0; i < CLOCKS; i++) {
        double time = seconds_by(clocks[i]);
        if (counts)
            watch->seconds[i][watch->count] = (time - watch->last[i]) / (double)(progress->step - watch->steps);
        watch->last[i] = time;
    }
    if (watch->first == 0)
        watch->first = watch->last[0];
    watch->count += counts;
    watch->steps = progress->step;
    return 0;
}

/* The high-water mark of this program alone; getrusage() would begin with that of the process that started it. */
static long peak_kilobytes(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    long peak = 0;
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "VmHWM: %ld", &peak);
    if (file)
        fclose(file);
    return peak;
}

static nninit_activation parse_activation(const char *name) {
    return strcmp(name, "tanh") == 0 ? NNINIT_TANH : strcmp(name, "sigmoid") == 0 ? NNINIT_SIGMOID : NNINIT_RELU;
}

static nninit_context *context;

static void check(nninit_status status) {
    if (status >= 0)
        return;
    fprintf(stderr, "bench_step: %s\n", nninit_context_message(context));
    exit(1);
}

static void train(nninit_trainer *run, nninit_loader *batches, struct watch *watch, int epoch) {
    float cost;
    watch->count = 0;
    watch->steps = 0;
    for (int i = 0; i < CLOCKS; i++)
        watch->last[i] = seconds_by(clocks[i]);
    double start = watch->last[0];
    check(nninit_trainer_epoch(run, batches, &cost));
    printf("%s{\"wall\": %.6g, \"cost\": %.9g", epoch ? ", " : "", seconds_now() - start, (double)cost);
    for (int i = 0; i < CLOCKS; i++) {
        double *seconds = watch->seconds[i];
        qsort(seconds, (size_t)watch->count, sizeof *seconds, seconds_compare);
        printf(", \"%s\": {\"median\": %.4g, \"least\": %.4g, \"most\": %.4g}", clock_names[i],
               seconds[watch->count / 2], seconds[0], seconds[watch->count - 1]);
    }
    printf("}");
}

int main(int argc, char **argv) {
    int64_t widths[MAX_WIDTHS];
    int count = argc - 7;
    if (count < 2 || count > MAX_WIDTHS) {
        fprintf(stderr, "usage: bench_step DATA THREADS ACTIVATION EPOCHS ROWS BATCH WIDTH WIDTH...\n");
        return 2;
    }
    for (int i = 0; i < count; i++)
        widths[i] = atoi(argv[7 + i]);
    nninit_context_options options = {.size = sizeof options, .threads = atoi(argv[2])};
    nninit_generator *stream;
    nninit_dataset *all, *rows;
    nninit_layer *net;
    nninit_initializer *rule;
    nninit_optimizer *adam;
    nninit_loader *batches;
    nninit_trainer *run;
    static struct watch watch;
    const char *backend;
    char hash[NNINIT_SHA256_SIZE];
    check(nninit_context_create(&context, &options));
    check(nninit_dataset_open_mnist(&all, context, argv[1], NNINIT_TRAIN));
    check(nninit_dataset_slice(&rows, all, 0, atoi(argv[5])));
    check(nninit_generator_create(&stream, context, NNINIT_STREAM_TORCH, 777));
    check(nninit_mlp_create(&net, context, widths, count, parse_activation(argv[3]), stream));
    check(nninit_initializer_parse(&rule, context, "xavier_uniform"));
    check(nninit_layer_init(net, "*.weight", rule, stream));
    check(nninit_optimizer_create(&adam, context, NNINIT_ADAM));
    check(nninit_loader_create(&batches, rows, atoi(argv[6]), NNINIT_SHUFFLE | NNINIT_DROP_LAST, stream));
    check(nninit_trainer_create(&run, net, NNINIT_CROSS_ENTROPY, adam));
    check(nninit_trainer_on_progress(run, note, &watch));
    printf("{\"epochs\": [");
    for (int epoch = 0; epoch < atoi(argv[4]); epoch++)
        train(run, batches, &watch, epoch);
    check(nninit_context_backend(context, &backend));
    check(nninit_layer_sha256(net, hash));
    printf("], \"first\": %.9f, \"peak_kilobytes\": %ld, \"backend\": \"%s\", \"weights\": \"%s\"}\n", watch.first,
           peak_kilobytes(), backend, hash);
    nninit_context_destroy(&context);
    return 0;
}
