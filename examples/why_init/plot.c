/* SPDX-License-Identifier: MIT */
/* Pictures by gnuplot: each panel is a script with its data inside. */
#include "why.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 5, BINS = 40 };

static const struct panel {
    const char *name;
    int width, height; /* height 0: by the number of cases */
} panels[WHY_PANELS] = {{"histograms", 1200, 0}, {"depth", 1200, 560}, {"phase", 900, 520},
                        {"losses", 1100, 560},   {"updates", 1100, 520}, {"spectra", 1200, 620}};

void why_number(FILE *file, double value) {
    char text[40], *point;
    const char *locale = localeconv()->decimal_point;
    snprintf(text, sizeof text, "%.9g", value);
    if (strcmp(locale, ".") != 0 && (point = strstr(text, locale))) {
        *point = '.';
        memmove(point + 1, point + strlen(locale), strlen(point + strlen(locale)) + 1);
    }
    fputs(isfinite(value) ? text : "NaN", file);
}

static void pair(FILE *f, double x, double y) {
    why_number(f, x);
    fputc(' ', f);
    why_number(f, y);
    fputc('\n', f);
}

/* Block $name_i begins; "EOD" ends it. */
static void begin(FILE *f, const char *name, int i) {
    fprintf(f, "$%s%d << EOD\n", name, i);
}

static void end(FILE *f) {
    fputs("EOD\n", f);
}

/* Hidden layer of column k: the first, the last, and those between at even distances. */
static int hidden_of(const struct why *why, int k, int columns) {
    int hidden = why->linears - 1;
    return columns == 1 ? 0 : (int)((double)k * (hidden - 1) / (columns - 1) + 0.5);
}

static void limits(const struct why *why, double q, const nninit_report_layer *layer, double *low, double *high) {
    nninit_activation a = why->options->activation;
    double far = isfinite(q) && q > 0 ? 4 * sqrt(q) : isfinite(layer->max) && layer->max > 0 ? layer->max : 1;
    *low = a == NNINIT_TANH ? -1 : 0;
    *high = a == NNINIT_TANH || a == NNINIT_SIGMOID ? 1 : far;
    if (a == NNINIT_LEAKY_RELU)
        *low = -0.02 * far;
}

/* A bar for each bin, as a density; the ReLU's zeros are counted apart, and their share returned. */
static double histogram(FILE *f, const struct why *why, const nninit_report_layer *layer, double low, double high) {
    double count[BINS] = {0}, width = (high - low) / BINS, all = (double)(why->options->batch * layer->units), zeros = 0;
    for (int64_t i = 0; i < why->options->batch * layer->units; i++) {
        double y = (double)layer->outputs[i];
        if (y == 0 && why->options->activation == NNINIT_RELU)
            zeros++;
        else if (y >= low && y <= high)
            count[y == high ? BINS - 1 : (int)((y - low) / width)]++;
    }
    for (int b = 0; b < BINS; b++)
        pair(f, low + (b + 0.5) * width, count[b] / all / width);
    return zeros / all;
}

static void density(FILE *f, nninit_activation a, double q, double low, double high) {
    for (int i = 0; i < 200; i++) {
        double y = low + (i + 0.5) / 200 * (high - low);
        pair(f, y, q > 0 ? why_density(a, q, y) : (double)NAN);
    }
}

static void draw_histograms(FILE *f, const struct why *why) {
    int columns = why->linears - 1 < COLUMNS ? why->linears - 1 : COLUMNS;
    fprintf(f, "set multiplot layout %d,%d\nset key off\nset style fill solid 0.45 noborder\nset tics font ',8'\n"
               "set ytics autofreq format ''\nset lmargin 2\nset rmargin 2\nset xtics 2 nomirror\n", why->run_count, columns);
    for (int r = 0; r < why->run_count; r++)
        for (int k = 0; k < columns; k++) {
            int l = hidden_of(why, k, columns), id = r * columns + k;
            nninit_report_layer layer = why_layer(why->runs[r].start, 2 * l + 1);
            double q = why->runs[r].theory.variance[l], low, high;
            limits(why, q, &layer, &low, &high);
            begin(f, "bars", id);
            double zeros = histogram(f, why, &layer, low, high);
            end(f);
            begin(f, "law", id);
            density(f, why->options->activation, q, low, high);
            end(f);
            fprintf(f, "set title '%s, layer %d' font ',9' offset 0,-0.7\n", why->runs[r].what->name, l + 1);
            fputs("set xrange [", f);
            why_number(f, low);
            fputc(':', f);
            why_number(f, high);
            fputs(zeros == 1 ? "]\nset yrange [0:1]\n" : "]\nset yrange [0:*]\n", f);
            fputs("set format x '%.2g'\nset xtics ", f);
            why_number(f, low);
            fputc(',', f);
            why_number(f, (high - low) / 2);
            fputs("\nset label 1 '", f);
            if (why->options->activation == NNINIT_RELU)
                fprintf(f, "%.0f %% zeros", 100 * zeros);
            else if (layer.saturated > 0.005)
                fprintf(f, "%.0f %% saturated", 100 * layer.saturated);
            fprintf(f, "' at graph 0.97,0.88 right font ',8'\nplot $bars%d using 1:2 with boxes lc rgb '#4477aa' title 'measured', "
                       "$law%d using 1:2 with lines lw 1.6 lc rgb '#cc3311' title 'predicted'\n", id, id);
        }
    fputs("unset multiplot\n", f);
}

/* Measured dots on the predicted line, in one of two directions. */
static void draw_direction(FILE *f, const struct why *why, bool backward) {
    const char *const dots = backward ? "backdots" : "dots", *const line = backward ? "backline" : "line";
    const char *const title = backward ? "backward: squared gradient, over the last layer''s" : "forward: variance of what units take";
    for (int r = 0; r < why->run_count; r++) {
        const struct why_run *run = &why->runs[r];
        nninit_report_layer last = why_layer(run->start, 2 * (why->linears - 1));
        begin(f, dots, r);
        for (int l = 0; l < why->linears; l++) {
            nninit_report_layer layer = why_layer(run->start, 2 * l);
            double ratio = layer.gradient_norm / last.gradient_norm, y = backward ? ratio * ratio : layer.variance;
            pair(f, l + 1, y > 0 ? y : (double)NAN);
        }
        end(f);
        begin(f, line, r);
        for (int l = 0; l < why->linears; l++) {
            double y = backward ? run->theory.gradient[l] : run->theory.variance[l];
            pair(f, l + 1, y > 0 ? y : (double)NAN);
        }
        end(f);
    }
    fprintf(f, "set title '%s'\nset xlabel 'layer'\nset logscale y\nset format y '10^{%%T}'\nset xrange [0.5:%d.5]\n"
               "set key %s\nplot ", title, why->linears, backward ? "outside right" : "off");
    for (int r = 0; r < why->run_count; r++)
        fprintf(f, "%s$%s%d using 1:2 with points lt %d pt 7 ps 0.6 title '%s', $%s%d using 1:2 with lines lt %d notitle",
                r ? ", " : "", dots, r, r + 1, why->runs[r].what->name, line, r, r + 1);
    fputc('\n', f);
}

static void draw_depth(FILE *f, const struct why *why) {
    fputs("set multiplot layout 1,2\n", f);
    draw_direction(f, why, false);
    draw_direction(f, why, true);
    fputs("unset multiplot\n", f);
}

static void draw_phase(FILE *f, const struct why *why) {
    nninit_activation a = why->options->activation;
    bool bends = a == NNINIT_TANH || a == NNINIT_SIGMOID;
    int l = why->linears / 2;
    double weight, bias;
    begin(f, "critical", 0);
    for (int i = 0; bends && i <= 120; i++) {
        why_critical(a, pow(10, -4 + i * 0.05), &weight, &bias);
        pair(f, weight, bias);
    }
    why_critical(a, 1, &weight, &bias);
    for (int i = 0; !bends && i <= 1; i++)
        pair(f, weight, 0.5 * i);
    end(f);
    for (int r = 0; r < why->run_count; r++) {
        const struct why_theory *t = &why->runs[r].theory;
        double spread = sqrt((double)why->widths[l] * t->weight_variance[l]);
        begin(f, "net", r);
        pair(f, isnan(spread) ? spread : fmax(spread, 0.05), sqrt(t->bias_variance[l]));
        end(f);
    }
    fprintf(f, "set logscale x\nset xrange [0.04:30]\nset yrange [-0.02:0.5]\nset xlabel 'spread of weights: std sqrt(fan\\_in), hidden layer %d'\n"
               "set ylabel 'spread of biases: std'\nset key outside right\nset label 'order: signals die' at 0.06,0.45\n"
               "set label 'chaos: signals grow' at graph 0.97,0.92 right\n"
               "plot $critical0 using 1:2 with lines lw 2 lc rgb '#000000' title 'critical line'", l + 1);
    for (int r = 0; r < why->run_count; r++)
        if (!isnan(why->runs[r].theory.weight_variance[l])) /* alike or learnt: it has no place here */
            fprintf(f, ", $net%d using 1:2 with points lt %d pt 7 ps 1.3 title '%s'", r, r + 1, why->runs[r].what->name);
    fputc('\n', f);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_update(const struct why *why, const struct why_point *point) {
    double values[WHY_LAYERS];
    int count = 0;
    for (int l = 0; l < why->linears; l++)
        if (isfinite(point->update[l]))
            values[count++] = point->update[l];
    qsort(values, (size_t)count, sizeof *values, ascending);
    return count ? values[count / 2] : (double)NAN;
}

static void draw_training(FILE *f, const struct why *why, bool updates) {
    for (int r = 0; r < why->run_count; r++) {
        const struct why_run *run = &why->runs[r];
        begin(f, "course", r);
        if (!updates)
            pair(f, 0, nninit_report_loss(run->start));
        for (long i = 0; i < run->point_count; i++)
            pair(f, (double)run->points[i].step, updates ? log10(median_update(why, &run->points[i])) : run->points[i].loss);
        end(f);
    }
    if (updates) {
        fputs("set xlabel 'step'\nset ylabel 'log10 of update / weight, median layer'\nset key outside right\nset yrange [-8:1]\n"
              "plot -3 with lines lw 2 dt 2 lc rgb '#000000' title '-3'", f);
    } else {
        fputs("set xlabel 'step'\nset ylabel 'loss'\nset key outside right\nset logscale y\nset yrange [0.05:20]\nplot ", f);
        why_number(f, log(WHY_CLASSES));
        fputs(" with lines lw 1 dt 2 lc rgb '#000000' title 'ln 10', ", f);
        why_number(f, why->class_entropy);
        fputs(" with lines lw 1 dt 3 lc rgb '#555555' title 'entropy of the classes'", f);
    }
    for (int r = 0; r < why->run_count; r++) { /* a run that failed at once has a name only */
        if (why->runs[r].point_count > 0)
            fprintf(f, ", $course%d using 1:2", r);
        else
            fputs(", keyentry", f);
        fprintf(f, " with lines lw 1.5 lt %d title '%s'", r + 1, why->runs[r].what->name);
    }
    fputc('\n', f);
}

/* Singular values of the weight in the middle, over sqrt(greater side) * std. */
static void draw_spectra(FILE *f, const struct why *why) {
    int l = why->linears / 2;
    double rows = (double)why->widths[l + 1], columns = (double)why->widths[l];
    double ratio = fmin(rows, columns) / fmax(rows, columns);
    begin(f, "law", 0);
    for (int i = 0; i < 300; i++)
        pair(f, 2.4 * (i + 0.5) / 300, why_marchenko_pastur(ratio, 2.4 * (i + 0.5) / 300));
    end(f);
    fprintf(f, "set multiplot layout 3,%d\nset key off\nset style fill solid 0.45 noborder\nset xrange [0:2.4]\nset yrange [0:1.5]\n"
               "set tics font ',8'\n", (why->run_count + 2) / 3);
    for (int r = 0; r < why->run_count; r++) {
        nninit_report_layer layer = why_layer(why->runs[r].start, 2 * l);
        double unit = layer.weight_norm / sqrt(fmin(rows, columns)), count[24] = {0};
        for (int64_t i = 0; i < layer.weight_spectrum_count; i++) {
            double s = layer.weight_spectrum[i] / unit;
            if (s >= 0 && s < 2.4)
                count[(int)(s * 10)]++;
        }
        begin(f, "bars", r);
        for (int b = 0; b < 24; b++)
            pair(f, 0.1 * b + 0.05, 10 * count[b] / (double)(layer.weight_spectrum_count ? layer.weight_spectrum_count : 1));
        end(f);
        fprintf(f, "set title '%s: rank %lld of %.0f' font ',10'\nplot $bars%d using 1:2 with boxes lc rgb '#4477aa' title 'measured', "
                   "$law0 using 1:2 with lines lw 1.6 lc rgb '#cc3311' title 'Marchenko and Pastur'\n",
                why->runs[r].what->name, (long long)layer.weight_rank, fmin(rows, columns), r);
    }
    fputs("unset multiplot\n", f);
}

static void draw(FILE *f, const struct why *why, enum why_panel panel, const char *terminal, const char *output) {
    static const char *const colours[] = {"#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377",
                                          "#bbbbbb", "#ee7733", "#009988", "#882255", "#332288", "#999933"};
    int height = panels[panel].height ? panels[panel].height : 130 * why->run_count + 20;
    fprintf(f, "set terminal %s size %d,%d\nset output '%s'\nset encoding utf8\nset samples 2\n", terminal, panels[panel].width,
            height, output);
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        fprintf(f, "set linetype %zu lc rgb '%s'\n", i + 1, colours[i]);
    switch (panel) {
    case WHY_HISTOGRAMS: draw_histograms(f, why); break;
    case WHY_DEPTH: draw_depth(f, why); break;
    case WHY_PHASE: draw_phase(f, why); break;
    case WHY_LOSSES: draw_training(f, why, false); break;
    case WHY_UPDATES: draw_training(f, why, true); break;
    default: draw_spectra(f, why); break;
    }
}

static int run_gnuplot(const struct why *why, enum why_panel panel, const char *terminal, const char *output) {
    FILE *pipe = popen("gnuplot", "w");
    if (!pipe) {
        perror("gnuplot");
        return 1;
    }
    draw(pipe, why, panel, terminal, output);
    int status = pclose(pipe);
    if (status != 0)
        fprintf(stderr, "%s: gnuplot failed at the panel \"%s\"; is it installed?\n", why->options->program, panels[panel].name);
    return status != 0;
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size;
    if (file && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0 && fseek(file, 0, SEEK_SET) == 0 &&
        (text = calloc((size_t)size + 1, 1)) && fread(text, 1, (size_t)size, file) != (size_t)size) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

char *why_plot(const struct why *why, enum why_panel panel) {
    char path[] = "/tmp/why_init_XXXXXX", terminal[160], png[4096];
    int file = mkstemp(path);
    char *text = NULL;
    if (file < 0) {
        perror(path);
        return NULL;
    }
    close(file);
    snprintf(terminal, sizeof terminal, "svg dynamic enhanced font 'sans-serif,11' name '%s' background '#ffffff'",
             panels[panel].name);
    int failed = run_gnuplot(why, panel, terminal, path);
    if (!failed && why->options->png) {
        snprintf(png, sizeof png, "%s-%s.png", why->options->out, panels[panel].name);
        failed = run_gnuplot(why, panel, "pngcairo enhanced font 'sans-serif,10'", png);
    }
    if (!failed && !(text = read_all(path)))
        perror(path);
    unlink(path);
    return text;
}
