/* SPDX-License-Identifier: MIT */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <nninit/nninit.h>

/* A bar on a line of its own, taken away at the end of the epoch; `what` stands before the epoch's number. */
void progress_show(const char *what, const nninit_progress *progress);

#endif
