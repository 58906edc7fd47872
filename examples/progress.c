/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <stdio.h>

void progress_show(const char *what, const nninit_progress *p) {
    enum { WIDTH = 40 };
    const int full = (int)(p->step * WIDTH / p->steps);
    printf("\r%s %4lld [%.*s%*s] %3d %%", what, (long long)p->epoch, full, "########################################",
           WIDTH - full, "", (int)(p->step * 100 / p->steps));
    if (p->step == p->steps)
        printf("\r%79s\r", "");
    fflush(stdout);
}
