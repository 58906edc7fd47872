/* SPDX-License-Identifier: MIT */
#include "why.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 60 }; /* an epoch, at most */
enum { PRETRAINING_EPOCHS = 2 };

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        nninit_status status_ = (call);                                                                                \
        if (status_ < 0)                                                                                               \
            return status_;                                                                                            \
    } while (0)

/* What one run needs while it lasts. */
struct work {
    struct why *why;
    struct why_run *run;
    nninit_generator *generator;
    nninit_layer *model;
    nninit_optimizer *optimizer;
    nninit_loader *loader;
    nninit_trainer *trainer;
    float **before; /* of each parameter */
    float *x;
    int64_t *labels;
};

nninit_report_layer why_layer(const nninit_report *report, int index) {
    nninit_report_layer layer = {.size = sizeof layer};
    nninit_report_get_layer(report, index, &layer);
    return layer;
}

static nninit_status fill(struct work *w, const char *pattern, const char *text) {
    nninit_initializer *rule;
    TRY(nninit_initializer_parse(&rule, w->why->context, text));
    nninit_status status = nninit_layer_init(w->model, pattern, rule, w->generator);
    nninit_initializer_destroy(&rule);
    return status;
}

static nninit_status build(struct work *w) {
    struct why *why = w->why;
    const struct why_options *o = why->options;
    const struct why_case *what = w->run->what;
    const nninit_dbn_options pretraining = {.size = sizeof pretraining, .epochs = PRETRAINING_EPOCHS, .batch = o->batch};
    TRY(nninit_generator_create(&w->generator, why->context, NNINIT_STREAM_TORCH, o->seed));
    TRY(nninit_mlp_create(&w->model, why->context, why->widths, why->linears + 1, o->activation, w->generator));
    TRY(fill(w, "*.weight", what->weights));
    if (what->biases)
        TRY(fill(w, "*.bias", what->biases));
    if (what->then == WHY_LSUV)
        TRY(nninit_pretrain_lsuv(w->model, why->x, o->batch, NULL, w->generator));
    if (what->then == WHY_RBM)
        TRY(nninit_pretrain_rbm(w->model, why->train, NULL, &pretraining, w->generator));
    TRY(nninit_optimizer_parse(&w->optimizer, why->context, o->optimizer));
    TRY(nninit_loader_create(&w->loader, why->train, o->batch, NNINIT_SHUFFLE | NNINIT_DROP_LAST, w->generator));
    return nninit_trainer_create(&w->trainer, w->model, NNINIT_CROSS_ENTROPY, w->optimizer);
}

static nninit_status look(struct work *w, bool spectra, nninit_report **report) {
    const nninit_report_options options = {.size = sizeof options, .optimizer = w->optimizer, .no_spectra = !spectra};
    return nninit_report_create(report, w->model, NNINIT_CROSS_ENTROPY, w->why->x, w->why->labels, w->why->options->batch,
                                &options);
}

static nninit_status remember(struct work *w) {
    for (int i = 0; i < nninit_layer_parameter_count(w->model); i++) {
        nninit_tensor *parameter = nninit_layer_parameter(w->model, i);
        w->before[i] = malloc((size_t)nninit_tensor_numel(parameter) * sizeof(float));
        if (!w->before[i])
            return NNINIT_ERR_MEMORY;
        TRY(nninit_tensor_read(parameter, w->before[i], nninit_tensor_numel(parameter)));
    }
    return nninit_layer_sha256(w->model, w->run->sha_start);
}

static nninit_status compare(struct work *w) {
    for (int i = 0; i < nninit_layer_parameter_count(w->model); i++) {
        nninit_tensor *parameter = nninit_layer_parameter(w->model, i);
        size_t size = (size_t)nninit_tensor_numel(parameter) * sizeof(float);
        float *now = malloc(size);
        nninit_status status = now ? nninit_tensor_read(parameter, now, nninit_tensor_numel(parameter)) : NNINIT_ERR_MEMORY;
        if (status == NNINIT_OK)
            w->run->moved[i] = memcmp(now, w->before[i], size) != 0;
        free(now);
        TRY(status);
    }
    return nninit_layer_sha256(w->model, w->run->sha_end);
}

static nninit_status add_point(struct work *w, double loss) {
    struct why_point *point = &w->run->points[w->run->point_count++];
    nninit_report *report;
    point->step = w->run->steps;
    point->loss = loss;
    TRY(look(w, false, &report));
    for (int l = 0; l < w->why->linears; l++)
        point->update[l] = why_layer(report, 2 * l).update_ratio;
    nninit_report_destroy(&report);
    return NNINIT_OK;
}

static void show_progress(const struct work *w, long steps, double loss) {
    if (w->why->options->quiet)
        return;
    int done = (int)(24 * w->run->steps / steps);
    fprintf(stderr, "\r%-28s [%.*s%*s] %ld/%ld loss %-10.4g", w->run->what->name, done, "########################", 24 - done,
            "", w->run->steps, steps, loss);
    if (w->run->steps == steps)
        fputc('\n', stderr);
}

static nninit_status epoch(struct work *w, long every, long steps) {
    const int64_t *indices;
    int64_t rows;
    double sum = 0;
    long since = 0;
    TRY(nninit_loader_begin(w->loader));
    while (nninit_loader_next(w->loader, &indices, &rows) == NNINIT_OK) {
        float cost;
        TRY(nninit_dataset_read(w->why->train, indices, rows, w->x, w->labels));
        TRY(nninit_step(w->model, NNINIT_CROSS_ENTROPY, w->optimizer, w->x, w->labels, rows, &cost));
        sum += (double)cost;
        since++;
        if (++w->run->steps % every != 0)
            continue;
        TRY(add_point(w, sum / (double)since));
        show_progress(w, steps, sum / (double)since);
        sum = 0;
        since = 0;
    }
    return NNINIT_OK;
}

/* A loss that is not finite ends the training, not the program. */
static nninit_status train(struct work *w) {
    const struct why_options *o = w->why->options;
    long steps = o->epochs * (long)nninit_loader_batches(w->loader), every = steps / POINTS > 0 ? steps / POINTS : 1;
    nninit_status status = NNINIT_OK;
    w->run->points = calloc((size_t)(steps / every + 1), sizeof *w->run->points);
    w->x = malloc((size_t)(o->batch * w->why->widths[0]) * sizeof *w->x);
    w->labels = malloc((size_t)o->batch * sizeof *w->labels);
    if (!w->run->points || !w->x || !w->labels)
        return NNINIT_ERR_MEMORY;
    for (long i = 0; i < o->epochs && status == NNINIT_OK; i++)
        status = epoch(w, every, steps);
    w->run->failed = status == NNINIT_ERR_NUMERIC;
    if (w->run->failed && !o->quiet)
        fprintf(stderr, "\r%-28s stopped after %ld steps: the loss is not finite%20s\n", w->run->what->name, w->run->steps, "");
    return w->run->failed ? NNINIT_OK : status;
}

static nninit_status measure(struct work *w) {
    TRY(build(w));
    TRY(look(w, true, &w->run->start));
    TRY(remember(w));
    TRY(train(w));
    TRY(look(w, true, &w->run->end));
    TRY(compare(w));
    nninit_status status = nninit_trainer_evaluate(w->trainer, w->why->test, &w->run->test_loss, &w->run->accuracy);
    return status == NNINIT_ERR_NUMERIC ? NNINIT_OK : status;
}

int why_train(struct why *why, const struct why_case *what, struct why_run *run) {
    struct work w = {.why = why, .run = run};
    run->what = what;
    run->test_loss = run->accuracy = NAN;
    w.before = calloc(2 * WHY_LAYERS, sizeof *w.before);
    nninit_status status = w.before ? measure(&w) : NNINIT_ERR_MEMORY;
    if (status < 0)
        fprintf(stderr, "%s: %s: %s\n", why->options->program, what->name, nninit_context_message(why->context));
    else
        why_predict(why, run);
    for (int i = 0; w.before && i < 2 * WHY_LAYERS; i++)
        free(w.before[i]);
    free(w.before);
    free(w.x);
    free(w.labels);
    nninit_trainer_destroy(&w.trainer);
    nninit_loader_destroy(&w.loader);
    nninit_optimizer_destroy(&w.optimizer);
    nninit_layer_destroy(&w.model);
    nninit_generator_destroy(&w.generator);
    return status < 0;
}
