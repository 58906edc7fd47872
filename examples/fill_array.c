/* SPDX-License-Identifier: MIT */
/* An engine that only wants He-normal numbers: no device, no thread and no file is opened. */
#include <nninit/nninit.h>

#include <stdio.h>

int main(void) {
    float weight[64 * 32];
    const int64_t shape[] = {64, 32};
    nninit_context *context;
    nninit_generator *generator;
    nninit_initializer *he;
    if (nninit_context_create(&context, NULL) < 0)
        return 1;
    if (nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, 777) < 0 ||
        nninit_initializer_parse(&he, context, "kaiming_normal:nonlinearity=relu") < 0 ||
        nninit_initializer_fill(he, NNINIT_FLOAT32, weight, shape, 2, generator) < 0) {
        fprintf(stderr, "fill_array: %s\n", nninit_context_message(context));
        nninit_context_destroy(&context);
        return 1;
    }
    printf("%.6f %.6f %.6f\n", weight[0], weight[1], weight[2]);
    nninit_context_destroy(&context);
    return 0;
}
