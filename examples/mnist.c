/* SPDX-License-Identifier: MIT */
#include "mnist.h"

#include "mnist_data.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t xavier_widths[] = {784, 256, 256, 10};
static const int64_t deep_widths[] = {784, 512, 512, 512, 512, 10};
static const double xavier_costs[] = {0.247093037, 0.093342982, 0.061566312, 0.043783706, 0.033269316,
                                      0.026357865, 0.021722320, 0.018150117, 0.014932543, 0.013880354,
                                      0.012277206, 0.011461562, 0.011612938, 0.010669780, 0.008404677};
static const double deep_costs[] = {0.212079212, 0.088304490, 0.062981017, 0.052310064, 0.040148880,
                                    0.034834955, 0.029275075, 0.026616711, 0.023001283, 0.022945864,
                                    0.021419954, 0.020208403, 0.015865069, 0.015125655, 0.013439628};
const struct net net_xavier = {"mnist_nn_xavier", xavier_widths, 4, xavier_costs};
const struct net net_deep = {"mnist_nn_deep", deep_widths, 6, deep_costs};

enum { NOTEBOOK_EPOCHS = 15 };

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if ((call) < 0)                                                                                                \
            goto fail;                                                                                                 \
    } while (0)

static int complain(const struct lecture *lecture) {
    const char *message = nninit_context_message(lecture->context);
    fprintf(stderr, "%s: %s\n", lecture->options->program, *message ? message : "out of memory");
    return 1;
}

/* MNIST's training half begins so; Fashion-MNIST's, which has as many rows, does not. */
static bool is_mnist(nninit_dataset *train) {
    static const int64_t rows[] = {0, 1, 2, 3, 4, 5, 6, 7}, expected[] = {5, 0, 4, 1, 9, 2, 1, 3};
    float pixels[8 * 784];
    int64_t labels[8];
    return nninit_dataset_count(train) == 60000 && nninit_dataset_features(train) == 784 &&
           nninit_dataset_read(train, rows, 8, pixels, labels) == NNINIT_OK &&
           memcmp(labels, expected, sizeof labels) == 0;
}

int lecture_open(struct lecture *lecture, const struct options *o) {
    *lecture = (struct lecture){.options = o};
    nninit_context_options options = {.size = sizeof options, .backend = o->backend, .threads = (int)o->threads,
                                      .modules = o->modules};
    if (nninit_context_create(&lecture->context, &options) < 0) {
        fprintf(stderr, "%s: out of memory\n", o->program);
        return 1;
    }
    const char *backend;
    TRY(nninit_context_backend(lecture->context, &backend));
    TRY(mnist_open(lecture->context, o->data, o->subset, &lecture->train, &lecture->test));
    TRY(nninit_generator_create(&lecture->generator, lecture->context, NNINIT_STREAM_TORCH, o->seed));
    lecture->comparable = options_are_the_notebooks(o) && is_mnist(lecture->train);
    if (!o->quiet)
        printf("Data: %s, %lld rows to train on, %lld to test on. Backend: %s.\n", mnist_folder(o->data),
               (long long)nninit_dataset_count(lecture->train), (long long)nninit_dataset_count(lecture->test),
               backend);
    return 0;
fail:
    complain(lecture);
    lecture_close(lecture);
    return 1;
}

void lecture_close(struct lecture *lecture) {
    nninit_context_destroy(&lecture->context);
}

static void print_row(const float *row, int64_t n) {
    printf("%7.4f, %7.4f, %7.4f,  ..., %7.4f, %7.4f, %7.4f]", (double)row[0], (double)row[1], (double)row[2],
           (double)row[n - 3], (double)row[n - 2], (double)row[n - 1]);
}

/* As PyTorch prints a large parameter. */
static nninit_status print_weight(nninit_tensor *weight) {
    int64_t rows = nninit_tensor_shape(weight)[0], cols = nninit_tensor_shape(weight)[1];
    float *values = malloc((size_t)(rows * cols) * sizeof *values);
    if (!values)
        return NNINIT_ERR_MEMORY;
    nninit_status status = nninit_tensor_read(weight, values, rows * cols);
    if (status == NNINIT_OK) {
        printf("Parameter containing:\ntensor([[");
        for (int64_t r = 0; r < rows; r++) {
            if (r == 3)
                printf("        ...,\n");
            if (r >= 3 && r < rows - 3)
                continue;
            if (r > 0)
                printf("        [");
            print_row(values + r * cols, cols);
            printf(r == rows - 1 ? "],\n" : ",\n");
        }
        printf("       requires_grad=True)\n");
    }
    free(values);
    return status;
}

static int show_progress(void *user, const nninit_progress *progress) {
    (void)user;
    progress_show("Epoch", progress);
    return 0;
}

/* The shortest digits that give the float32 again, as Python prints them after widening it to double. */
static void print_accuracy(double accuracy) {
    double value = (double)(float)accuracy;
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    printf("Accuracy: %s%s\n", text, strpbrk(text, ".e") ? "" : ".0");
}

static nninit_status train(struct lecture *lecture, const struct net *net, nninit_trainer *trainer,
                           nninit_loader *batches, const char *save) {
    const struct options *o = lecture->options;
    /* Before the first epoch too: a path that cannot be written shows at once. */
    nninit_status status = *save ? nninit_trainer_save(trainer, batches, save) : NNINIT_OK;
    if (status < 0)
        return status;
    for (int64_t epoch = nninit_loader_epochs(batches) + 1; epoch <= o->epochs; epoch++) {
        float cost;
        status = nninit_trainer_epoch(trainer, batches, &cost);
        if (status < 0)
            return status;
        lecture->trained = true;
        printf("Epoch: %04lld cost = %.9f", (long long)epoch, (double)cost);
        if (lecture->comparable && !o->quiet && epoch <= NOTEBOOK_EPOCHS)
            printf("   (notebook %.9f)", net->costs[epoch - 1]);
        printf("\n");
        fflush(stdout);
        if (*save && (status = nninit_trainer_save(trainer, batches, save)) < 0)
            return status;
    }
    printf("Learning finished\n");
    return NNINIT_OK;
}

/* A row of the test set, without a draw from the stream that trains. */
static nninit_status predict_one(struct lecture *lecture, nninit_trainer *trainer) {
    nninit_generator *own = NULL;
    int64_t row, label, prediction;
    float pixels[784];
    nninit_status status =
        nninit_generator_create(&own, lecture->context, NNINIT_STREAM_TORCH, lecture->options->seed);
    if (status == NNINIT_OK)
        status = nninit_generator_randint(own, &row, 1, 0, nninit_dataset_count(lecture->test));
    if (status == NNINIT_OK)
        status = nninit_dataset_read(lecture->test, &row, 1, pixels, &label);
    if (status == NNINIT_OK)
        status = nninit_trainer_predict(trainer, lecture->test, row, &prediction);
    if (status == NNINIT_OK)
        printf("Label:  %lld\nPrediction:  %lld\n", (long long)label, (long long)prediction);
    nninit_generator_destroy(&own);
    return status;
}

/* On raw pixels, as the notebook measured it by oversight, and on scaled ones, as the net was trained. */
static nninit_status test(struct lecture *lecture, nninit_trainer *trainer) {
    double accuracy;
    nninit_status status = nninit_dataset_set_scale(lecture->test, NNINIT_SCALE_RAW);
    if (status == NNINIT_OK)
        status = nninit_trainer_accuracy(trainer, lecture->test, &accuracy);
    if (status == NNINIT_OK) {
        print_accuracy(accuracy);
        status = predict_one(lecture, trainer);
    }
    nninit_dataset_set_scale(lecture->test, NNINIT_SCALE_UNIT);
    if (status == NNINIT_OK)
        status = nninit_trainer_accuracy(trainer, lecture->test, &accuracy);
    if (status == NNINIT_OK)
        printf("Accuracy on pixels scaled as in training: %.4f\n", accuracy);
    return status;
}

enum { PATH_SIZE = 4096 };

/* name and suffix in one; false: too long. No name gives no path. */
static bool join(char path[PATH_SIZE], const char *name, const char *suffix) {
    int length = snprintf(path, PATH_SIZE, "%s%s", name ? name : "", name ? suffix : "");
    return length >= 0 && length < PATH_SIZE;
}

/* The net's checkpoint is there, and still the sequel of what was run so far. The first net's must be there. */
static bool goes_on(const struct lecture *lecture, const char *resume, bool first) {
    return *resume && (first || (!lecture->trained && access(resume, F_OK) == 0));
}

int lecture_run(struct lecture *lecture, const struct net *net, const char *suffix) {
    const struct options *o = lecture->options;
    nninit_context *ctx = lecture->context;
    bool first = !lecture->begun;
    lecture->begun = true;
    nninit_layer *model;
    nninit_initializer *xavier;
    nninit_optimizer *adam;
    nninit_loader *batches;
    nninit_trainer *trainer;
    const unsigned flags = NNINIT_SHUFFLE | NNINIT_DROP_LAST;
    char save[PATH_SIZE], resume[PATH_SIZE], hash[NNINIT_SHA256_SIZE];
    if (!join(save, o->save, suffix) || !join(resume, o->resume, suffix)) {
        fprintf(stderr, "%s: the name of a checkpoint is too long\n", o->program);
        return 1;
    }
    if (!o->quiet)
        printf("\n%s\n", net->name);
    TRY(nninit_mlp_create(&model, ctx, net->widths, net->count, NNINIT_RELU, lecture->generator));
    TRY(nninit_initializer_parse(&xavier, ctx, "xavier_uniform"));
    TRY(nninit_layer_init(model, "*.weight", xavier, lecture->generator));
    TRY(print_weight(nninit_layer_parameter(model, nninit_layer_parameter_count(model) - 2)));
    TRY(nninit_optimizer_create(&adam, ctx, NNINIT_ADAM));
    TRY(nninit_optimizer_set(adam, NNINIT_OPT_LR, o->lr));
    TRY(nninit_loader_create(&batches, lecture->train, o->batch, flags, lecture->generator));
    TRY(nninit_trainer_create(&trainer, model, NNINIT_CROSS_ENTROPY, adam));
    if (!o->quiet && isatty(STDOUT_FILENO))
        TRY(nninit_trainer_on_progress(trainer, show_progress, NULL));
    if (goes_on(lecture, resume, first))
        TRY(nninit_trainer_resume(trainer, batches, resume));
    TRY(train(lecture, net, trainer, batches, save));
    TRY(test(lecture, trainer));
    TRY(nninit_layer_sha256(model, hash));
    printf("SHA-256 of the weights: %s\n", hash);
    return 0;
fail:
    return complain(lecture);
}
