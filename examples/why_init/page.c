/* SPDX-License-Identifier: MIT */
/* One HTML file with everything inside: pictures, tables, the raw numbers as JSON. */
#include "why.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct prose {
    const char *title, *text;
} panels[WHY_PANELS] = {
    {"What each layer gives, before the first step",
     "Blue: how the outputs of hidden layers are spread over one batch; red: the density that a wide net must have, "
     "with variance q = n var(w) E f(z)&sup2; + var(b) carried from layer to layer. Where blue and red shrink to a spike nothing "
     "reaches the output, and where they pile up at the ends the activation is flat and no gradient comes back; zeros and "
     "constants have no density to draw, since their units are all the same."},
    {"The signal on its way, forward and backward",
     "Dots are measured, lines are computed without running the net: each layer multiplies the variance by n var(w) E f(z)&sup2;, "
     "and the squared gradient by n var(w) E f'(z)&sup2;. A straight slope on this logarithmic scale is a factor to the power of the "
     "depth, which is why a small error in the weights' spread is fatal in a deep net and harmless in a shallow one."},
    {"Between order and chaos",
     "Left of the black line every layer brings two inputs closer together until the net forgets which is which, right of it "
     "small differences grow until neighbours have nothing in common. Good initializations sit on or near the line: for the ReLU "
     "it is n var(w) = 2, He's rule (zeros would be at minus infinity, and are drawn at 0.05)."},
    {"What it means for training",
     "Each loss is the mean over the steps since the last dot, from the same batches in the same order. A net that knows nothing "
     "starts at ln 10, a net that can only learn how frequent the digits are stays at the entropy of the classes, and the "
     "initialization decides which nets ever leave these two lines."},
    {"How far a step goes",
     "The norm of each update over the norm of the weight that it changes, for the layer in the middle of the ranking. Training "
     "that works stays near one thousandth (the dashed line); far above it steps undo each other, far below it nothing happens."},
    {"Singular values of a hidden layer's weight",
     "Independent weights of any distribution have singular values spread as Marchenko and Pastur found (red): most directions "
     "are shrunk, a few are stretched. Orthogonal weights have all of them at one place, so that no direction is lost with depth, "
     "and a constant has a single one, which is why its units can never differ."}};

static const char style[] =
    "body{font:16px/1.5 sans-serif;max-width:1240px;margin:2em auto;padding:0 1em;color:#222}"
    "svg{width:100%;height:auto;border:1px solid #ddd}table{border-collapse:collapse;margin:1em 0;font-size:14px}"
    "th,td{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:right}th:first-child,td:first-child{text-align:left}"
    "td.t{text-align:left}pre{overflow-x:auto;background:#f6f6f6;padding:.7em;font-size:12px}"
    ".healthy{color:#228833}.vanishing,.exploding,.symmetric,.saturated,.dead,.stalled{color:#cc3311}"
    "code{overflow-wrap:anywhere}tr[data-run]{cursor:pointer}";

static const char script[] =
    "const data=JSON.parse(document.getElementById('data').textContent),box=document.getElementById('report');"
    "document.querySelectorAll('tr[data-run]').forEach(row=>row.onclick=()=>{"
    "box.textContent=document.getElementById('report-'+row.dataset.run).textContent;});"
    "document.getElementById('save').onclick=()=>{const a=document.createElement('a');"
    "a.href=URL.createObjectURL(new Blob([JSON.stringify(data)],{type:'application/json'}));a.download='why_init.json';a.click();};";

static void escaped(FILE *f, const char *text) {
    for (; *text; text++)
        if (*text == '<' || *text == '>' || *text == '&')
            fprintf(f, "&#%d;", *text);
        else
            fputc(*text, f);
}

static void json_number(FILE *f, double value) {
    if (isfinite(value))
        why_number(f, value);
    else
        fputs("null", f);
}

static void json_numbers(FILE *f, const char *key, const double *values, int count) {
    fprintf(f, ",\"%s\":[", key);
    for (int i = 0; i < count; i++) {
        fputs(i ? "," : "", f);
        json_number(f, values[i]);
    }
    fputc(']', f);
}

static void json_run(FILE *f, const struct why *why, const struct why_run *run) {
    fprintf(f, "{\"name\":\"%s\",\"weights\":\"%s\",\"biases\":\"%s\",\"sha256_start\":\"%s\",\"sha256_end\":\"%s\",\"test_loss\":",
            run->what->name, run->what->weights, run->what->biases ? run->what->biases : "torch_linear_bias", run->sha_start,
            run->sha_end);
    json_number(f, run->test_loss);
    fputs(",\"accuracy\":", f);
    json_number(f, run->accuracy);
    json_numbers(f, "predicted_variance", run->theory.variance, why->linears);
    json_numbers(f, "predicted_gradient", run->theory.gradient, why->linears);
    fputs(",\"moved\":[", f);
    for (int i = 0; i < 2 * why->linears; i++)
        fprintf(f, "%s%s", i ? "," : "", run->moved[i] ? "true" : "false");
    fputs("],\"training\":[", f);
    for (long i = 0; i < run->point_count; i++) {
        fprintf(f, "%s{\"step\":%ld,\"loss\":", i ? "," : "", run->points[i].step);
        json_number(f, run->points[i].loss);
        json_numbers(f, "update_ratio", run->points[i].update, why->linears);
        fputc('}', f);
    }
    fprintf(f, "],\"start\":%s,\"end\":%s}", nninit_report_json(run->start), nninit_report_json(run->end));
}

static void json(FILE *f, const struct why *why) {
    const struct why_options *o = why->options;
    fprintf(f, "<script type=\"application/json\" id=\"data\">{\"nninit\":\"%s\",\"activation\":\"%s\",\"depth\":%ld,\"width\":%ld,"
               "\"batch\":%ld,\"epochs\":%ld,\"seed\":%llu,\"class_entropy\":", nninit_version(), o->activation_name,
            o->depth, o->width, o->batch, o->epochs, o->seed);
    json_number(f, why->class_entropy);
    fputs(",\"runs\":[", f);
    for (int r = 0; r < why->run_count; r++) {
        fputs(r ? ",\n" : "\n", f);
        json_run(f, why, &why->runs[r]);
    }
    fputs("]}</script>\n", f);
}

static void verdicts(FILE *f, const struct why *why) {
    fputs("<h2>The verdicts</h2>\n<p>Each net before its first step, by the rules of nninit's report on one batch, and what became of it. A "
          "verdict is a measurement against a threshold: the sentence beside it says which, and a click on the row shows the whole "
          "table.</p>\n<table><tr><th>initialization</th><th>first loss</th><th>test loss</th><th>accuracy</th><th>verdict</th>"
          "<th>why</th></tr>\n", f);
    for (int r = 0; r < why->run_count; r++) {
        const struct why_run *run = &why->runs[r];
        const char *verdict = nninit_verdict_name(nninit_report_verdict(run->start));
        nninit_finding finding = {.size = sizeof finding};
        bool sick = nninit_report_get_finding(run->start, 0, &finding) == NNINIT_OK;
        fprintf(f, "<tr data-run=\"%d\"><td>%s</td><td>%.4g</td>", r, run->what->name, nninit_report_loss(run->start));
        if (isnan(run->accuracy))
            fputs("<td>not finite</td><td>-</td>", f);
        else
            fprintf(f, "<td>%.4f</td><td>%.2f&nbsp;%%</td>", run->test_loss, 100 * run->accuracy);
        fprintf(f, "<td class=\"%s\">%s</td><td class=\"t\">", verdict, verdict);
        if (sick)
            fprintf(f, "%s: %.3g (limit %.3g); %s", finding.rule, finding.measured, finding.threshold, finding.cause);
        else
            fputs("no rule is broken", f);
        fputs("</td></tr>\n", f);
    }
    fputs("</table>\n<pre id=\"report\">Click on a row.</pre>\n", f);
    for (int r = 0; r < why->run_count; r++) {
        fprintf(f, "<script type=\"text/plain\" id=\"report-%d\">", r);
        fputs(nninit_report_text(why->runs[r].start), f);
        fputs("</script>\n", f);
    }
}

static void moved(FILE *f, const struct why *why, const struct why_run *run) {
    int count = 0, last = -1;
    for (int i = 0; i < 2 * why->linears; i++)
        if (run->moved[i]) {
            count++;
            last = i;
        }
    fprintf(f, "%d of %d", count, 2 * why->linears);
    if (count == 1)
        fprintf(f, " (%d.%s)", 2 * (last / 2), last % 2 ? "bias" : "weight");
}

static void symmetry(FILE *f, const struct why *why) {
    int middle = 2 * (why->linears / 2);
    fprintf(f, "<h2>Symmetry</h2>\n<p>Units that begin alike get the same gradient and stay alike: the layer then counts as one unit, "
               "however wide it is. With zeros not even that one learns, for nothing passes through a zero: only the last bias moves, "
               "until it knows how frequent the digits are.</p>\n<table><tr><th>initialization</th><th>distinct units of %ld, before</th>"
               "<th>after</th><th>rank of a hidden weight, before</th><th>after</th><th>parameters that moved at all</th></tr>\n",
            why->options->width);
    for (int r = 0; r < why->run_count; r++) {
        const struct why_run *run = &why->runs[r];
        nninit_report_layer a = why_layer(run->start, middle), b = why_layer(run->end, middle);
        fprintf(f, "<tr><td>%s</td><td>%lld</td><td>%lld</td><td>%lld</td><td>%lld</td><td>", run->what->name,
                (long long)a.distinct, (long long)b.distinct, (long long)a.weight_rank, (long long)b.weight_rank);
        moved(f, why, run);
        fputs("</td></tr>\n", f);
    }
    fputs("</table>\n", f);
}

static void footer(FILE *f, const struct why *why) {
    const char *backend = "";
    nninit_context_backend(why->context, &backend);
    fprintf(f, "<h2>Made by</h2>\n<p>nninit %s, %s, seed %llu, MNIST. The same command makes the same weights on any machine:"
               "</p>\n<pre>", nninit_version(), backend, why->options->seed);
    for (int i = 0; i < why->argc; i++) {
        fputs(i ? " " : "", f);
        escaped(f, why->argv[i]);
    }
    fputs("</pre>\n<table><tr><th>initialization</th><th>SHA-256 of the weights before</th><th>after</th></tr>\n", f);
    for (int r = 0; r < why->run_count; r++)
        fprintf(f, "<tr><td>%s</td><td><code>%s</code></td><td><code>%s</code></td></tr>\n", why->runs[r].what->name,
                why->runs[r].sha_start, why->runs[r].sha_end);
    fputs("</table>\n<p><button id=\"save\">Save the numbers (JSON)</button></p>\n", f);
}

static int picture(FILE *f, const struct why *why, enum why_panel panel) {
    char *svg = why_plot(why, panel), *body = svg ? strstr(svg, "<svg") : NULL;
    if (!body) {
        free(svg);
        return 1;
    }
    fprintf(f, "<h2>%s</h2>\n<p>%s</p>\n", panels[panel].title, panels[panel].text);
    fputs(body, f);
    fputc('\n', f);
    free(svg);
    return 0;
}

static int write_page(FILE *f, const struct why *why) {
    static const enum why_panel order[] = {WHY_LOSSES, WHY_HISTOGRAMS, WHY_DEPTH, WHY_PHASE, WHY_UPDATES, WHY_SPECTRA};
    const struct why_options *o = why->options;
    int failed = 0;
    fprintf(f, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Why initialization matters</title><style>%s</style>"
               "</head><body>\n<h1>Why initialization matters</h1>\n<p>One net, %ld hidden layers of %ld units (%s), trained %ld epoch%s on "
               "MNIST with %s, from %d initializations: everything else is the same.</p>\n", style, o->depth, o->width,
            o->activation_name, o->epochs, o->epochs == 1 ? "" : "s", o->optimizer, why->run_count);
    verdicts(f, why);
    for (size_t i = 0; i < sizeof order / sizeof *order && !failed; i++)
        failed = picture(f, why, order[i]);
    symmetry(f, why);
    footer(f, why);
    json(f, why);
    fprintf(f, "<script>%s</script>\n</body></html>\n", script);
    return failed;
}

int why_page(const struct why *why) {
    char part[4096];
    snprintf(part, sizeof part, "%s.part", why->options->out);
    FILE *f = fopen(part, "w");
    if (!f) {
        perror(part);
        return 1;
    }
    int failed = write_page(f, why);
    failed |= ferror(f) != 0;
    failed |= fclose(f) != 0;
    if (!failed && rename(part, why->options->out) != 0) {
        perror(why->options->out);
        failed = 1;
    }
    if (failed)
        remove(part);
    return failed;
}
