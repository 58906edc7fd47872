/* SPDX-License-Identifier: MIT */
/* Train a perceptron on MNIST: train_mlp DIR [EPOCHS] */
#include <nninit/nninit.h>

#include <stdio.h>
#include <stdlib.h>

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if ((call) < 0)                                                                                                \
            goto fail;                                                                                                 \
    } while (0)

int main(int argc, char **argv) {
    nninit_context *ctx;
    nninit_generator *gen;
    nninit_dataset *train, *test;
    nninit_loader *batches;
    nninit_initializer *xavier;
    nninit_layer *net;
    nninit_optimizer *adam;
    nninit_trainer *run;
    const int64_t widths[] = {784, 256, 256, 10};
    float cost;
    double accuracy;
    if (argc < 2) {
        fprintf(stderr, "usage: train_mlp DIR [EPOCHS]\n");
        return 2;
    }
    if (nninit_context_create(&ctx, NULL) < 0)
        return 1;
    TRY(nninit_dataset_open_mnist(&train, ctx, argv[1], NNINIT_TRAIN));
    TRY(nninit_dataset_open_mnist(&test, ctx, argv[1], NNINIT_TEST));
    TRY(nninit_generator_create(&gen, ctx, NNINIT_STREAM_TORCH, 777));
    TRY(nninit_mlp_create(&net, ctx, widths, 4, NNINIT_RELU, gen));
    TRY(nninit_initializer_parse(&xavier, ctx, "xavier_uniform"));
    TRY(nninit_layer_init(net, "*.weight", xavier, gen));
    TRY(nninit_optimizer_create(&adam, ctx, NNINIT_ADAM));
    TRY(nninit_loader_create(&batches, train, 100, NNINIT_SHUFFLE | NNINIT_DROP_LAST, gen));
    TRY(nninit_trainer_create(&run, net, NNINIT_CROSS_ENTROPY, adam));
    for (int epoch = 1; epoch <= (argc > 2 ? atoi(argv[2]) : 15); epoch++) {
        TRY(nninit_trainer_epoch(run, batches, &cost));
        printf("Epoch: %04d cost = %.9f\n", epoch, (double)cost);
    }
    TRY(nninit_trainer_accuracy(run, test, &accuracy));
    printf("Accuracy: %.4f\n", accuracy);
    nninit_context_destroy(&ctx); /* and all that was made from it */
    return 0;
fail:
    fprintf(stderr, "train_mlp: %s\n", nninit_context_message(ctx));
    nninit_context_destroy(&ctx);
    return 1;
}
