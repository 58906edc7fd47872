/* SPDX-License-Identifier: MIT */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>

/* Grey tiles side by side, row after row, a line between them. */
struct picture {
    const float *tiles; /* [count, height, width] */
    int count, height, width;
    int across;   /* tiles in a row */
    bool stretch; /* each from black, its lowest value, to white, its highest; else 0 to 1 are black to white */
};

/* Write it: a PNG if the path ends with .png, else a PGM. The file is there whole or not at all. Returns NULL, or what went
 * wrong; PNG needs libpng when the programs are built. */
const char *picture_save(const struct picture *picture, const char *path);
/* "png", or "pgm" where there is no libpng. */
const char *picture_format(void);

#endif
