/* SPDX-License-Identifier: MIT */
/* How many threads run a program: as many as were given, unless fewer are faster, because another process holds a core, or
 * the cores are far apart, or the program is small. Only a measurement can tell, and no bit depends on it. */
#ifndef NNINIT_LIB_CPU_TUNER_H
#define NNINIT_LIB_CPU_TUNER_H

#include <stdbool.h>
#include <stdint.h>

struct tuner {
    int most;    /* threads that there are */
    int threads; /* for the next run */
    /* what was found */
    int best;
    double best_time; /* seconds a step */
    /* what is going on */
    enum { TUNER_WARM, TUNER_TRIAL, TUNER_HOLD } state;
    int candidate;  /* the thread count that is tried */
    int wins;       /* trials in which it was better than the best */
    bool upward;    /* the trials are of the best and of more threads; else of fewer */
    bool changed;    /* by the trials since the last hold */
    int64_t hold;    /* steps until the next trials */
    int64_t held;    /* of them that are done */
    int64_t steps;   /* in this trial, or in this window of a hold */
    double seconds;  /* that they took */
};

void tuner_init(struct tuner *tuner, int most);
/* `steps` steps took that long with tuner->threads: choose those of the next run. */
void tuner_report(struct tuner *tuner, int64_t steps, double seconds);

#endif
