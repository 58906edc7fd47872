/* SPDX-License-Identifier: MIT */
/* A table of rules: the self-test of each at one shape, and what the rule says about itself. */
#include <nninit/nninit.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const all_rules[] = {
    "zeros", "ones", "constant:value=0.1", "uniform:low=-0.05,high=0.05", "normal:std=0.01", "xavier_uniform",
    "xavier_normal", "kaiming_uniform:nonlinearity=relu", "kaiming_normal:nonlinearity=relu",
    "kaiming_normal:mode=fan_out,nonlinearity=tanh", "torch_linear_weight", "torch_linear_bias:fan_in=784", "identity",
    "orthogonal", "delta_orthogonal", "dirac", "trunc_normal:std=0.02,low=-0.04,high=0.04",
    "truncated_normal:low=4,high=6", "sparse:sparsity=0.9", "variance_scaling:mode=fan_avg", "glorot_uniform",
    "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "hadamard",
    "nguyen_widrow:fan_in=784", NULL};

static void print_help(void) {
    printf("Usage: init_table [OPTIONS]\n"
           "Draw weights by each rule and test whether they are what the rule says.\n\n"
           "  --shape S      sizes, outputs first (256x784)\n"
           "  --seed S       seed of the random stream (777)\n"
           "  --spec RULE    this rule alone, e.g. kaiming_normal:mode=fan_out,nonlinearity=relu\n"
           "  --help         this text\n\n"
           "Columns are p-values of the checks; - did not run, n/a: not defined for this shape. The status is 1 if a rule\n"
           "fails, or the one of --spec cannot be tested.\n");
}

/* "256x784"; its rank, or 0. */
static int read_shape(const char *text, int64_t *shape) {
    for (int rank = 0; rank < NNINIT_MAX_RANK; rank++) {
        char *end;
        errno = 0;
        shape[rank] = strtoll(text, &end, 10);
        if (!isdigit((unsigned char)*text) || errno || shape[rank] < 1)
            return 0;
        if (!*end)
            return rank + 1;
        if (*end != 'x')
            return 0;
        text = end + 1;
    }
    return 0;
}

static bool read_seed(const char *text, uint64_t *seed) {
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && !errno;
}

static void print_head(void) {
    static const char *const checks[NNINIT_SELFTEST_CHECKS] = {"values", "struct.", "mean",    "varian.", "distri.", "small.",
                                                               "large.", "balance", "repeats", "serial",  "rows"};
    printf("%-6s", "test");
    for (int i = 0; i < NNINIT_SELFTEST_CHECKS; i++)
        printf(" %7s", checks[i]);
    printf("  rule\n");
}

static void print_row(const nninit_selftest *t, const char *explained) {
    printf("%-6s", t->failed ? "FAILED" : "passed");
    for (int i = 0; i < NNINIT_SELFTEST_CHECKS; i++)
        if (t->checks[i].verdict == NNINIT_SELFTEST_SKIPPED)
            printf(" %7s", "-");
        else
            printf(" %7.2g", t->checks[i].p);
    printf("  %s\n", explained);
    if (t->failed)
        printf("       %s\n", t->text);
}

/* NNINIT_OK if it passes, NNINIT_ERR_SHAPE if it is not defined for the shape, else another failure. */
static nninit_status show(nninit_context *context, nninit_generator *generator, const char *rule, const int64_t *shape,
                          int rank) {
    nninit_selftest t = {.size = sizeof t};
    nninit_initializer *init = NULL;
    char explained[512];
    nninit_status status = nninit_initializer_parse(&init, context, rule);
    if (status == NNINIT_OK)
        status = nninit_initializer_explain_text(init, shape, rank, explained, sizeof explained);
    if (status == NNINIT_OK)
        status = nninit_initializer_selftest(init, shape, rank, generator, &t);
    if (status == NNINIT_OK)
        print_row(&t, explained);
    else
        printf("%-6s%*s  %s\n", status == NNINIT_ERR_SHAPE ? "n/a" : "error", 8 * NNINIT_SELFTEST_CHECKS, "",
               nninit_context_message(context));
    nninit_initializer_destroy(&init);
    return status == NNINIT_OK && t.failed ? NNINIT_ERR_INVALID : status;
}

static int show_all(uint64_t seed, const char *rule, const int64_t *shape, int rank) {
    nninit_context *context;
    nninit_generator *generator;
    int failed = 0;
    if (nninit_context_create(&context, NULL) < 0)
        return 1;
    if (nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, seed) < 0) {
        fprintf(stderr, "init_table: %s\n", nninit_context_message(context));
        nninit_context_destroy(&context);
        return 1;
    }
    print_head();
    for (const char *const *next = all_rules; *next && !rule; next++) {
        nninit_status status = show(context, generator, *next, shape, rank);
        failed |= status < 0 && status != NNINIT_ERR_SHAPE;
    }
    if (rule)
        failed = show(context, generator, rule, shape, rank) < 0;
    nninit_context_destroy(&context);
    return failed;
}

int main(int argc, char **argv) {
    static const struct option names[] = {{"shape", 1, NULL, 's'}, {"seed", 1, NULL, 'r'}, {"spec", 1, NULL, 'i'},
                                          {"help", 0, NULL, 'h'},  {NULL, 0, NULL, 0}};
    int64_t shape[NNINIT_MAX_RANK] = {256, 784};
    int rank = 2, which;
    uint64_t seed = 777;
    const char *rule = NULL;
    while ((which = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (which == '?')
            return 2;
        if (which == 'h') {
            print_help();
            return 0;
        }
        if (which == 'i')
            rule = optarg;
        if ((which == 's' && !(rank = read_shape(optarg, shape))) || (which == 'r' && !read_seed(optarg, &seed))) {
            fprintf(stderr, "init_table: --%s, not \"%s\"\n",
                    which == 's' ? "shape takes 1 to 8 sizes from 1 on, such as 256x784"
                                 : "seed takes a number from 0 to 2^64 - 1", optarg);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "init_table: unexpected argument \"%s\"; see --help\n", argv[optind]);
        return 2;
    }
    return show_all(seed, rule, shape, rank);
}
