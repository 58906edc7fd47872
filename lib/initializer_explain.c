/* SPDX-License-Identifier: MIT */
#include "initializer.h"

#include "fpenv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static nninit_status explain(const nninit_initializer *init, const int64_t *shape, int rank, nninit_explanation *e) {
    const struct initializer_rule *rule = &initializer_rules[init->kind];
    int64_t count;
    struct distribution d;
    nninit_status status = initializer_count(init->object.context, shape, rank, &count);
    if (status == NNINIT_OK)
        status = initializer_distribution(init, shape, rank, &d);
    if (status < 0)
        return status;
    fenv_t caller;
    fpenv_enter(&caller);
    double gain = initializer_gain(init);
    fpenv_leave(&caller);
    *e = (nninit_explanation){.size = sizeof *e, .gain = gain, .mean = d.mean, .std = d.std,
                              .low = d.low, .high = d.high, .distribution = (nninit_distribution)d.kind,
                              .name = rule->name, .formula = rule->formula, .source = rule->source};
    if (nninit_initializer_fans(shape, rank, &e->fan_in, &e->fan_out) < 0)
        e->fan_in = e->fan_out = -1;
    return NNINIT_OK;
}

nninit_status nninit_initializer_explain(const nninit_initializer *initializer, const int64_t *shape, int rank,
                                         nninit_explanation *explanation) {
    nninit_explanation e;
    if (!initializer)
        return NNINIT_ERR_INVALID;
    if (!explanation || explanation->size <= sizeof explanation->size)
        return context_fail(initializer->object.context, NNINIT_ERR_INVALID, "explanation is NULL, or its size is not set");
    nninit_status status = explain(initializer, shape, rank, &e);
    if (status < 0)
        return status;
    e.size = explanation->size;
    memcpy(explanation, &e, e.size < sizeof e ? e.size : sizeof e);
    return NNINIT_OK;
}

/* Append what fits. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static void append(char *text, size_t size, size_t *used, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(text + *used, size - *used, format, arguments);
    va_end(arguments);
    *used += more > 0 ? (size_t)more : 0;
    *used = *used < size ? *used : size - 1;
}

nninit_status nninit_initializer_explain_text(const nninit_initializer *initializer, const int64_t *shape, int rank,
                                              char *text, size_t size) {
    static const char *const words[] = {"constant", "uniform", "normal", "truncated normal", "structured"};
    nninit_explanation e;
    size_t used = 0;
    if (!initializer)
        return NNINIT_ERR_INVALID;
    if (!text || size < 1)
        return context_fail(initializer->object.context, NNINIT_ERR_INVALID, "text is NULL, or its size is 0");
    nninit_status status = explain(initializer, shape, rank, &e);
    if (status < 0)
        return status;
    append(text, size, &used, "%s [", e.name);
    for (int i = 0; i < rank; i++)
        append(text, size, &used, i ? ", %lld" : "%lld", (long long)shape[i]);
    append(text, size, &used, "]: %s", words[e.distribution]);
    if (!isnan(e.mean) && !isnan(e.std))
        append(text, size, &used, ", mean %.4g, std %.4g", e.mean, e.std);
    if (isfinite(e.low) && isfinite(e.high))
        append(text, size, &used, ", %.4g to %.4g", e.low, e.high);
    if (e.fan_in >= 0)
        append(text, size, &used, "; fan_in %lld, fan_out %lld, gain %.4g", (long long)e.fan_in, (long long)e.fan_out,
               e.gain);
    append(text, size, &used, "; %s (%s)", e.formula, e.source);
    return NNINIT_OK;
}
