/* SPDX-License-Identifier: MIT */
#include "tuner.h"

/* Steps of a trial, and of a window of a hold, or less where they take that long. */
enum { WARM = 8, TRIAL = 12, WINDOW = 96 };
static const double trial_seconds = 0.02, window_seconds = 0.1;

enum { HOLD_FIRST = 256, HOLD_LAST = 4096 }; /* steps between probes */
enum { WINS = 2 }; /* a candidate must be better as often, against the best measured anew: one trial may be disturbed */

static const double better = 0.95; /* of the time of the best: a change must be worth it */
static const double worse = 1.3;   /* times what was measured: the machine has changed */

void tuner_init(struct tuner *t, int most) {
    *t = (struct tuner){.most = most, .threads = most, .best = most};
}

static void begin(struct tuner *t, int state, int threads) {
    t->state = state;
    t->threads = threads;
    t->steps = 0;
    t->seconds = 0;
}

static void hold(struct tuner *t) {
    t->hold = t->changed || t->hold == 0 ? HOLD_FIRST : t->hold < HOLD_LAST ? 2 * t->hold : HOLD_LAST;
    t->held = 0;
    t->changed = false;
    begin(t, TUNER_HOLD, t->best);
}

static void try_threads(struct tuner *t, int candidate) {
    t->candidate = candidate;
    t->wins = 0;
    begin(t, TUNER_TRIAL, candidate);
}

/* Fewer threads than the best, as long as that is better. */
static void try_fewer(struct tuner *t) {
    t->upward = false;
    if (t->best > 1)
        try_threads(t, t->best / 2);
    else
        hold(t);
}

/* More threads than the best, as long as that is better, then fewer. */
static void try_more(struct tuner *t) {
    t->upward = true;
    if (t->best < t->most)
        try_threads(t, 2 * t->best < t->most ? 2 * t->best : t->most);
    else
        try_fewer(t);
}

static void adopt(struct tuner *t, double time) {
    t->best = t->candidate;
    t->best_time = time;
    t->changed = true;
    if (t->upward)
        try_more(t);
    else
        try_fewer(t);
}

/* The best is measured anew, then the others. */
static void probe(struct tuner *t) {
    t->upward = true;
    try_threads(t, t->best);
}

static void end_trial(struct tuner *t, double time) {
    if (t->threads == t->best) {
        t->best_time = time;
        if (t->candidate == t->best)
            try_more(t);
        else
            begin(t, TUNER_TRIAL, t->candidate);
    } else if (time < better * t->best_time) {
        if (++t->wins == WINS)
            adopt(t, time);
        else
            begin(t, TUNER_TRIAL, t->best);
    } else if (t->upward) {
        try_fewer(t);
    } else {
        hold(t);
    }
}

static void end_window(struct tuner *t, double time) {
    t->held += t->steps;
    t->changed = time > worse * t->best_time;
    if (t->changed || t->held >= t->hold)
        probe(t);
    else
        begin(t, TUNER_HOLD, t->best);
}

void tuner_report(struct tuner *t, int64_t steps, double seconds) {
    static const int64_t enough[] = {[TUNER_WARM] = WARM, [TUNER_TRIAL] = TRIAL, [TUNER_HOLD] = WINDOW};
    if (t->most == 1)
        return;
    t->steps += steps;
    t->seconds += seconds;
    if (t->steps < enough[t->state] && t->seconds < (t->state == TUNER_HOLD ? window_seconds : trial_seconds))
        return;
    double time = t->seconds / (double)t->steps;
    if (t->state == TUNER_WARM)
        probe(t);
    else if (t->state == TUNER_TRIAL)
        end_trial(t, time);
    else
        end_window(t, time);
}
