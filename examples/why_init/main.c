/* SPDX-License-Identifier: MIT */
/* Why good initialization matters: trains the same net on MNIST from many initializations and writes one page about it. */
#include "../arguments.h"
#include "../mnist_data.h"
#include "why.h"

#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define HE "kaiming_normal:nonlinearity=relu"

static const struct why_case cases[] = {
    {"zeros", "zeros", "zeros", WHY_NOTHING},
    {"zeros, PyTorch biases", "zeros", NULL, WHY_NOTHING},
    {"constant 0.01", "constant:value=0.01", "zeros", WHY_NOTHING},
    {"N(0, 0.01 squared)", "normal:std=0.01", "zeros", WHY_NOTHING},
    {"N(0, 1)", "normal:std=1", "zeros", WHY_NOTHING},
    {"LeCun", "lecun_normal", "zeros", WHY_NOTHING},
    {"Xavier", "xavier_normal", "zeros", WHY_NOTHING},
    {"He", HE, "zeros", WHY_NOTHING},
    {"orthogonal", "orthogonal", "zeros", WHY_NOTHING},
    {"LSUV", "zeros", "zeros", WHY_LSUV},
    {"RBM pre-training", "xavier_normal", "zeros", WHY_RBM},
};

static void help(void) {
    puts("Usage: why_init [OPTIONS]\n"
         "Train the same net on MNIST from many initializations and write a page that shows what happens.\n\n"
         "  --out FILE        the page (why_init.html)\n"
         "  --png             pictures beside it, as PNG\n"
         "  --activation A    relu, tanh, sigmoid or leaky_relu (relu)\n"
         "  --depth N         hidden layers, 2 to 60 (10)\n"
         "  --width N         units of each, 2 to 4096 (128)\n"
         "  --optimizer O     as nninit_optimizer_parse() takes it (sgd:lr=0.01,momentum=0.9)\n"
         "  --epochs N        (1)\n"
         "  --batch N         rows of a batch (100)\n"
         "  --seed S          (777)\n"
         "  --data DIR        folder with the four MNIST files, plain or .gz (default: those that come along)\n"
         "  --subset N        only the first N training images (all)\n"
         "  --threads N       0: as many as may be used (0)\n"
         "  --backend B       auto, cuda, cuda:1, cpu or ref (auto)\n"
         "  --quiet           no progress bar\n"
         "  --help            this text\n\n"
         "gnuplot must be installed.");
}

static int complain(const char *option, const char *value) {
    fprintf(stderr, "why_init: --%s does not take \"%s\"; see --help\n", option, value);
    return 2;
}

static bool activation(const char *text, nninit_activation *value) {
    static const struct {
        const char *name;
        nninit_activation value;
    } known[] = {{"relu", NNINIT_RELU}, {"tanh", NNINIT_TANH}, {"sigmoid", NNINIT_SIGMOID}, {"leaky_relu", NNINIT_LEAKY_RELU}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].name) == 0) {
            *value = known[i].value;
            return true;
        }
    return false;
}

static bool take(struct why_options *o, int which, char *value) {
    switch (which) {
    case 'o': o->out = value; return *value;
    case 'a': o->activation_name = value; return activation(value, &o->activation);
    case 'd': return argument_whole(value, 2, 60, &o->depth);
    case 'w': return argument_whole(value, 2, 4096, &o->width);
    case 'u': o->optimizer = value; return true;
    case 'e': return argument_whole(value, 1, 1000, &o->epochs);
    case 'b': return argument_whole(value, 2, 10000, &o->batch);
    case 's': return argument_seed(value, &o->seed);
    case 'D': o->data = value; return true;
    case 'n': return argument_whole(value, 1, 60000, &o->subset);
    case 't': return argument_whole(value, 0, 256, &o->threads);
    default: o->backend = value; return true;
    }
}

/* -1: go on; else the status to exit with. */
static int read_options(struct why_options *o, int argc, char **argv) {
    static const struct option names[] = {
        {"out", 1, NULL, 'o'},    {"activation", 1, NULL, 'a'}, {"depth", 1, NULL, 'd'},  {"width", 1, NULL, 'w'},
        {"optimizer", 1, NULL, 'u'}, {"epochs", 1, NULL, 'e'},  {"batch", 1, NULL, 'b'},  {"seed", 1, NULL, 's'},
        {"data", 1, NULL, 'D'},   {"subset", 1, NULL, 'n'},     {"threads", 1, NULL, 't'}, {"backend", 1, NULL, 'k'},
        {"png", 0, NULL, 'p'},    {"quiet", 0, NULL, 'q'},      {"help", 0, NULL, 'h'},   {NULL, 0, NULL, 0}};
    int which, index;
    while ((which = getopt_long(argc, argv, "", names, &index)) != -1) {
        if (which == '?')
            return 2;
        if (which == 'h') {
            help();
            return 0;
        }
        o->png |= which == 'p';
        o->quiet |= which == 'q';
        if (which != 'p' && which != 'q' && !take(o, which, optarg))
            return complain(names[index].name, optarg);
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "why_init: unexpected argument \"%s\"; see --help\n", argv[optind]);
    return 2;
}

/* The loss of who knows nothing but how frequent the labels are. */
static nninit_status measure_entropy(struct why *why, int64_t count) {
    double share[WHY_CLASSES] = {0}, entropy = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t label;
        nninit_status status = nninit_dataset_read(why->train, &i, 1, why->x, &label);
        if (status < 0)
            return status;
        share[label] += 1 / (double)count;
    }
    for (int k = 0; k < WHY_CLASSES; k++)
        entropy -= share[k] > 0 ? share[k] * log(share[k]) : 0;
    why->class_entropy = entropy;
    return NNINIT_OK;
}

/* The batch that reports look at: the first rows of the training set. */
static nninit_status take_batch(struct why *why) {
    const struct why_options *o = why->options;
    int64_t features = nninit_dataset_features(why->train), *rows = malloc((size_t)o->batch * sizeof *rows);
    why->x = malloc((size_t)(o->batch * features) * sizeof *why->x);
    why->labels = malloc((size_t)o->batch * sizeof *why->labels);
    for (long i = 0; rows && i < o->batch; i++)
        rows[i] = i;
    nninit_status status = rows && why->x && why->labels ? nninit_dataset_read(why->train, rows, o->batch, why->x, why->labels)
                                                         : NNINIT_ERR_MEMORY;
    free(rows);
    return status;
}

static nninit_status open_data(struct why *why) {
    const struct why_options *o = why->options;
    const char *folder = mnist_folder(o->data);
    nninit_status status = nninit_dataset_open_mnist(&why->train, why->context, folder, NNINIT_TRAIN);
    if (status == NNINIT_OK)
        status = nninit_dataset_open_mnist(&why->test, why->context, folder, NNINIT_TEST);
    if (status == NNINIT_OK && o->subset)
        status = nninit_dataset_slice(&why->train, why->train, 0, o->subset);
    if (status < 0)
        return status;
    int64_t features = nninit_dataset_features(why->train), count = nninit_dataset_count(why->train);
    why->linears = (int)o->depth + 1;
    why->widths[0] = features;
    for (int i = 1; i <= o->depth; i++)
        why->widths[i] = o->width;
    why->widths[why->linears] = WHY_CLASSES;
    why->x = malloc((size_t)features * sizeof *why->x);
    status = why->x ? measure_entropy(why, count) : NNINIT_ERR_MEMORY;
    free(why->x);
    why->x = NULL;
    if (status == NNINIT_OK)
        status = take_batch(why);
    for (int64_t i = 0; status == NNINIT_OK && i < o->batch * features; i++)
        why->input_square += (double)why->x[i] * (double)why->x[i] / (double)(o->batch * features);
    return status;
}

static int run(struct why *why) {
    const nninit_context_options options = {.size = sizeof options, .backend = why->options->backend,
                                            .threads = (int)why->options->threads};
    nninit_status status = nninit_context_create(&why->context, &options);
    if (status == NNINIT_OK)
        status = open_data(why);
    if (status < 0) {
        fprintf(stderr, "why_init: %s\n", why->context ? nninit_context_message(why->context) : nninit_status_name(status));
        return 1;
    }
    int failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && !failed; i++)
        failed = why_train(why, &cases[i], &why->runs[why->run_count++]);
    return failed ? 1 : why_page(why);
}

int main(int argc, char **argv) {
    struct why_options options = {.program = "why_init", .out = "why_init.html", .optimizer = "sgd:lr=0.01,momentum=0.9",
                                  .activation_name = "relu", .activation = NNINIT_RELU, .depth = 10, .width = 128, .epochs = 1,
                                  .batch = 100, .seed = 777};
    struct why why = {.options = &options, .argc = argc, .argv = argv};
    int status = read_options(&options, argc, argv);
    if (status >= 0)
        return status;
    signal(SIGPIPE, SIG_IGN); /* a gnuplot that is not there is an error, not the end */
    status = run(&why);
    for (int i = 0; i < why.run_count; i++)
        free(why.runs[i].points);
    free(why.x);
    free(why.labels);
    nninit_context_destroy(&why.context);
    return status;
}
