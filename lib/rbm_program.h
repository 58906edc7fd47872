/* SPDX-License-Identifier: MIT */
/* What a machine emits, prepared when it is first needed and kept. */
#ifndef NNINIT_LIB_RBM_PROGRAM_H
#define NNINIT_LIB_RBM_PROGRAM_H

#include "executor.h"
#include "rbm.h"

enum rbm_mode {
    RBM_TRAIN,       /* x: a step of contrastive divergence or with persistent chains */
    RBM_UP,          /* x: output = p(h = 1 given x) */
    RBM_UP_SAMPLE,   /* … a draw from it */
    RBM_DOWN,        /* x [rows, hidden]: output = mean of v */
    RBM_RECONSTRUCT, /* x: output = input of visible units from the probabilities of hidden ones */
    RBM_GIBBS,       /* state = visible states, in place; output = their means; fixed: not 0 keeps a unit */
    RBM_AIS          /* state = visible states: the sums of an annealing step, then a Gibbs step at its temperature */
};

struct rbm_request {
    enum rbm_mode mode;
    int64_t rows;
    enum element element; /* of x */
    float divisor;        /* of bytes */
    bool philox;          /* random numbers are nodes, not data */
};

/* A random node, or data that the host draws in its place. */
struct rbm_draw {
    bool normal;
    int64_t rows, cols;
    int slot;    /* of the node; or of data the row numbers, 0, 1, … */
    int data;    /* -1: a node */
    float *host; /* [rows, cols] of data */
};

/* Tensors of the arena of an annealing run, in the place of momenta. */
enum { AIS_DIFFERENCE_ROW, AIS_DIFFERENCE, AIS_BASE, AIS_TENSORS };

struct rbm_run {
    struct rbm_run *next;
    nninit_rbm *rbm;
    struct rbm_request request;
    unsigned revision; /* of the machine's options */
    struct exec *exec;
    int64_t steps; /* rows of its tables: steps that can run without the host */
    void *table;   /* [steps], of 32 bytes: room for one of them */
    struct rbm_draw *draws;
    int draw_count, draw_room;
    int32_t *numbers; /* 0, 1, …, as many as the most rows of anything */
    struct arena *annealing;
    /* values of the program; -1: it has none */
    int x, index, state, fixed, output, visible;
    int weight_rates, bias_rates; /* RBM_TRAIN: law_contrast a step */
    int cost;                     /* RBM_TRAIN: the error, or with chains the mean of p(h) */
    int old_beta, beta;           /* RBM_AIS */
    int old_sum, sum, linear;     /* RBM_AIS: softplus at both temperatures, and difference . v */
};

void rbm_runs_free(nninit_rbm *rbm);

/* The run for a request; lent until the machine's next. For training the machine is open and has its chains in the run. */
nninit_status rbm_run_get(struct rbm_run **out, nninit_rbm *rbm, const struct rbm_request *request);
/* x: rows of a data set, or memory that is none; `rows` of them; `identity` as in executor.h. */
nninit_status rbm_run_bind(struct rbm_run *run, const void *x, int64_t rows, uint64_t identity);
/* Row numbers 0, 1, … */
nninit_status rbm_run_count_up(struct rbm_run *run);
/* x: rows of a data set by their numbers, [steps, rows of the run]; one step where a callback gives them. Those are checked. */
nninit_status rbm_run_rows(struct rbm_run *run, nninit_dataset *dataset, const int32_t *indices, int64_t steps);
/* Run, with the generator's next draws: it advances by those of *done steps. More than one step only with Philox. */
nninit_status rbm_run_steps(struct rbm_run *run, nninit_generator *generator, int64_t steps, int64_t *done);
nninit_status rbm_run_read(const struct rbm_run *run, int value, float *rows);

/* Bring the chains to rbm->chains, [chain_count, hidden]. */
nninit_status rbm_chains_read(nninit_rbm *rbm);
/* The same, as many as the option says; other than there were, they begin anew. */
nninit_status rbm_chains_settle(nninit_rbm *rbm);

#endif
