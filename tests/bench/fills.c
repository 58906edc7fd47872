/* SPDX-License-Identifier: MIT */
/* Seconds to fill 4096 x 4096 floats, by nninit_generator_uniform() and by nninit_generator_normal():
 * fills [REPEATS [philox [THREADS]]], a line with both for each repeat; PyTorch's stream, which has one thread, unless philox
 * is asked for. No executor is opened. */
#include "seconds.h"

#include <nninit/nninit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 4096 * 4096 };

int main(int argc, char **argv) {
    int repeats = argc > 1 ? atoi(argv[1]) : 5;
    nninit_stream stream = argc > 2 && strcmp(argv[2], "philox") == 0 ? NNINIT_STREAM_PHILOX : NNINIT_STREAM_TORCH;
    const nninit_context_options options = {.size = sizeof options, .threads = argc > 3 ? atoi(argv[3]) : 1};
    nninit_context *context = NULL;
    nninit_generator *generator;
    float *x = malloc(COUNT * sizeof *x);
    if (!x || nninit_context_create(&context, &options) < 0 ||
        nninit_generator_create(&generator, context, stream, 777) < 0 ||
        nninit_generator_uniform(generator, NNINIT_FLOAT32, x, COUNT, 0, 1) < 0) /* every page is there */
        return 1;
    for (int i = 0; i < repeats; i++) {
        double start = seconds_now();
        nninit_status first = nninit_generator_uniform(generator, NNINIT_FLOAT32, x, COUNT, -0.1, 0.1);
        double middle = seconds_now();
        nninit_status second = nninit_generator_normal(generator, NNINIT_FLOAT32, x, COUNT, 0, 0.02);
        double end = seconds_now();
        if (first < 0 || second < 0)
            return 1;
        printf("%.6f %.6f\n", middle - start, end - middle);
    }
    nninit_context_destroy(&context);
    free(x);
    return 0;
}
