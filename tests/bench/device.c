/* SPDX-License-Identifier: MIT */
/* Epochs of a multilayer perceptron on MNIST without a report between, so that a device runs each of them by itself: Adam,
 * Xavier's uniform weights, seed 777. Prints one line of JSON: the backend, the seconds of each epoch by the clock, microseconds of
 * a step (tenth, half and nine tenths of the epochs but the first, which prepares), the costs, the hash of the weights.
 *
 * usage: bench_device DATA MODULES BACKEND EPOCHS ROWS BATCH WIDTH...
 *   MODULES  the folder of libnninit-cuda.so, or - for where it was installed
 *   ROWS     train on so many of the 60,000 */
#include "seconds.h"

#include <nninit/nninit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WIDTHS = 9, MAX_EPOCHS = 1000 };

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if ((call) < 0) {                                                                                              \
            fprintf(stderr, "bench_device: %s\n", nninit_context_message(context));                                    \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

static void print_list(const char *name, const double *values, int count) {
    printf(", \"%s\": [", name);
    for (int i = 0; i < count; i++)
        printf("%s%.9g", i ? ", " : "", values[i]);
    printf("]");
}

static void print_steps(double *seconds, int count, int64_t steps) {
    static const struct {
        const char *name;
        double at;
    } places[] = {{"p10", .1}, {"p50", .5}, {"p90", .9}};
    if (count == 0)
        return;
    qsort(seconds, (size_t)count, sizeof *seconds, seconds_compare);
    printf(", \"us_step\": {");
    for (int i = 0; i < 3; i++)
        printf("%s\"%s\": %.2f", i ? ", " : "", places[i].name,
               1e6 * seconds[(int)(places[i].at * (count - 1) + .5)] / (double)steps);
    printf("}");
}

int main(int argc, char **argv) {
    static double seconds[MAX_EPOCHS], costs[MAX_EPOCHS];
    if (argc < 9 || argc - 7 > MAX_WIDTHS || atoi(argv[4]) < 1 || atoi(argv[4]) > MAX_EPOCHS) {
        fprintf(stderr, "usage: %s DATA MODULES BACKEND EPOCHS ROWS BATCH WIDTH...\n", argv[0]);
        return 2;
    }
    const nninit_context_options options = {.size = sizeof options, .backend = argv[3],
                                            .modules = strcmp(argv[2], "-") == 0 ? NULL : argv[2]};
    const int epochs = atoi(argv[4]), count = argc - 7;
    int64_t widths[MAX_WIDTHS];
    nninit_context *context;
    nninit_generator *generator;
    nninit_dataset *all, *train;
    nninit_layer *model;
    nninit_initializer *rule;
    nninit_optimizer *adam;
    nninit_loader *loader;
    nninit_trainer *trainer;
    const char *backend;
    char hash[NNINIT_SHA256_SIZE];
    for (int i = 0; i < count; i++)
        widths[i] = atoll(argv[7 + i]);
    if (nninit_context_create(&context, &options) < 0)
        return 1;
    const double start = seconds_now();
    TRY(nninit_context_backend(context, &backend));
    const double opened = seconds_now() - start;
    TRY(nninit_dataset_open_mnist(&all, context, argv[1], NNINIT_TRAIN));
    TRY(nninit_dataset_slice(&train, all, 0, atoll(argv[5])));
    TRY(nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, 777));
    TRY(nninit_mlp_create(&model, context, widths, count, NNINIT_RELU, generator));
    TRY(nninit_initializer_parse(&rule, context, "xavier_uniform"));
    TRY(nninit_layer_init(model, "*.weight", rule, generator));
    TRY(nninit_optimizer_create(&adam, context, NNINIT_ADAM));
    TRY(nninit_loader_create(&loader, train, atoll(argv[6]), NNINIT_SHUFFLE | NNINIT_DROP_LAST, generator));
    TRY(nninit_trainer_create(&trainer, model, NNINIT_CROSS_ENTROPY, adam));
    for (int e = 0; e < epochs; e++) {
        const double begin = seconds_now();
        float cost;
        TRY(nninit_trainer_epoch(trainer, loader, &cost));
        seconds[e] = seconds_now() - begin;
        costs[e] = (double)cost;
    }
    TRY(nninit_layer_sha256(model, hash));
    printf("{\"backend\": \"%s\", \"fallback\": \"%s\", \"net\": \"", backend, nninit_context_fallback(context));
    for (int i = 0; i < count; i++)
        printf("%s%lld", i ? "-" : "", (long long)widths[i]);
    printf("\", \"batch\": %s, \"epochs\": %d, \"sha256\": \"%s\", \"opened_s\": %.4f", argv[6], epochs, hash, opened);
    print_list("costs", costs, epochs);
    print_list("epoch_s", seconds, epochs);
    print_steps(seconds + 1, epochs - 1, nninit_loader_batches(loader));
    printf("}\n");
    nninit_context_destroy(&context);
    return 0;
}
