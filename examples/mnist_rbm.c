/* SPDX-License-Identifier: MIT */
/* A restricted Boltzmann machine on MNIST: trains it, says after each epoch how well it is doing, and draws what its hidden
 * units look for and what it dreams. */
#include "arguments.h"
#include "mnist_data.h"
#include "picture.h"
#include "progress.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PIXELS = 784, SIDE = 28, MEASURED = 2000, TILES = 100, ACROSS = 10, GIBBS_STEPS = 1000 };

struct options {
    const char *data, *machine, *backend, *pictures, *save, *resume;
    long hidden, epochs, batch, threads, subset, ais, ais_every;
    unsigned long long seed;
    bool quiet;
};

struct run {
    struct options o;
    nninit_context *context;
    nninit_generator *generator, *measuring; /* two streams: what is measured does not change what is learnt */
    nninit_dataset *train, *test;
    nninit_loader *batches;
    nninit_rbm *rbm;
    float *held;   /* [count, PIXELS] test images, each pixel drawn with its grey value as its probability, once */
    int64_t count; /* of them */
};

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        nninit_status status_ = (call);                                                                                \
        if (status_ < 0)                                                                                               \
            return status_;                                                                                            \
    } while (0)

static void help(void) {
    printf("Usage: mnist_rbm [OPTIONS]\n"
           "Train a restricted Boltzmann machine on MNIST.\n\n"
           "  --hidden N       hidden units (500)\n"
           "  --machine TEXT   options as nninit_rbm_parse() takes them (bernoulli); persistent chains, for example:\n"
           "                   bernoulli:chains=100,lr_epochs=30,momentum=0,final_momentum=0,binarize=1\n"
           "  --epochs N       (10)\n"
           "  --batch N        rows of a batch (100)\n"
           "  --ais N          at the end, estimate log p of test images by so many annealed chains; 0: don't (100)\n"
           "  --ais-every N    and after every N epochs (0)\n"
           "  --pictures P     write P-filters.%s and P-samples.%s (mnist_rbm); \"\": none\n"
           "  --save F         write a checkpoint after each epoch\n"
           "  --resume F       go on from a checkpoint\n"
           "  --seed S         (777)\n"
           "  --data DIR       folder with the four MNIST files, plain or .gz (default: those that come along)\n"
           "  --subset N       only the first N images of each half (all)\n"
           "  --threads N      0: as many as may be used (0)\n"
           "  --backend B      auto, cuda, cuda:1, cpu or ref (auto)\n"
           "  --quiet          no progress bar\n"
           "  --help           this text\n", picture_format(), picture_format());
}

static bool take(struct options *o, int which, char *value) {
    switch (which) {
    case 'h': return argument_whole(value, 1, 1 << 20, &o->hidden);
    case 'm': o->machine = value; return true;
    case 'e': return argument_whole(value, 0, 1000000, &o->epochs);
    case 'b': return argument_whole(value, 1, 60000, &o->batch);
    case 'a': return *value == '0' ? argument_whole(value, 0, 0, &o->ais) : argument_whole(value, 2, 100000, &o->ais);
    case 'A': return argument_whole(value, 0, 1000000, &o->ais_every);
    case 'p': o->pictures = value; return true;
    case 'w': o->save = value; return true;
    case 'r': o->resume = value; return true;
    case 's': return argument_seed(value, &o->seed);
    case 'D': o->data = value; return true;
    case 'n': return argument_whole(value, 1, 60000, &o->subset);
    case 't': return argument_whole(value, 0, 256, &o->threads);
    default: o->backend = value; return true;
    }
}

/* -1: go on; else the status to exit with. */
static int read_options(struct options *o, int argc, char **argv) {
    static const struct option names[] = {
        {"hidden", 1, NULL, 'h'},    {"machine", 1, NULL, 'm'}, {"epochs", 1, NULL, 'e'}, {"batch", 1, NULL, 'b'},
        {"ais", 1, NULL, 'a'},       {"ais-every", 1, NULL, 'A'}, {"pictures", 1, NULL, 'p'}, {"save", 1, NULL, 'w'},
        {"resume", 1, NULL, 'r'},    {"seed", 1, NULL, 's'},    {"data", 1, NULL, 'D'},   {"subset", 1, NULL, 'n'},
        {"threads", 1, NULL, 't'},   {"backend", 1, NULL, 'k'}, {"quiet", 0, NULL, 'q'},  {"help", 0, NULL, '?' + 1},
        {NULL, 0, NULL, 0}};
    int which, index;
    *o = (struct options){.machine = "bernoulli", .hidden = 500, .epochs = 10, .batch = 100, .ais = 100,
                          .pictures = "mnist_rbm", .seed = 777};
    while ((which = getopt_long(argc, argv, "", names, &index)) != -1) {
        if (which == '?')
            return 2;
        if (which == '?' + 1) {
            help();
            return 0;
        }
        o->quiet |= which == 'q';
        if (which != 'q' && !take(o, which, optarg)) {
            fprintf(stderr, "mnist_rbm: --%s does not take \"%s\"; see --help\n", names[index].name, optarg);
            return 2;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "mnist_rbm: unexpected argument \"%s\"; see --help\n", argv[optind]);
    return 2;
}

/* The test images whose likelihood is told, as zeros and ones. */
static nninit_status hold_images(struct run *r) {
    r->count = nninit_dataset_count(r->test);
    r->held = malloc((size_t)r->count * PIXELS * sizeof *r->held);
    if (!r->held)
        return NNINIT_ERR_MEMORY;
    for (int64_t i = 0; i < r->count; i++)
        TRY(nninit_dataset_read(r->test, &i, 1, r->held + i * PIXELS, NULL));
    return nninit_generator_bernoulli_each(r->measuring, NNINIT_FLOAT32, r->held, r->held, r->count * PIXELS);
}

static int show_progress(void *user, const nninit_progress *progress) {
    (void)user;
    progress_show("Epoch", progress);
    return 0;
}

static nninit_status set_up(struct run *r) {
    const struct options *o = &r->o;
    TRY(mnist_open(r->context, o->data, o->subset, &r->train, &r->test));
    TRY(nninit_generator_create(&r->generator, r->context, NNINIT_STREAM_PHILOX, o->seed));
    TRY(nninit_generator_create(&r->measuring, r->context, NNINIT_STREAM_PHILOX, o->seed + 1));
    TRY(nninit_loader_create(&r->batches, r->train, o->batch, NNINIT_SHUFFLE, r->generator));
    TRY(nninit_rbm_parse(&r->rbm, r->context, o->machine, PIXELS, o->hidden, r->generator));
    TRY(nninit_rbm_init_visible_bias(r->rbm, r->train));
    TRY(hold_images(r));
    if (!o->quiet && isatty(STDOUT_FILENO))
        TRY(nninit_rbm_on_progress(r->rbm, show_progress, NULL));
    return o->resume ? nninit_rbm_resume(r->rbm, r->batches, o->resume) : NNINIT_OK;
}

/* One line about how it stands, from the first rows; more than one number, since each alone can mislead. */
static nninit_status print_measures(struct run *r, double error, double seconds) {
    double entropy, gap, pseudo;
    const int64_t train = nninit_dataset_count(r->train), most = r->count < train ? r->count : train;
    const int64_t rows = most < MEASURED ? most : MEASURED;
    TRY(nninit_rbm_reconstruction(r->rbm, r->test, NULL, &entropy));
    TRY(nninit_rbm_free_energy_gap(r->rbm, r->train, r->test, rows, &gap));
    TRY(nninit_rbm_pseudo_likelihood(r->rbm, r->held, rows, r->measuring, &pseudo));
    printf("Epoch: %04lld ", (long long)nninit_rbm_epochs(r->rbm));
    if (!isnan(error))
        printf("error = %.6f, ", error);
    printf("test: cross-entropy = %.3f, pseudo-likelihood = %.2f, free-energy gap = %.3f (%.1f s)\n", entropy, pseudo, gap,
           seconds);
    fflush(stdout);
    return NNINIT_OK;
}

/* log p of the held test images: exactly where states can be enumerated, and by annealing. */
static nninit_status print_likelihood(struct run *r) {
    double *energy = malloc((size_t)r->count * sizeof *energy), mean = 0, log_z;
    const nninit_rbm_ais_options options = {.size = sizeof options, .chains = r->o.ais, .base = r->train};
    nninit_rbm_ais_result ais = {.size = sizeof ais};
    nninit_status status = energy ? nninit_rbm_free_energy(r->rbm, r->held, r->count, energy) : NNINIT_ERR_MEMORY;
    for (int64_t i = 0; i < r->count && status == NNINIT_OK; i++)
        mean += energy[i] / (double)r->count;
    free(energy);
    if (status == NNINIT_OK && r->o.hidden <= 20) {
        status = nninit_rbm_log_partition(r->rbm, &log_z);
        printf("log Z = %.3f, exact; test log p = %.3f\n", log_z, -mean - log_z);
    }
    if (status == NNINIT_OK)
        status = nninit_rbm_ais(r->rbm, &options, r->measuring, &ais);
    if (status < 0)
        return status;
    printf("log Z = %.3f +- %.3f by %ld annealed chains (%.2f to %.2f); test log p = %.3f\n", ais.log_z, ais.standard_error,
           r->o.ais, ais.low, ais.high, -mean - ais.log_z);
    fflush(stdout);
    return NNINIT_OK;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static nninit_status train(struct run *r) {
    const struct options *o = &r->o;
    if (o->save) /* before the first epoch too: a path that cannot be written shows at once */
        TRY(nninit_rbm_save(r->rbm, r->batches, o->save));
    while (nninit_rbm_epochs(r->rbm) < o->epochs) {
        double error, start = now();
        TRY(nninit_rbm_epoch(r->rbm, r->batches, &error));
        TRY(print_measures(r, error, now() - start));
        if (o->save)
            TRY(nninit_rbm_save(r->rbm, r->batches, o->save));
        const int64_t epoch = nninit_rbm_epochs(r->rbm);
        if (o->ais > 0 && o->ais_every > 0 && epoch % o->ais_every == 0 && epoch < o->epochs)
            TRY(print_likelihood(r));
    }
    char hash[NNINIT_SHA256_SIZE];
    TRY(nninit_rbm_sha256(r->rbm, hash));
    printf("SHA-256 of the parameters: %s\n", hash);
    return o->ais > 0 ? print_likelihood(r) : NNINIT_OK;
}

/* Weights of hidden units as pictures, and where chains from noise come to. */
static nninit_status draw(struct run *r, const char *what, const float *tiles, int count, bool stretch) {
    char path[4096];
    const struct picture picture = {tiles, count, SIDE, SIDE, ACROSS, stretch};
    snprintf(path, sizeof path, "%s-%s.%s", r->o.pictures, what, picture_format());
    const char *problem = picture_save(&picture, path);
    if (problem)
        fprintf(stderr, "mnist_rbm: %s: %s\n", path, problem);
    else
        printf("Written: %s\n", path);
    return problem ? NNINIT_ERR_IO : NNINIT_OK;
}

static nninit_status draw_all(struct run *r, float *weights, float *states, float *means) {
    const int64_t hidden = nninit_rbm_hidden_units(r->rbm);
    TRY(nninit_tensor_read(nninit_rbm_weight(r->rbm), weights, hidden * PIXELS));
    TRY(draw(r, "filters", weights, hidden < TILES ? (int)hidden : TILES, true));
    TRY(nninit_generator_bernoulli(r->measuring, NNINIT_FLOAT32, states, TILES * PIXELS, .5));
    TRY(nninit_rbm_sample(r->rbm, states, TILES, GIBBS_STEPS, NULL, means));
    return draw(r, "samples", means, TILES, false);
}

static nninit_status draw_pictures(struct run *r) {
    float *weights = malloc((size_t)r->o.hidden * PIXELS * sizeof *weights);
    float *states = malloc(2 * TILES * PIXELS * sizeof *states);
    nninit_status status = weights && states ? draw_all(r, weights, states, states + TILES * PIXELS) : NNINIT_ERR_MEMORY;
    free(weights);
    free(states);
    return status;
}

int main(int argc, char **argv) {
    struct run r = {0};
    int exit_status = read_options(&r.o, argc, argv);
    if (exit_status >= 0)
        return exit_status;
    const nninit_context_options options = {.size = sizeof options, .backend = r.o.backend, .threads = (int)r.o.threads};
    nninit_status status = nninit_context_create(&r.context, &options);
    if (status == NNINIT_OK)
        status = set_up(&r);
    if (status == NNINIT_OK)
        status = train(&r);
    if (status < 0) {
        const char *message = r.context ? nninit_context_message(r.context) : "";
        fprintf(stderr, "mnist_rbm: %s\n", *message ? message : "out of memory");
    } else if (*r.o.pictures) {
        status = draw_pictures(&r);
    }
    free(r.held);
    nninit_context_destroy(&r.context);
    return status < 0;
}
