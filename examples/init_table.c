/* SPDX-License-Identifier: MIT */
/* What each rule does to a shape, and whether its draws are what it says: init_table [SHAPE [SEED [RULE...]]] */
#include <nninit/nninit.h>

#include <stdio.h>
#include <stdlib.h>

static const char *const all_rules[] = {
    "zeros", "ones", "constant:value=0.1", "uniform:low=-0.05,high=0.05", "normal:std=0.01", "xavier_uniform",
    "xavier_normal", "kaiming_uniform:nonlinearity=relu", "kaiming_normal:nonlinearity=relu",
    "kaiming_normal:mode=fan_out,nonlinearity=tanh", "torch_linear_weight", "torch_linear_bias:fan_in=784",
    "trunc_normal:std=0.02,low=-0.04,high=0.04", "truncated_normal:low=4,high=6", "variance_scaling:mode=fan_avg",
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "identity",
    "orthogonal", "sparse:sparsity=0.9", "hadamard", "nguyen_widrow", NULL};

/* "256x784" */
static int read_shape(const char *text, int64_t *shape) {
    int rank = 0;
    for (;;) {
        char *end;
        shape[rank++] = strtoll(text, &end, 10);
        if (end == text || shape[rank - 1] < 0 || (*end && *end != 'x') || (*end && rank == NNINIT_MAX_RANK))
            return 0;
        if (!*end)
            return rank;
        text = end + 1;
    }
}

static void print_head(void) {
    static const char *const checks[] = {"mean",    "varian.", "distri.", "small.", "large.",
                                         "balance", "repeats", "serial",  "rows"};
    printf("%-46s %9s %9s %9s %9s  %-6s ", "rule", "mean", "std", "low", "high", "test");
    for (int i = 0; i < 9; i++)
        printf(" %7s", checks[i]);
    printf("   (p)\n");
}

static void print_row(const char *rule, const nninit_explanation *e, const nninit_selftest *t) {
    printf("%-46s %9.4g %9.4g %9.4g %9.4g  %-6s ", rule, e->mean, e->std, e->low, e->high,
           t->failed ? "FAILED" : t->performed ? "passed" : "empty");
    for (int i = NNINIT_SELFTEST_MEAN; i <= NNINIT_SELFTEST_ROWS; i++)
        if (t->checks[i].verdict == NNINIT_SELFTEST_SKIPPED)
            printf(" %7s", "-");
        else
            printf(" %7.2g", t->checks[i].p);
    printf("\n");
    if (t->failed)
        printf("  %s\n", t->text);
}

/* 0, or 1 where a rule cannot be used or its draw fails. */
static int show(nninit_context *context, nninit_generator *generator, const char *rule, const int64_t *shape, int rank) {
    nninit_explanation e = {.size = sizeof e};
    nninit_selftest t = {.size = sizeof t};
    nninit_initializer *init = NULL;
    int bad = nninit_initializer_parse(&init, context, rule) < 0 ||
              nninit_initializer_explain(init, shape, rank, &e) < 0 ||
              nninit_initializer_selftest(init, shape, rank, generator, &t) < 0;
    if (bad)
        printf("%-46s %s\n", rule, nninit_context_message(context));
    else
        print_row(rule, &e, &t);
    nninit_initializer_destroy(&init);
    return bad || t.failed;
}

int main(int argc, char **argv) {
    int64_t shape[NNINIT_MAX_RANK];
    int rank = read_shape(argc > 1 ? argv[1] : "256x784", shape), status = 0;
    char *end = NULL;
    uint64_t seed = argc > 2 ? strtoull(argv[2], &end, 10) : 777;
    nninit_context *context;
    nninit_generator *generator;
    if (rank == 0 || (end && (end == argv[2] || *end))) {
        fprintf(stderr, "usage: init_table [SHAPE [SEED [RULE...]]], e.g. init_table 256x784 777 kaiming_normal:mode=fan_out\n");
        return 2;
    }
    if (nninit_context_create(&context, NULL) < 0)
        return 1;
    if (nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, seed) < 0) {
        fprintf(stderr, "init_table: %s\n", nninit_context_message(context));
        nninit_context_destroy(&context);
        return 1;
    }
    print_head();
    for (const char *const *rule = argc > 3 ? (const char *const *)argv + 3 : all_rules; *rule; rule++)
        status |= show(context, generator, *rule, shape, rank);
    nninit_context_destroy(&context);
    return status;
}
