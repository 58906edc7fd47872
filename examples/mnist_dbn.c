/* SPDX-License-Identifier: MIT */
/* What pre-training is worth on MNIST: the same net from machines that have seen all images without their labels, from Xavier's
 * weights and from He's, trained on a few labels or on all of them. */
#include "arguments.h"
#include "mnist_data.h"
#include "picture.h"
#include "progress.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIXELS = 784, SIDE = 28, CLASSES = 10, HELD = 10000, MAX_WIDTHS = 8, MAX_SIZES = 8, MAX_SEEDS = 100 };
enum { FROM_MACHINES, FROM_XAVIER, FROM_HE, STARTS };

static const char *const start_names[STARTS] = {"machines", "Xavier", "He"};

struct options {
    const char *data, *machine, *optimizer, *backend, *dream;
    int64_t widths[MAX_WIDTHS], sizes[MAX_SIZES];
    int width_count, size_count; /* no sizes: all labels */
    long pretrain, epochs, seeds, subset, threads;
    unsigned long long seed;
    bool quiet, all;
};

struct run {
    struct options o;
    nninit_context *context;
    nninit_dataset *train, *test;
    float *rows;     /* the labelled images of a comparison */
    int64_t *labels;
    bool bar;
};

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        nninit_status status_ = (call);                                                                                \
        if (status_ < 0)                                                                                               \
            return status_;                                                                                            \
    } while (0)

static void help(void) {
    printf("Usage: mnist_dbn [OPTIONS]\n"
           "Pre-train a net on MNIST by restricted Boltzmann machines, fine-tune it, and compare with the same net from\n"
           "Xavier's and He's weights.\n\n"
           "  --widths A-B-C   hidden layers (500-500-2000)\n"
           "  --machine TEXT   options of the machines as nninit_rbm_parse() takes them (bernoulli)\n"
           "  --pretrain N     epochs of each machine (10)\n"
           "  --labels LIST    numbers of labelled images, as many of each digit (100,1000,10000)\n"
           "  --all            all labels instead: the epoch is chosen on the last 10,000 training images, and the test\n"
           "                   error of that epoch is printed\n"
           "  --epochs N       of fine-tuning (50); the rate falls linearly to 0\n"
           "  --optimizer O    as nninit_optimizer_parse() takes it (adam:lr=0.001)\n"
           "  --seed S         the first seed (1)\n"
           "  --seeds N        repeat with seeds S, S + 1, ... (5; with --all 1)\n"
           "  --dream P        instead of all that: learn images and labels together, and draw to P what the labels stand for\n"
           "  --data DIR       folder with the four MNIST files, plain or .gz (default: those that come along)\n"
           "  --subset N       only the first N images of each half (all)\n"
           "  --threads N      0: as many as may be used (0)\n"
           "  --backend B      auto, cuda, cuda:1, cpu or ref (auto)\n"
           "  --quiet          no progress bar\n"
           "  --help           this text\n");
}

static bool take(struct options *o, int which, char *value) {
    switch (which) {
    case 'w': return argument_list(value, '-', MAX_WIDTHS, o->widths, &o->width_count);
    case 'm': o->machine = value; return true;
    case 'p': return argument_whole(value, 1, 100000, &o->pretrain);
    case 'l': return argument_list(value, ',', MAX_SIZES, o->sizes, &o->size_count);
    case 'e': return argument_whole(value, 1, 100000, &o->epochs);
    case 'u': o->optimizer = value; return true;
    case 's': return argument_seed(value, &o->seed);
    case 'S': return argument_whole(value, 1, MAX_SEEDS, &o->seeds);
    case 'd': o->dream = value; return true;
    case 'D': o->data = value; return true;
    case 'n': return argument_whole(value, 1, 60000, &o->subset);
    case 't': return argument_whole(value, 0, 256, &o->threads);
    default: o->backend = value; return true;
    }
}

/* -1: go on; else the status to exit with. */
static int read_options(struct options *o, int argc, char **argv) {
    enum { HELP = 256 };
    static const struct option names[] = {
        {"widths", 1, NULL, 'w'}, {"machine", 1, NULL, 'm'},   {"pretrain", 1, NULL, 'p'}, {"labels", 1, NULL, 'l'},
        {"all", 0, NULL, 'A'},    {"epochs", 1, NULL, 'e'},    {"optimizer", 1, NULL, 'u'}, {"seed", 1, NULL, 's'},
        {"seeds", 1, NULL, 'S'},  {"dream", 1, NULL, 'd'},     {"data", 1, NULL, 'D'},     {"subset", 1, NULL, 'n'},
        {"threads", 1, NULL, 't'}, {"backend", 1, NULL, 'k'},  {"quiet", 0, NULL, 'q'},    {"help", 0, NULL, HELP},
        {NULL, 0, NULL, 0}};
    int which, index;
    *o = (struct options){.machine = "bernoulli", .optimizer = "adam:lr=0.001", .widths = {500, 500, 2000}, .width_count = 3,
                          .sizes = {100, 1000, 10000}, .size_count = 3, .pretrain = 10, .epochs = 50, .seed = 1};
    while ((which = getopt_long(argc, argv, "", names, &index)) != -1) {
        if (which == '?')
            return 2;
        if (which == HELP) {
            help();
            return 0;
        }
        o->quiet |= which == 'q';
        o->all |= which == 'A';
        if (which != 'q' && which != 'A' && !take(o, which, optarg)) {
            fprintf(stderr, "mnist_dbn: --%s does not take \"%s\"; see --help\n", names[index].name, optarg);
            return 2;
        }
    }
    o->seeds = o->seeds ? o->seeds : o->all ? 1 : 5;
    if (optind == argc)
        return -1;
    fprintf(stderr, "mnist_dbn: unexpected argument \"%s\"; see --help\n", argv[optind]);
    return 2;
}

static int show_progress(void *user, int machine, const nninit_progress *progress) {
    char what[40];
    (void)user;
    snprintf(what, sizeof what, "Machine %d, epoch", machine + 1);
    progress_show(what, progress);
    return 0;
}

/* A stack of the hidden layers, with a joint top of `labels` if there are any, trained on a data set. */
static nninit_status make_stack(struct run *r, nninit_dataset *data, int64_t labels, nninit_generator *generator,
                                nninit_dbn **dbn) {
    int64_t widths[MAX_WIDTHS + 1] = {PIXELS};
    memcpy(widths + 1, r->o.widths, sizeof r->o.widths);
    const nninit_dbn_options options = {.size = sizeof options, .epochs = r->o.pretrain,
                                        .progress = r->bar ? show_progress : NULL};
    TRY(nninit_dbn_create(dbn, r->context, r->o.machine, widths, r->o.width_count + 1, labels, generator));
    return nninit_dbn_pretrain(*dbn, data, &options);
}

static nninit_status init(struct run *r, nninit_layer *model, const char *pattern, const char *text, nninit_generator *generator) {
    nninit_initializer *initializer;
    TRY(nninit_initializer_parse(&initializer, r->context, text));
    nninit_status status = nninit_layer_init(model, pattern, initializer, generator);
    nninit_initializer_destroy(&initializer);
    return status;
}

/* The net to be compared, of sigmoids throughout; output layers are always Xavier's. */
static nninit_status make_model(struct run *r, int start, nninit_dbn *dbn, nninit_generator *generator, nninit_layer **model) {
    int64_t widths[MAX_WIDTHS + 2] = {PIXELS};
    nninit_initializer *xavier;
    TRY(nninit_initializer_parse(&xavier, r->context, "xavier_uniform"));
    if (start == FROM_MACHINES) {
        nninit_status status = nninit_dbn_to_model(dbn, CLASSES, xavier, generator, model);
        nninit_initializer_destroy(&xavier);
        return status;
    }
    nninit_initializer_destroy(&xavier);
    memcpy(widths + 1, r->o.widths, sizeof r->o.widths);
    widths[r->o.width_count + 1] = CLASSES;
    TRY(nninit_mlp_create(model, r->context, widths, r->o.width_count + 2, NNINIT_SIGMOID, generator));
    TRY(init(r, *model, "*.weight", start == FROM_HE ? "kaiming_normal:nonlinearity=relu" : "xavier_uniform", generator));
    return init(r, *model, "*.bias", "zeros", generator);
}

/* What fine-tuning comes to. */
struct outcome {
    double test;      /* error after the last epoch, or of the chosen one */
    double held;      /* of the chosen one */
    int64_t epoch;
};

/* Train on labelled rows. With `held` the epoch is chosen whose error on it is least. */
static nninit_status fine_tune(struct run *r, nninit_layer *model, nninit_dataset *data, nninit_dataset *held,
                               nninit_generator *generator, struct outcome *outcome) {
    const int64_t count = nninit_dataset_count(data), batch = count / 100 < 10 ? 10 : count / 100 > 100 ? 100 : count / 100;
    nninit_loader *loader;
    nninit_optimizer *optimizer;
    nninit_trainer *trainer;
    double lr, accuracy;
    *outcome = (struct outcome){1, 1, 0};
    TRY(nninit_loader_create(&loader, data, batch < count ? batch : count, NNINIT_SHUFFLE, generator));
    TRY(nninit_optimizer_parse(&optimizer, r->context, r->o.optimizer));
    TRY(nninit_optimizer_get(optimizer, NNINIT_OPT_LR, &lr));
    TRY(nninit_trainer_create(&trainer, model, NNINIT_CROSS_ENTROPY, optimizer));
    for (int64_t epoch = 1; epoch <= r->o.epochs; epoch++) {
        float cost;
        TRY(nninit_optimizer_set(optimizer, NNINIT_OPT_LR, lr * (1 - (double)(epoch - 1) / (double)r->o.epochs)));
        TRY(nninit_trainer_epoch(trainer, loader, &cost));
        if (held) {
            TRY(nninit_trainer_accuracy(trainer, held, &accuracy));
            printf("Epoch: %04lld cost = %.6f, held-out error = %.2f %%\n", (long long)epoch, (double)cost, 100 * (1 - accuracy));
            fflush(stdout);
        }
        if (held ? 1 - accuracy < outcome->held : epoch == r->o.epochs) {
            outcome->held = held ? 1 - accuracy : 1;
            outcome->epoch = epoch;
            TRY(nninit_trainer_accuracy(trainer, r->test, &accuracy)); /* told only of the epoch that is chosen in the end */
            outcome->test = 1 - accuracy;
        }
    }
    nninit_trainer_destroy(&trainer);
    nninit_optimizer_destroy(&optimizer);
    nninit_loader_destroy(&loader);
    return NNINIT_OK;
}

/* Labelled images in an order of their own, as many of each digit as there are of any other. */
static nninit_status choose_rows(struct run *r, int64_t count, unsigned long long seed, nninit_dataset **out) {
    const int64_t all = nninit_dataset_count(r->train);
    int64_t taken = 0, of_digit[CLASSES] = {0}, *order = malloc((size_t)all * sizeof *order);
    nninit_generator *generator = NULL;
    nninit_status status = order ? nninit_generator_create(&generator, r->context, NNINIT_STREAM_TORCH, seed) : NNINIT_ERR_MEMORY;
    if (status == NNINIT_OK)
        status = nninit_generator_randperm(generator, order, all);
    for (int64_t i = 0; i < all && taken < count && status == NNINIT_OK; i++) {
        status = nninit_dataset_read(r->train, &order[i], 1, r->rows + taken * PIXELS, &r->labels[taken]);
        if (status == NNINIT_OK && of_digit[r->labels[taken]] < (count + CLASSES - 1) / CLASSES)
            of_digit[r->labels[taken++]]++;
    }
    free(order);
    nninit_generator_destroy(&generator);
    return status < 0 ? status : nninit_dataset_wrap(out, r->context, NNINIT_FLOAT32, r->rows, r->labels, taken, PIXELS);
}

/* One seed: the stack, then for each number of labels each start. */
static nninit_status compare_seed(struct run *r, unsigned long long seed, double errors[MAX_SIZES][STARTS]) {
    nninit_generator *generator;
    nninit_dbn *dbn;
    TRY(nninit_generator_create(&generator, r->context, NNINIT_STREAM_PHILOX, seed));
    TRY(make_stack(r, r->train, 0, generator, &dbn));
    for (int s = 0; s < r->o.size_count; s++) {
        nninit_dataset *data;
        TRY(choose_rows(r, r->o.sizes[s], seed, &data));
        printf("Seed %llu, %lld labels:", seed, (long long)nninit_dataset_count(data));
        for (int start = 0; start < STARTS; start++) {
            nninit_layer *model;
            struct outcome outcome;
            TRY(make_model(r, start, dbn, generator, &model));
            TRY(fine_tune(r, model, data, NULL, generator, &outcome));
            nninit_layer_destroy(&model);
            errors[s][start] = 100 * outcome.test;
            printf(" %s %.2f %%", start_names[start], 100 - errors[s][start]);
            fflush(stdout);
        }
        printf("\n");
        nninit_dataset_destroy(&data);
    }
    nninit_dbn_destroy(&dbn);
    nninit_generator_destroy(&generator);
    return NNINIT_OK;
}

static nninit_status compare(struct run *r) {
    static double errors[MAX_SEEDS][MAX_SIZES][STARTS];
    int64_t most = 0;
    for (int s = 0; s < r->o.size_count; s++)
        most = r->o.sizes[s] > most ? r->o.sizes[s] : most;
    r->rows = malloc((size_t)(most + 1) * PIXELS * sizeof *r->rows); /* one more: a row that is looked at, and not taken */
    r->labels = malloc((size_t)(most + 1) * sizeof *r->labels);
    if (!r->rows || !r->labels)
        return NNINIT_ERR_MEMORY;
    for (int k = 0; k < r->o.seeds; k++)
        TRY(compare_seed(r, r->o.seed + (unsigned)k, errors[k]));
    printf("\nTest accuracy in %%, mean and standard deviation over %ld seeds\n%8s", r->o.seeds, "labels");
    for (int start = 0; start < STARTS; start++)
        printf("   %14s", start_names[start]);
    for (int s = 0; s < r->o.size_count; s++) {
        printf("\n%8lld", (long long)r->o.sizes[s]);
        for (int start = 0; start < STARTS; start++) {
            double mean = 0, square = 0;
            for (int k = 0; k < r->o.seeds; k++)
                mean += (100 - errors[k][s][start]) / (double)r->o.seeds;
            for (int k = 0; k < r->o.seeds; k++)
                square += pow(100 - errors[k][s][start] - mean, 2);
            printf("   %6.2f +- %.2f ", mean, r->o.seeds > 1 ? sqrt(square / (double)(r->o.seeds - 1)) : 0);
        }
    }
    printf("\n");
    return NNINIT_OK;
}

/* All labels but those of the images that the epoch is chosen on; the machines do not see these either. */
static nninit_status use_all(struct run *r) {
    const int64_t count = nninit_dataset_count(r->train), held_count = count > 2 * HELD ? HELD : count / 6;
    nninit_dataset *data, *held;
    TRY(nninit_dataset_slice(&data, r->train, 0, count - held_count));
    TRY(nninit_dataset_slice(&held, r->train, count - held_count, held_count));
    for (int k = 0; k < r->o.seeds; k++) {
        nninit_generator *generator;
        nninit_dbn *dbn;
        TRY(nninit_generator_create(&generator, r->context, NNINIT_STREAM_PHILOX, r->o.seed + (unsigned)k));
        TRY(make_stack(r, data, 0, generator, &dbn));
        for (int start = 0; start < STARTS; start++) {
            nninit_layer *model;
            struct outcome outcome;
            char hash[NNINIT_SHA256_SIZE];
            printf("From %s:\n", start_names[start]);
            TRY(make_model(r, start, dbn, generator, &model));
            TRY(fine_tune(r, model, data, held, generator, &outcome));
            TRY(nninit_layer_sha256(model, hash));
            printf("Seed %llu, from %s: epoch %lld, held-out error %.2f %%, test error %.2f %% (weights after the last epoch: %s)\n",
                   r->o.seed + (unsigned)k, start_names[start], (long long)outcome.epoch, 100 * outcome.held,
                   100 * outcome.test, hash);
            nninit_layer_destroy(&model);
        }
        nninit_dbn_destroy(&dbn);
        nninit_generator_destroy(&generator);
    }
    return NNINIT_OK;
}

/* How often the joint top names the label of a test image. */
static nninit_status name_images(struct run *r, nninit_dbn *dbn) {
    enum { TOGETHER = 500 };
    static float v[TOGETHER * PIXELS];
    int64_t rows[TOGETHER], labels[TOGETHER], named[TOGETHER], right = 0;
    const int64_t count = nninit_dataset_count(r->test);
    for (int64_t first = 0, n; first < count; first += n) {
        n = count - first < TOGETHER ? count - first : TOGETHER;
        for (int64_t i = 0; i < n; i++)
            rows[i] = first + i;
        TRY(nninit_dataset_read(r->test, rows, n, v, labels));
        TRY(nninit_dbn_classify(dbn, v, n, named));
        for (int64_t i = 0; i < n; i++)
            right += named[i] == labels[i];
    }
    printf("The joint top names %.2f %% of %lld test images rightly, without fine-tuning.\n", 100 * (double)right / (double)count,
           (long long)count);
    return NNINIT_OK;
}

/* A row of ten samples for each label. */
static nninit_status dream(struct run *r) {
    enum { EACH = 10, STEPS = 1000 };
    static float v[CLASSES * EACH * PIXELS];
    int64_t labels[CLASSES * EACH];
    nninit_generator *generator;
    nninit_dbn *dbn;
    TRY(nninit_generator_create(&generator, r->context, NNINIT_STREAM_PHILOX, r->o.seed));
    TRY(make_stack(r, r->train, CLASSES, generator, &dbn));
    TRY(name_images(r, dbn));
    for (int i = 0; i < CLASSES * EACH; i++)
        labels[i] = i / EACH;
    TRY(nninit_generator_uniform(generator, NNINIT_FLOAT32, v, CLASSES * EACH * PIXELS, 0, 1));
    TRY(nninit_dbn_sample(dbn, v, CLASSES * EACH, STEPS, labels));
    const struct picture picture = {v, CLASSES * EACH, SIDE, SIDE, EACH, false};
    const char *problem = picture_save(&picture, r->o.dream);
    if (problem)
        fprintf(stderr, "mnist_dbn: %s: %s\n", r->o.dream, problem);
    else
        printf("Written: %s\n", r->o.dream);
    return problem ? NNINIT_ERR_IO : NNINIT_OK;
}

static nninit_status run(struct run *r) {
    TRY(mnist_open(r->context, r->o.data, r->o.subset, &r->train, &r->test));
    r->bar = !r->o.quiet && isatty(STDOUT_FILENO);
    return r->o.dream ? dream(r) : r->o.all ? use_all(r) : compare(r);
}

int main(int argc, char **argv) {
    struct run r = {0};
    int exit_status = read_options(&r.o, argc, argv);
    if (exit_status >= 0)
        return exit_status;
    const nninit_context_options options = {.size = sizeof options, .backend = r.o.backend, .threads = (int)r.o.threads};
    nninit_status status = nninit_context_create(&r.context, &options);
    if (status == NNINIT_OK)
        status = run(&r);
    const char *message = r.context ? nninit_context_message(r.context) : "";
    if (status < 0 && (*message || status == NNINIT_ERR_MEMORY))
        fprintf(stderr, "mnist_dbn: %s\n", *message ? message : "out of memory");
    free(r.rows);
    free(r.labels);
    nninit_context_destroy(&r.context);
    return status < 0;
}
