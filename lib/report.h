/* SPDX-License-Identifier: MIT */
/* The report's parts: report.c runs the batch and owns the handle, report_measure.c looks at one layer, report_spectrum.c at
 * its matrices, report_verdict.c has the rules, report_text.c the words. */
#ifndef NNINIT_LIB_REPORT_H
#define NNINIT_LIB_REPORT_H

#include "optimizer.h"

#include <nninit/report.h>

enum { REPORT_RULES = 11 };

struct nninit_report {
    struct object object;
    int64_t rows;
    float loss;
    double input_square, input_signal; /* mean square of x; mean over its columns of their variance over the rows */
    int layer_count, finding_count;
    nninit_report_layer *layers; /* their names and arrays are the report's */
    nninit_finding findings[REPORT_RULES];
    char *text, *json;
};

/* A report being made. */
struct reporting {
    nninit_context *context;
    nninit_report *report;
    nninit_layer *model;
    nninit_layer **leaves; /* [report->layer_count] */
    const float *x;
    nninit_report_options options;
    int64_t widest;                        /* of the input and all outputs */
    float *weight, *gradient, *m, *v;      /* [largest weight] */
    double *matrix, *jacobian, *product;   /* room for weights and Jacobians; NULL without spectra */
    double *sums;                          /* [2 widest] */
    uint64_t *marks;                       /* [widest] */
};

/* Of a leaf's derivative, from its output y. */
double report_derivative(const nninit_layer *leaf, float y);
/* Mean over columns of their variance over rows. */
double report_signal(const float *values, int64_t rows, int64_t columns, double *sums);
/* Fill all but spectra and verdict. */
nninit_status report_measure(struct reporting *r, int index);
/* Fill the spectra of all layers. */
nninit_status report_spectra(struct reporting *r);
/* Fill findings and the layers' verdicts. */
void report_judge(nninit_report *report, const nninit_report_options *options);
/* Fill text and json. */
nninit_status report_write(nninit_report *report);

#endif
