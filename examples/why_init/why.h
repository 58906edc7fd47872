/* SPDX-License-Identifier: MIT */
/* why_init: main.c reads options and goes through the cases, run.c trains one and measures it, theory.c predicts what it must
 * show, plot.c draws with gnuplot, page.c writes the page. */
#ifndef WHY_H
#define WHY_H

#include <nninit/nninit.h>

#include <stdbool.h>
#include <stdio.h>

enum { WHY_LAYERS = 64, WHY_CASES = 16, WHY_CLASSES = 10 };

struct why_options {
    const char *program, *data, *optimizer, *backend, *out;
    const char *activation_name;
    nninit_activation activation;
    long depth, width, epochs, batch, threads, subset;
    unsigned long long seed;
    bool png, quiet;
};

/* What comes after the rules. */
enum why_pretraining { WHY_NOTHING, WHY_LSUV, WHY_RBM };

/* An initialization; rules as nninit_initializer_parse() takes them. */
struct why_case {
    const char *name, *weights, *biases; /* biases NULL: PyTorch's defaults */
    enum why_pretraining then;
};

/* Of linear layer l = 0 … linears - 1. NaN: nothing is predicted. */
struct why_theory {
    double weight_variance[WHY_LAYERS], bias_variance[WHY_LAYERS];
    double variance[WHY_LAYERS]; /* of its outputs */
    double gradient[WHY_LAYERS]; /* squared norm of its outputs' gradients, over that of the last layer */
};

/* What has been measured every `every` steps. */
struct why_point {
    long step;
    double loss;                      /* mean over the steps since the point before */
    double update[WHY_LAYERS];        /* norm of the update / norm of the weight */
};

struct why_run {
    const struct why_case *what;
    nninit_report *start, *end; /* before the first step and after the last */
    struct why_theory theory;
    struct why_point *points;
    long point_count, steps;
    double test_loss, accuracy;
    bool failed; /* the loss has left the range of float32 */
    bool moved[2 * WHY_LAYERS];
    char sha_start[NNINIT_SHA256_SIZE], sha_end[NNINIT_SHA256_SIZE];
};

struct why {
    const struct why_options *options;
    nninit_context *context;
    nninit_dataset *train, *test;
    int64_t widths[WHY_LAYERS + 2];
    int linears;
    double input_square; /* mean square of the batch that reports look at */
    float *x;            /* [batch, inputs], and its labels */
    int64_t *labels;
    double class_entropy; /* of the training labels, in nats */
    struct why_run runs[WHY_CASES];
    int run_count;
    int argc;
    char **argv;
};

/* run.c: 0, or 1 after a line on standard error. */
int why_train(struct why *why, const struct why_case *what, struct why_run *run);
nninit_report_layer why_layer(const nninit_report *report, int index);

/* theory.c */
void why_predict(const struct why *why, struct why_run *run);
/* Density of the activation's outputs at y where its inputs are N(0, q). */
double why_density(nninit_activation activation, double q, double y);
/* On the line between order and chaos where the inputs' variance settles at q: Poole et al. 2016. */
void why_critical(nninit_activation activation, double q, double *weight, double *bias);
/* Density of the singular values of an n x m matrix, m >= n, over sqrt(m) std: Marchenko & Pastur 1967. */
double why_marchenko_pastur(double ratio, double s);

/* plot.c: SVG as text, to be freed, or NULL after a line on standard error. */
enum why_panel { WHY_HISTOGRAMS, WHY_DEPTH, WHY_PHASE, WHY_LOSSES, WHY_UPDATES, WHY_SPECTRA, WHY_PANELS };
char *why_plot(const struct why *why, enum why_panel panel);

/* page.c: 0, or 1 after a line on standard error. */
int why_page(const struct why *why);

/* A number as JSON and gnuplot read it, in every locale. */
void why_number(FILE *file, double value);

#endif
