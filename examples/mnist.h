/* SPDX-License-Identifier: MIT */
/* What the three MNIST programs share: options, and one run of one net. */
#ifndef MNIST_H
#define MNIST_H

#include <nninit/nninit.h>

#include <stdbool.h>

struct options {
    const char *program, *data, *backend, *modules, *save, *resume;
    long epochs, batch, threads, subset;
    unsigned long long seed;
    double lr;
    bool quiet;
};

/* The lecture's options, then those of the command line; `what` is for --help.
 * -1: go on; else the status to exit with. */
int options_read(struct options *options, int argc, char **argv, const char *what);
/* The notebook's seed, batch and learning rate, on all rows? */
bool options_are_the_notebooks(const struct options *options);

struct net {
    const char *name; /* "mnist_nn_xavier" */
    const int64_t *widths;
    int count;
    const double *costs; /* [15], what the notebook printed */
};

extern const struct net net_xavier, net_deep;

/* Everything that a run needs beside its net: the context, the data and the one random stream. */
struct lecture {
    const struct options *options;
    nninit_context *context;
    nninit_generator *generator;
    nninit_dataset *train, *test;
    bool comparable; /* the notebook's options on the notebook's data: its costs are printed beside ours */
    bool begun;      /* a net has been run */
    bool trained;    /* an epoch has been run: what a later net's checkpoint holds is then no longer its sequel */
};

/* All return a status to exit with: 0, or 1 after a line on standard error. */
int lecture_open(struct lecture *lecture, const struct options *options);
/* suffix: added to the names of --save and --resume. */
int lecture_run(struct lecture *lecture, const struct net *net, const char *suffix);
void lecture_close(struct lecture *lecture);

#endif
