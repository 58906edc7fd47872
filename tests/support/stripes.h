/* SPDX-License-Identifier: MIT */
/* Bars and stripes of 4 x 4: 32 rows, of which the empty and the full one occur twice, as rows 0 and 16, 15 and 31. */
#ifndef STRIPES_H
#define STRIPES_H

enum { STRIPES_ROWS = 32, STRIPES_PIXELS = 16 };

static inline void stripes_fill(float rows[STRIPES_ROWS][STRIPES_PIXELS]) {
    for (int p = 0; p < STRIPES_ROWS; p++)
        for (int i = 0; i < STRIPES_PIXELS; i++)
            rows[p][i] = (float)((p & 15) >> (p < 16 ? i / 4 : i % 4) & 1);
}

#endif
