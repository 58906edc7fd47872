/* SPDX-License-Identifier: MIT */
/* A report in words: a table for people, JSON for programs. Numbers have a point in every locale. */
#include "report.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Text that grows; after a failure appending is a no-op. */
struct text {
    nninit_context *context;
    char *data;
    size_t used, size;
    bool failed;
};

static void put(struct text *t, const char *piece) {
    size_t length = strlen(piece);
    if (!t->failed && t->used + length + 1 > t->size) {
        size_t size = 2 * t->size + length + 256;
        char *more = mem_alloc(t->context, size);
        if (more && t->data)
            memcpy(more, t->data, t->used);
        t->failed = !more;
        mem_free(t->context, t->data);
        t->data = more;
        t->size = size;
    }
    if (t->failed)
        return;
    memcpy(t->data + t->used, piece, length + 1);
    t->used += length;
}

/* At most 200 bytes. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void print(struct text *t, const char *format, ...) {
    char piece[201];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    put(t, piece);
}

/* Digits as %g has them, right-aligned in a column of `width`. */
static void number(struct text *t, int width, int digits, double value) {
    char piece[64], *point;
    const char *locale = localeconv()->decimal_point;
    snprintf(piece, sizeof piece, "%.*g", digits, value);
    point = strstr(piece, locale);
    if (point && strcmp(locale, ".") != 0) {
        *point = '.';
        memmove(point + 1, point + strlen(locale), strlen(point + strlen(locale)) + 1);
    }
    print(t, "%*s", width, piece);
}

/* A dash where there is none. */
static void cell(struct text *t, double value) {
    if (isnan(value))
        print(t, "%10s", "-");
    else
        number(t, 10, 3, value);
}

static double greatest(const double *values, int64_t count) {
    return count ? values[0] : (double)NAN;
}

static double least(const double *values, int64_t count) {
    return count ? values[count - 1] : (double)NAN;
}

static void table(struct text *t, const nninit_report *report) {
    static const char *const heads[] = {"mean", "variance", "signal", "min", "max", "dead", "saturat.", "gradient", "weight",
                                        "rank", "W max", "W min", "J max", "J min", "update"};
    print(t, "%-10s%-11s%6s%9s", "layer", "kind", "units", "distinct");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        print(t, "%10s", heads[i]);
    put(t, "  verdict\n");
    for (int i = 0; i < report->layer_count; i++) {
        const nninit_report_layer *l = &report->layers[i];
        const double cells[] = {l->mean, l->variance, l->signal, l->min, l->max, l->dead, l->saturated, l->gradient_norm,
                                l->weight_norm, l->weight_rank < 0 ? (double)NAN : (double)l->weight_rank,
                                greatest(l->weight_spectrum, l->weight_spectrum_count),
                                least(l->weight_spectrum, l->weight_spectrum_count),
                                greatest(l->jacobian_spectrum, l->jacobian_spectrum_count),
                                least(l->jacobian_spectrum, l->jacobian_spectrum_count), l->update_ratio};
        print(t, "%-10s%-11s%6lld%9lld", *l->name ? l->name : "-", l->kind, (long long)l->units, (long long)l->distinct);
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
            cell(t, cells[k]);
        print(t, "  %s\n", nninit_verdict_name(l->verdict));
    }
}

static const char *layer_name(const nninit_report *report, int layer) {
    return layer < 0 ? "model" : *report->layers[layer].name ? report->layers[layer].name : "-";
}

static void findings(struct text *t, const nninit_report *report) {
    print(t, "%s: loss ", nninit_verdict_name(nninit_report_verdict(report)));
    number(t, 0, 6, report->loss);
    print(t, ", %lld rows\n", (long long)report->rows);
    for (int i = 0; i < report->finding_count; i++) {
        const nninit_finding *f = &report->findings[i];
        print(t, "%s: %s: %s: ", nninit_verdict_name(f->verdict), layer_name(report, f->layer), f->rule);
        number(t, 0, 3, f->measured);
        put(t, "; limit ");
        number(t, 0, 3, f->threshold);
        put(t, ". Likely cause: ");
        put(t, f->cause);
        put(t, ". Try: ");
        put(t, f->remedy);
        put(t, ".\n");
    }
}

static void json_number(struct text *t, const char *key, double value) {
    print(t, ",\"%s\":", key);
    if (isfinite(value))
        number(t, 0, 17, value);
    else
        put(t, "null");
}

static void json_array(struct text *t, const char *key, const double *values, int64_t count) {
    print(t, ",\"%s\":[", key);
    for (int64_t i = 0; i < count; i++) {
        put(t, i ? "," : "");
        number(t, 0, 9, values[i]);
    }
    put(t, "]");
}

static void json_layer(struct text *t, const nninit_report_layer *l) {
    print(t, "{\"name\":\"%s\",\"kind\":\"%s\",\"verdict\":\"%s\"", l->name, l->kind, nninit_verdict_name(l->verdict));
    print(t, ",\"units\":%lld,\"distinct\":%lld", (long long)l->units, (long long)l->distinct);
    json_number(t, "mean", l->mean);
    json_number(t, "variance", l->variance);
    json_number(t, "signal", l->signal);
    json_number(t, "min", l->min);
    json_number(t, "max", l->max);
    json_number(t, "dead", l->dead);
    json_number(t, "saturated", l->saturated);
    json_number(t, "gradient_mean", l->gradient_mean);
    json_number(t, "gradient_variance", l->gradient_variance);
    json_number(t, "gradient_norm", l->gradient_norm);
    json_number(t, "weight_norm", l->weight_norm);
    json_number(t, "weight_gradient_norm", l->weight_gradient_norm);
    json_number(t, "update_ratio", l->update_ratio);
    json_number(t, "weight_rank", l->weight_rank < 0 ? (double)NAN : (double)l->weight_rank);
    json_array(t, "weight_spectrum", l->weight_spectrum, l->weight_spectrum_count);
    json_array(t, "jacobian_spectrum", l->jacobian_spectrum, l->jacobian_spectrum_count);
    put(t, "}");
}

static void json(struct text *t, const nninit_report *report) {
    print(t, "{\"verdict\":\"%s\",\"rows\":%lld", nninit_verdict_name(nninit_report_verdict(report)),
          (long long)report->rows);
    json_number(t, "loss", report->loss);
    put(t, ",\"layers\":[");
    for (int i = 0; i < report->layer_count; i++) {
        put(t, i ? "," : "");
        json_layer(t, &report->layers[i]);
    }
    put(t, "],\"findings\":[");
    for (int i = 0; i < report->finding_count; i++) {
        const nninit_finding *f = &report->findings[i];
        print(t, "%s{\"verdict\":\"%s\",\"layer\":%d,\"rule\":\"", i ? "," : "", nninit_verdict_name(f->verdict), f->layer);
        put(t, f->rule);
        put(t, "\"");
        json_number(t, "measured", f->measured);
        json_number(t, "threshold", f->threshold);
        put(t, ",\"cause\":\"");
        put(t, f->cause);
        put(t, "\",\"remedy\":\"");
        put(t, f->remedy);
        put(t, "\"}");
    }
    put(t, "]}");
}

nninit_status report_write(nninit_report *report) {
    struct text plain = {.context = report->object.context}, machine = plain;
    table(&plain, report);
    findings(&plain, report);
    json(&machine, report);
    report->text = plain.data;
    report->json = machine.data;
    return plain.failed || machine.failed ? NNINIT_ERR_MEMORY : NNINIT_OK;
}

const char *nninit_verdict_name(nninit_verdict verdict) {
    static const char *const names[] = {"healthy", "vanishing", "exploding", "symmetric", "saturated", "dead", "stalled"};
    return verdict >= NNINIT_VERDICT_HEALTHY && verdict <= NNINIT_VERDICT_STALLED ? names[verdict] : "unknown";
}
