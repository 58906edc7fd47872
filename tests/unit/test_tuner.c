/* SPDX-License-Identifier: MIT */
/* The choice of a thread count, against machines whose times are made up. */
#include "suite.h"

#include "cpu/tuner.h"

/* Seconds of a step with that many threads. */
typedef double (*machine)(int threads, int64_t step);

static double near(int threads, int64_t step) {
    (void)step;
    return 1e-3 / threads + 1e-5;
}

/* A core is taken from step 1000 to step 20000: whoever runs on two cores then waits for it. */
static double busy(int threads, int64_t step) {
    bool taken = step >= 1000 && step < 20000;
    return threads > 1 && taken ? 1.4e-3 : near(threads, step);
}

static double far(int threads, int64_t step) {
    (void)step;
    return 1e-3 * threads;
}

/* Best with two of its threads. */
static double shared_memory(int threads, int64_t step) {
    (void)step;
    return threads == 1 ? 1e-3 : threads == 2 ? 0.6e-3 : 0.6e-3 + 1e-4 * threads;
}

/* Runs of 6 steps until step `last`; seconds of all together from step `first` on. */
static double run(struct tuner *t, machine time, int64_t first, int64_t last) {
    double sum = 0;
    bool sane = true;
    for (int64_t step = first; step < last; step += 6) {
        double seconds = 0;
        for (int k = 0; k < 6; k++)
            seconds += time(t->threads, step + k);
        sum += seconds;
        tuner_report(t, 6, seconds);
        sane &= t->threads >= 1 && t->threads <= t->most;
    }
    ck_assert(sane);
    return sum;
}

static struct tuner fresh(int threads) {
    struct tuner t;
    tuner_init(&t, threads);
    ck_assert_int_eq(t.threads, threads);
    return t;
}

START_TEST(near_cores_keep_all_threads) {
    for (int threads = 1; threads <= 16; threads++) {
        struct tuner t = fresh(threads);
        double spent = run(&t, near, 0, 60000);
        ck_assert_int_eq(t.best, threads);
        ck_assert_double_le(spent, 1.01 * 60000 * near(threads, 0)); /* trials cost next to nothing */
    }
}
END_TEST

START_TEST(far_cores_leave_one) {
    for (int threads = 2; threads <= 16; threads++) {
        struct tuner t = fresh(threads);
        run(&t, far, 0, 200);
        ck_assert_int_eq(t.best, 1);
        ck_assert_double_le(run(&t, far, 200, 60000), 1.02 * 59800 * far(1, 0));
    }
}
END_TEST

START_TEST(best_of_many) {
    struct tuner t = fresh(16);
    run(&t, shared_memory, 0, 300);
    ck_assert_int_eq(t.best, 2);
}
END_TEST

/* Down when another process comes, up again some time after it has gone. */
START_TEST(busy_for_a_while) {
    struct tuner t = fresh(2);
    run(&t, busy, 0, 996);
    ck_assert_int_eq(t.best, 2);
    double spent = run(&t, busy, 996, 20000);
    ck_assert_int_eq(t.best, 1);
    ck_assert_double_le(spent, 1.05 * 19004 * near(1, 0)); /* as one thread would have it */
    run(&t, busy, 20000, 25000);
    ck_assert_int_eq(t.best, 2);
}
END_TEST

/* A long step ends a trial before twelve of them. */
START_TEST(long_steps) {
    struct tuner t = fresh(2);
    for (int i = 0; i < 5; i++)
        tuner_report(&t, 1, t.threads == 2 ? 3 : 1);
    ck_assert_int_eq(t.best, 1);
}
END_TEST

/* Every fifth run takes up to twice its time, whatever runs it. */
static double disturbed(int threads, int64_t step) {
    uint32_t seed = (uint32_t)(step / 6) * 2654435761u;
    seed = (seed ^ seed >> 15) * 2246822519u;
    double more = seed % 5 == 0 ? (double)(seed >> 16) * 0x1p-16 : 0;
    return near(threads, step) * (1 + more);
}

START_TEST(noise_does_not_decide) {
    struct tuner t = fresh(2);
    double spent = run(&t, disturbed, 0, 60000), all = 0;
    for (int64_t step = 0; step < 60000; step++)
        all += disturbed(2, step);
    ck_assert_double_le(spent, 1.02 * all);
}
END_TEST

SUITE(tuner, noise_does_not_decide, near_cores_keep_all_threads, far_cores_leave_one, best_of_many, busy_for_a_while, long_steps)
