/* SPDX-License-Identifier: MIT */
/* Wide nets in closed form: the inputs of a layer's units are normal, q -> n var(w) E f(z)^2 + var(b), z ~ N(0, q), and what
 * comes back is multiplied by n var(w) E f'(z)^2 (Glorot & Bengio 2010, He et al. 2015, Poole et al. 2016). */
#include "why.h"

#include <math.h>

static double activate(nninit_activation a, double z) {
    switch (a) {
    case NNINIT_TANH: return tanh(z);
    case NNINIT_SIGMOID: return 1 / (1 + exp(-z));
    case NNINIT_LEAKY_RELU: return z > 0 ? z : 0.01 * z;
    default: return z > 0 ? z : 0;
    }
}

static double slope(nninit_activation a, double z) {
    double y = activate(a, z);
    switch (a) {
    case NNINIT_TANH: return 1 - y * y;
    case NNINIT_SIGMOID: return y * (1 - y);
    case NNINIT_LEAKY_RELU: return z > 0 ? 1 : 0.01;
    default: return z > 0;
    }
}

/* E f(z)^2 over z ~ N(0, q): the trapezoid rule, without a node at 0 where the ReLU bends. */
static double mean_square(double (*f)(nninit_activation, double), nninit_activation a, double q) {
    double sum = 0, total = 0;
    for (int i = 0; i < 2000; i++) {
        double t = -10 + (i + 0.5) / 100, weight = exp(-t * t / 2), y = f(a, sqrt(q) * t);
        sum += weight * y * y;
        total += weight;
    }
    return sum / total;
}

/* Variances of what is drawn; NaN where weights are alike but not zero, or not independent since they were learnt. */
static void take_variances(const struct why *why, struct why_run *run) {
    struct why_theory *t = &run->theory;
    for (int l = 0; l < why->linears; l++) {
        nninit_report_layer layer = why_layer(run->start, 2 * l);
        nninit_initializer *rule = NULL;
        nninit_explanation e = {.size = sizeof e};
        const int64_t shape[] = {why->widths[l + 1], why->widths[l]};
        t->weight_variance[l] = NAN;
        if (run->what->then == WHY_LSUV)
            t->weight_variance[l] = layer.weight_norm * layer.weight_norm / (double)(shape[0] * shape[1]);
        else if (run->what->then == WHY_NOTHING && nninit_initializer_parse(&rule, why->context, run->what->weights) == NNINIT_OK &&
                 nninit_initializer_explain(rule, shape, 2, &e) == NNINIT_OK && fabs(e.mean) <= 1e-9 * e.std)
            t->weight_variance[l] = e.std * e.std;
        nninit_initializer_destroy(&rule);
    }
}

void why_predict(const struct why *why, struct why_run *run) {
    struct why_theory *t = &run->theory;
    const nninit_activation a = why->options->activation;
    take_variances(why, run);
    for (int l = 0; l < why->linears; l++) {
        double n = (double)why->widths[l], input = l ? mean_square(activate, a, t->variance[l - 1]) : why->input_square;
        t->bias_variance[l] = run->what->biases ? 0 : 1 / (3 * n); /* PyTorch's are uniform within 1 / sqrt(n) */
        t->variance[l] = n * t->weight_variance[l] * input + t->bias_variance[l];
    }
    t->gradient[why->linears - 1] = 1;
    for (int l = why->linears - 1; l > 0; l--)
        t->gradient[l - 1] = t->gradient[l] * (double)why->widths[l] * t->weight_variance[l] *
                             mean_square(slope, a, t->variance[l - 1]);
}

/* What the activation makes y of. */
static double invert(nninit_activation a, double y) {
    switch (a) {
    case NNINIT_TANH: return atanh(y);
    case NNINIT_SIGMOID: return log(y / (1 - y));
    case NNINIT_LEAKY_RELU: return y < 0 ? y / 0.01 : y;
    default: return y;
    }
}

double why_density(nninit_activation a, double q, double y) {
    double z = invert(a, y);
    if (a == NNINIT_RELU && y < 0)
        return 0;
    return exp(-z * z / (2 * q)) / sqrt(2 * 3.14159265358979323846 * q) / slope(a, z);
}

void why_critical(nninit_activation a, double q, double *weight, double *bias) {
    double variance = 1 / mean_square(slope, a, q), rest = q - variance * mean_square(activate, a, q);
    *weight = sqrt(variance);
    *bias = rest < 0 ? NAN : sqrt(rest);
}

double why_marchenko_pastur(double ratio, double s) {
    double low = 1 - sqrt(ratio), high = 1 + sqrt(ratio), inside = (high * high - s * s) * (s * s - low * low);
    return inside <= 0 || s <= 0 ? 0 : sqrt(inside) / (3.14159265358979323846 * ratio * s);
}
