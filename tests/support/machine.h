/* SPDX-License-Identifier: MIT */
/* A small machine with data, which several test programs of machines work on. */
#ifndef MACHINE_H
#define MACHINE_H

#include "suite.h"

enum { V = 23, H = 11, ROWS = 20, BATCH = 8 };

struct bench {
    nninit_context *c;
    nninit_generator *g, *order;
    nninit_dataset *data;
    nninit_loader *loader;
    nninit_rbm *rbm;
    float x[ROWS * V];
};

static inline void bench_open(struct bench *b, const char *text, nninit_stream stream) {
    b->c = suite_context();
    ck_assert_ok(b->c, nninit_generator_create(&b->g, b->c, stream, 5));
    ck_assert_ok(b->c, nninit_generator_create(&b->order, b->c, NNINIT_STREAM_TORCH, 1));
    ck_assert_ok(b->c, nninit_generator_uniform(b->order, NNINIT_FLOAT32, b->x, ROWS * V, 0, 1));
    for (int i = 0; i < ROWS * V; i += 3)
        b->x[i] = 0;
    ck_assert_ok(b->c, nninit_dataset_wrap(&b->data, b->c, NNINIT_FLOAT32, b->x, NULL, ROWS, V));
    ck_assert_ok(b->c, nninit_loader_create(&b->loader, b->data, BATCH, 0, b->order));
    ck_assert_ok(b->c, nninit_rbm_parse(&b->rbm, b->c, text, V, H, b->g));
}

static inline void bench_close(struct bench *b) {
    nninit_context_destroy(&b->c);
}

#endif
