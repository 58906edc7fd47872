/* SPDX-License-Identifier: MIT */
/* A machine and the programs that it is trained and sampled by. rbm.c: the handle; rbm_program.c: emission and running;
 * rbm_train.c, rbm_sample.c: what runs them; rbm_measure.c, rbm_exact.c: on the host in double; rbm_ais.c. */
#ifndef NNINIT_LIB_RBM_H
#define NNINIT_LIB_RBM_H

#include "generator.h"
#include "source.h"
#include "tensor.h"

#include <nninit/rbm.h>

#include <math.h>

/* Tensors of a machine's arenas. Parameters are the first three; RBM_SPARSITY is, among momenta, the running mean of hidden
 * probabilities, and among the positive sums what is added to them. */
enum { RBM_WEIGHT, RBM_VISIBLE_BIAS, RBM_HIDDEN_BIAS, RBM_SPARSITY, RBM_TENSORS, RBM_PARAMETERS = RBM_SPARSITY };

enum { RBM_OPTIONS = NNINIT_RBM_LABELS + 1 };

struct nninit_rbm {
    struct object object;
    nninit_rbm_units units;
    int64_t visible, hidden;
    double option[RBM_OPTIONS];
    unsigned revision; /* counts changes of options that are part of a program */
    nninit_generator *generator;
    nninit_tensor *parameters[RBM_PARAMETERS];
    struct arena *arenas[ARENA_COUNT]; /* made by rbm_open() and rbm_open_training() */
    struct rbm_run *runs;              /* prepared programs, most recently used first */
    struct rbm_run *chained;           /* the run that holds the chains; NULL: `chains` does */
    float *chains;                     /* [chain_count, hidden] */
    int64_t chain_count;
    int64_t epochs;
    struct rbm_before *before; /* of rbm_train.c */
    struct source source;
    nninit_progress_fn progress;
    void *user;
};

static inline int64_t rbm_option(const nninit_rbm *rbm, nninit_rbm_option option) {
    return (int64_t)rbm->option[option];
}

/* Visible units that are not labels. */
static inline int64_t rbm_features(const nninit_rbm *rbm) {
    return rbm->visible - rbm_option(rbm, NNINIT_RBM_LABELS);
}

/* log(1 + exp(x)) = -log(1 - sigmoid(x)), for the measures in double. */
static inline double rbm_softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* For messages and files: the option in lower case, e.g. "momentum_epochs". */
const char *rbm_option_name(int option);
/* Allowed values, both included; true: whole numbers only. */
bool rbm_option_range(int option, double *low, double *high);

/* Bring the parameters into the executor's memory; with `training` also make what a step writes. */
nninit_status rbm_open(nninit_rbm *rbm, bool training);
/* Fail unless there are more visible units than labels. */
nninit_status rbm_check(nninit_rbm *rbm);
/* Fail unless there is a generator to sample with. */
nninit_status rbm_check_generator(nninit_rbm *rbm);
/* Fail unless the data set is of the machine's context and its features are the visible units. */
nninit_status rbm_check_dataset(nninit_rbm *rbm, const nninit_dataset *dataset);
/* Fail unless values are in [0, 1]; for Bernoulli units. `first`: number of the first row, for the message. */
nninit_status rbm_check_values(nninit_rbm *rbm, const float *rows, int64_t count, int64_t first);
/* The same for rows that lie in memory, all of them; those of a callback are checked when they come. */
nninit_status rbm_check_rows(nninit_rbm *rbm, const nninit_dataset *dataset);
/* Fail unless values are 0 or 1. */
nninit_status rbm_check_states(nninit_rbm *rbm, const float *v, int64_t rows);

void rbm_before_free(nninit_rbm *rbm);

/* Mean of each feature of a data set, [visible]: what visible biases are made from. */
nninit_status rbm_means(nninit_rbm *rbm, nninit_dataset *dataset, double *means);
/* The visible bias of a machine without weights that has these means. */
void rbm_base_bias(const nninit_rbm *rbm, const double *means, float *bias);

/* What the measures work on: parameters in double, the weight as it is and turned. */
struct rbm_values {
    double *weight; /* [hidden, visible] */
    double *turned; /* [visible, hidden] */
    double *visible_bias, *hidden_bias;
};

nninit_status rbm_values_read(struct rbm_values *values, nninit_rbm *rbm);
void rbm_values_free(struct rbm_values *values, nninit_rbm *rbm);

/* What hidden units get from the first `units` visible ones of a row, [hidden]. */
void rbm_input(const nninit_rbm *rbm, const struct rbm_values *values, const float *v, int64_t units, double *input);
/* F(v) of one row; `input` is room for [hidden], and then holds Wv + c. */
double rbm_energy(const nninit_rbm *rbm, const struct rbm_values *values, const float *v, double *input);

#endif
