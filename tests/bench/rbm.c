/* SPDX-License-Identifier: MIT */
/* Epochs of a restricted Boltzmann machine on MNIST, 784 x 500 units, batch 100, in the order of the rows. Prints the seconds of
 * each.
 *
 * usage: bench_rbm DATA THREADS EPOCHS [MACHINE]     MACHINE: as nninit_rbm_parse() takes it (bernoulli: CD-1) */
#include "seconds.h"

#include <nninit/nninit.h>

#include <stdio.h>
#include <stdlib.h>

static nninit_status run(nninit_context *context, const char *data, int epochs, const char *text) {
    nninit_dataset *train;
    nninit_generator *generator;
    nninit_loader *loader;
    nninit_rbm *rbm;
    nninit_status status = nninit_dataset_open_mnist(&train, context, data, NNINIT_TRAIN);
    if (status == NNINIT_OK)
        status = nninit_generator_create(&generator, context, NNINIT_STREAM_PHILOX, 777);
    if (status == NNINIT_OK)
        status = nninit_loader_create(&loader, train, 100, 0, generator);
    if (status == NNINIT_OK)
        status = nninit_rbm_parse(&rbm, context, text, 784, 500, generator);
    for (int epoch = 0; epoch < epochs && status == NNINIT_OK; epoch++) {
        const double start = seconds_now();
        status = nninit_rbm_epoch(rbm, loader, NULL);
        printf("%.6f\n", seconds_now() - start);
        fflush(stdout);
    }
    return status;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: bench_rbm DATA THREADS EPOCHS [MACHINE]\n");
        return 2;
    }
    const nninit_context_options options = {.size = sizeof options, .threads = atoi(argv[2])};
    nninit_context *context;
    if (nninit_context_create(&context, &options) < 0)
        return 1;
    nninit_status status = run(context, argv[1], atoi(argv[3]), argc > 4 ? argv[4] : "bernoulli");
    if (status < 0)
        fprintf(stderr, "bench_rbm: %s\n", nninit_context_message(context));
    nninit_context_destroy(&context);
    return status < 0;
}
