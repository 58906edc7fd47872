/* SPDX-License-Identifier: MIT */
/* The rules of report.h, gravest first. A rule looks at the chain of linear layers and says how far it is broken, and where. */
#include "report.h"

#include <math.h>

struct trial {
    const nninit_report *report;
    const nninit_report_options *options;
    bool up; /* look for growth, not for decay */
    double measured; /* the worst */
    int layer;
    double threshold;
};

/* Look at every layer and keep the greatest. NaN is no finding. */
static void keep(struct trial *t, double measured, int layer) {
    if (measured > t->measured) {
        t->measured = measured;
        t->layer = layer;
    }
}

/* How many times a is b; nothing is nothing times anything. */
static double times(double a, double b) {
    return a == 0 ? 0 : a / b;
}

/* A last layer of zeros passes nothing on in either direction until the first step has moved it: as with Fixup and muP, that is
 * no fault if it will move. */
static bool waits(const nninit_report *report, int index) {
    const nninit_report_layer *layer = &report->layers[index];
    return layer->weight_norm == 0 && layer->weight_gradient_norm > 0;
}

/* The linear layer after `index`; -1: there is none. */
static int next_linear(const nninit_report *report, int index) {
    while (++index < report->layer_count && isnan(report->layers[index].weight_norm))
        ;
    return index < report->layer_count ? index : -1;
}

static int last_linear(const nninit_report *report) {
    int last = next_linear(report, -1);
    for (int i = last; i >= 0; i = next_linear(report, i))
        last = i;
    return last;
}

static void not_finite(struct trial *t) {
    const nninit_report *r = t->report;
    for (int i = 0; i < r->layer_count; i++)
        if (!isfinite(r->layers[i].variance) || (r->layers[i].gradients && !isfinite(r->layers[i].gradient_norm)))
            keep(t, INFINITY, i);
    if (!isfinite(r->loss))
        keep(t, INFINITY, -1);
}

static void symmetric(struct trial *t) {
    for (int i = next_linear(t->report, -1); i >= 0; i = next_linear(t->report, i)) {
        const nninit_report_layer *layer = &t->report->layers[i];
        if (layer->units > 1)
            keep(t, (double)(layer->units - layer->distinct) / (double)(layer->units - 1), i);
    }
}

static void dead(struct trial *t) {
    for (int i = 0; i < t->report->layer_count; i++)
        keep(t, t->report->layers[i].dead, i);
}

static void saturated(struct trial *t) {
    for (int i = 0; i < t->report->layer_count; i++)
        keep(t, t->report->layers[i].saturated, i);
}

/* From one linear layer to the next; x comes before the first. */
static void step_of_variance(struct trial *t) {
    const nninit_report *r = t->report;
    double before = r->input_square;
    for (int i = next_linear(r, -1); i >= 0; i = next_linear(r, i)) {
        double now = r->layers[i].variance;
        if (!waits(r, i))
            keep(t, t->up ? times(now, before) : times(before, now), i);
        before = now;
    }
}

static void signal_over_depth(struct trial *t) {
    const nninit_report *r = t->report;
    for (int i = next_linear(r, -1); i >= 0; i = next_linear(r, i))
        if (!waits(r, i))
            keep(t, t->up ? times(r->layers[i].signal, r->input_signal) : times(r->input_signal, r->layers[i].signal), i);
}

static void gradient_over_depth(struct trial *t) {
    const nninit_report *r = t->report;
    int last = last_linear(r);
    double end = r->layers[last].gradient_norm * r->layers[last].gradient_norm;
    for (int i = next_linear(r, -1); i >= 0 && !waits(r, last); i = next_linear(r, i)) {
        double square = r->layers[i].gradient_norm * r->layers[i].gradient_norm;
        keep(t, t->up ? times(square, end) : times(end, square), i);
    }
}

static void stalled(struct trial *t) {
    const float *end = t->options->losses + t->options->loss_count;
    if (t->options->loss_count < 6)
        return;
    t->threshold = nextafterf(end[-6], -INFINITY); /* it must be below end[-6] */
    double least = INFINITY;
    for (int i = 1; i <= 5; i++)
        least = fmin(least, end[-i]);
    t->measured = -INFINITY;
    keep(t, least, -1);
}

/* Broken where what is measured is above the threshold. */
static const struct rule {
    nninit_verdict verdict;
    void (*measure)(struct trial *t);
    double threshold;
    const char *rule, *cause, *remedy;
} rules[REPORT_RULES] = {
    {NNINIT_VERDICT_EXPLODING, not_finite, 0, "a value, a gradient or the loss is not finite",
     "weights, inputs or steps so large that float32 overflows",
     "scale the inputs to about 1 and draw weights with He (ReLU) or Xavier (tanh)"},
    {NNINIT_VERDICT_SYMMETRIC, symmetric, 0.5, "share of a layer's other units that one of them repeats",
     "weights that are all alike: their units get the same updates for ever",
     "draw the weights at random, or give them different values by a rule such as orthogonal or hadamard"},
    {NNINIT_VERDICT_DEAD, dead, 0.8, "share of units whose derivative is 0 in every row",
     "biases far below 0, a step that was too large, or inputs that are not centred",
     "He initialization with biases of 0, a smaller learning rate, or a leaky ReLU"},
    {NNINIT_VERDICT_SATURATED, saturated, 0.5, "share of outputs where the activation is flat",
     "weights too large for a bounded activation", "Xavier initialization, and inputs scaled to about 1"},
    {NNINIT_VERDICT_EXPLODING, step_of_variance, 10, "variance over that of the linear layer before",
     "weights too large for their fan_in", "He (ReLU) or Xavier (tanh) initialization; LSUV where neither fits"},
    {NNINIT_VERDICT_EXPLODING, signal_over_depth, 1e4, "variance over the batch, over that of the inputs",
     "a gain of each layer above 1, to the power of the depth",
     "He (ReLU) or Xavier (tanh) initialization; LSUV where neither fits"},
    {NNINIT_VERDICT_EXPLODING, gradient_over_depth, 1e4, "squared gradient over that of the last layer",
     "a gain of each layer above 1, to the power of the depth",
     "He (ReLU) or Xavier (tanh) initialization; clip gradients while training"},
    {NNINIT_VERDICT_VANISHING, step_of_variance, 10, "variance of the linear layer before, over that of this one",
     "weights too small for their fan_in", "He (ReLU) or Xavier (tanh) initialization; LSUV where neither fits"},
    {NNINIT_VERDICT_VANISHING, signal_over_depth, 1e4, "variance over the batch of the inputs, over that of this layer",
     "a gain of each layer below 1, to the power of the depth",
     "He (ReLU) or Xavier (tanh) initialization; LSUV; a ReLU in place of a sigmoid"},
    {NNINIT_VERDICT_VANISHING, gradient_over_depth, 1e4, "squared gradient of the last layer, over that of this one",
     "a gain of each layer below 1, to the power of the depth",
     "He (ReLU) or Xavier (tanh) initialization; LSUV; a ReLU in place of a sigmoid"},
    {NNINIT_VERDICT_STALLED, stalled, INFINITY, "least of the last 5 losses; it must be below the one before them",
     "a learning rate that is too small or too large, or a gradient that does not arrive",
     "see the layers' gradients and update ratios: about 1e-3 is healthy"},
};

void report_judge(nninit_report *report, const nninit_report_options *options) {
    for (int i = 0; i < REPORT_RULES; i++) {
        const struct rule *rule = &rules[i];
        struct trial t = {report, options, rule->verdict == NNINIT_VERDICT_EXPLODING, 0, -1, rule->threshold};
        rule->measure(&t);
        if (!(t.measured > t.threshold))
            continue;
        report->findings[report->finding_count++] =
            (nninit_finding){sizeof(nninit_finding), rule->verdict, t.layer, rule->rule, t.measured, t.threshold, rule->cause,
                             rule->remedy};
        if (t.layer >= 0 && report->layers[t.layer].verdict == NNINIT_VERDICT_HEALTHY)
            report->layers[t.layer].verdict = rule->verdict;
    }
}
