/* SPDX-License-Identifier: MIT */
/* Random nodes of a program: on every executor, level and number of threads the draws of the host's generator, and sampling
 * by them. The generator itself is tested against known answers. */
#include "suite.h"

#include "executor.h"
#include "object.h"

#include <nninit/generator.h>

enum { STEPS = 3, ROWS_MAX = 130, COLS_MAX = 520, DRAWN_MAX = ROWS_MAX * COLS_MAX };
static const uint64_t SEED = UINT64_C(0x123456789abcdef0);

struct drawn {
    float uniform[DRAWN_MAX], normal[DRAWN_MAX], sample[DRAWN_MAX];
};

/* What the program must give in its last step: node r of step k has draw 2 k + r. */
static void expect(struct drawn *d, const float *p, int64_t count) {
    nninit_context *c = suite_context();
    nninit_generator *g;
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_PHILOX, SEED));
    for (int step = 0; step < STEPS; step++) {
        ck_assert_ok(c, nninit_generator_uniform(g, NNINIT_FLOAT32, d->uniform, count, 0, 1));
        ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, d->normal, count, 0, 1));
    }
    for (int64_t i = 0; i < count; i++)
        d->sample[i] = d->uniform[i] < p[i] ? 1.0f : 0.0f;
    nninit_context_destroy(&c);
}

static void run(struct drawn *d, const char *backend, int threads, const float *p, int64_t rows, int64_t cols) {
    struct memory *const memories[ARENA_COUNT] = {NULL};
    nninit_context *c = suite_open(backend, threads);
    struct program program;
    struct exec *exec;
    int32_t index[STEPS][ROWS_MAX];
    int64_t done;
    ck_assert_ok(c, context_open(c));
    program_init(&program, c, STEPS);
    const int source = program_data(&program, ELEMENT_F32, cols), rows_ = program_slot(&program, ELEMENT_I32, rows);
    const int first = program_slot(&program, ELEMENT_I32, 4), second = program_slot(&program, ELEMENT_I32, 4);
    const int chance = program_buffer(&program, ELEMENT_F32, rows, cols), u = program_buffer(&program, ELEMENT_F32, rows, cols);
    const int z = program_buffer(&program, ELEMENT_F32, rows, cols), y = program_buffer(&program, ELEMENT_F32, rows, cols);
    program_emit(&program, PHASE_SOURCE, KIND_GATHER_F32, source, rows_, chance);
    program_emit(&program, PHASE_FORWARD, KIND_PHILOX_UNIFORM, first, -1, u);
    program_emit(&program, PHASE_FORWARD, KIND_PHILOX_NORMAL, second, -1, z);
    program_emit(&program, PHASE_FORWARD, KIND_LESS, u, chance, y);
    ck_assert_ok(c, program.status);
    ck_assert_ok(c, c->executor->prepare(&exec, c->device, &program, memories));
    program_finish(&program);
    ck_assert_ok(c, c->executor->bind(exec, source, p, rows, 0));
    for (int step = 0; step < STEPS; step++) {
        for (int r = 0; r < rows; r++)
            index[step][r] = r;
        ck_assert_ok(c, c->executor->slot_write(exec, rows_, step, 1, index[step]));
        for (int r = 0; r < 2; r++) {
            const uint32_t draw[4] = {(uint32_t)SEED, (uint32_t)(SEED >> 32), (uint32_t)(2 * step + r), 0};
            ck_assert_ok(c, c->executor->slot_write(exec, r ? second : first, step, 1, draw));
        }
    }
    ck_assert_ok(c, c->executor->run(exec, PHASE_ALL, 0, STEPS, &done));
    ck_assert_int_eq(done, STEPS);
    ck_assert_ok(c, c->executor->buffer_read(exec, u, d->uniform));
    ck_assert_ok(c, c->executor->buffer_read(exec, z, d->normal));
    ck_assert_ok(c, c->executor->buffer_read(exec, y, d->sample));
    c->executor->release(exec);
    nninit_context_destroy(&c);
}

static void compare(const struct drawn *want, const struct drawn *got, int64_t count, const char *where) {
    const size_t size = (size_t)count * sizeof(float);
    ck_assert_msg(memcmp(want->uniform, got->uniform, size) == 0, "%s: uniforms differ", where);
    ck_assert_msg(memcmp(want->normal, got->normal, size) == 0, "%s: normals differ", where);
    ck_assert_msg(memcmp(want->sample, got->sample, size) == 0, "%s: samples differ", where);
}

START_TEST(nodes_are_the_generators_draws) {
    static const int64_t shapes[][2] = {{1, 1}, {1, 7}, {3, 5}, {2, 16}, {7, 33}, {130, 520}};
    static struct drawn want, got;
    static float p[DRAWN_MAX];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const int64_t rows = shapes[s][0], cols = shapes[s][1], count = rows * cols;
        for (int64_t i = 0; i < count; i++)
            p[i] = (float)(i * 37 % 101) / 100.0f; /* 0 and 1 are among them */
        expect(&want, p, count);
        run(&got, "ref", 1, p, rows, cols);
        compare(&want, &got, count, "ref");
        for (int l = 0; l < SUITE_TARGETS; l++) {
            const char *backend = suite_target(l);
            for (int threads = 1; threads <= 3 && backend; threads++) {
                run(&got, backend, threads, p, rows, cols);
                compare(&want, &got, count, suite_targets[l]);
            }
        }
        suite_cpu_level(NULL);
    }
}
END_TEST

/* The known answer of Random123's kat_vectors for philox4x32-10: key a4093822 299f31d0, counter 243f6a88 85a308d3 13198a2e
 * 03707344; words d16cfe09 94fdcceb 5001e420 24126ea1. The counter's block is element 4 * 0x85a308d3243f6a88, beyond any
 * tensor, so what a node can reach is the key and counter of zeros: 6627e8d5 e169c58d bc57ac4c 9b00dbd8. */
START_TEST(known_answer) {
    static const uint32_t words[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    nninit_context *c = suite_context();
    struct memory *const memories[ARENA_COUNT] = {NULL};
    struct program program;
    struct exec *exec;
    float y[4];
    int64_t done;
    ck_assert_ok(c, context_open(c));
    program_init(&program, c, 1);
    const int slot = program_slot(&program, ELEMENT_I32, 4), u = program_buffer(&program, ELEMENT_F32, 1, 4);
    program_emit(&program, PHASE_FORWARD, KIND_PHILOX_UNIFORM, slot, -1, u);
    ck_assert_ok(c, c->executor->prepare(&exec, c->device, &program, memories));
    program_finish(&program);
    ck_assert_ok(c, c->executor->slot_write(exec, slot, 0, 1, (const uint32_t[4]){0}));
    ck_assert_ok(c, c->executor->run(exec, PHASE_ALL, 0, 1, &done));
    ck_assert_ok(c, c->executor->buffer_read(exec, u, y));
    for (int i = 0; i < 4; i++)
        ck_assert_float_eq(y[i], (float)(words[i] >> 8) * 0x1p-24f);
    c->executor->release(exec);
    nninit_context_destroy(&c);
}
END_TEST

SUITE(philox, nodes_are_the_generators_draws, known_answer)
