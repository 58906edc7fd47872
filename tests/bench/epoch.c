/* SPDX-License-Identifier: MIT */
/* Seconds of one epoch of a lecture net: epoch DATA xavier|deep THREADS. Reading the data is not counted. */
#include <nninit/nninit.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    static const int64_t xavier[] = {784, 256, 256, 10}, deep[] = {784, 512, 512, 512, 512, 10};
    if (argc != 4)
        return 2;
    bool three = strcmp(argv[2], "xavier") == 0;
    nninit_context_options options = {.size = sizeof options, .threads = atoi(argv[3])};
    nninit_context *c;
    nninit_generator *g;
    nninit_dataset *data;
    nninit_layer *net;
    nninit_initializer *rule;
    nninit_optimizer *adam;
    nninit_loader *batches;
    nninit_trainer *run;
    if (nninit_context_create(&c, &options) < 0)
        return 1;
    bool ready = nninit_dataset_open_mnist(&data, c, argv[1], NNINIT_TRAIN) == NNINIT_OK &&
                 nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 777) == NNINIT_OK &&
                 nninit_mlp_create(&net, c, three ? xavier : deep, three ? 4 : 6, NNINIT_RELU, g) == NNINIT_OK &&
                 nninit_initializer_parse(&rule, c, "xavier_uniform") == NNINIT_OK &&
                 nninit_layer_init(net, "*.weight", rule, g) == NNINIT_OK &&
                 nninit_optimizer_create(&adam, c, NNINIT_ADAM) == NNINIT_OK &&
                 nninit_loader_create(&batches, data, 100, NNINIT_SHUFFLE | NNINIT_DROP_LAST, g) == NNINIT_OK &&
                 nninit_trainer_create(&run, net, NNINIT_CROSS_ENTROPY, adam) == NNINIT_OK;
    double start = now();
    if (!ready || nninit_trainer_epoch(run, batches, NULL) < 0) {
        fprintf(stderr, "epoch: %s\n", nninit_context_message(c));
        return 1;
    }
    printf("%.4f\n", now() - start);
    nninit_context_destroy(&c);
    return 0;
}
