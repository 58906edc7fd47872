/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_PNG
#include <png.h>
#endif

enum { LINE = 128 }; /* grey of the lines between tiles */

static int rows_of(const struct picture *p) {
    return (p->count + p->across - 1) / p->across;
}

static void draw_tile(const struct picture *p, int tile, unsigned char *pixels, int width) {
    const float *from = p->tiles + (long)tile * p->height * p->width;
    float low = 0, high = 1;
    if (p->stretch) {
        low = INFINITY;
        high = -INFINITY;
        for (int i = 0; i < p->height * p->width; i++) {
            low = fminf(low, from[i]);
            high = fmaxf(high, from[i]);
        }
    }
    const int top = tile / p->across * (p->height + 1), left = tile % p->across * (p->width + 1);
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            const float grey = high > low ? (from[y * p->width + x] - low) / (high - low) : 0;
            pixels[(top + y) * width + left + x] = (unsigned char)lrintf(255 * fminf(fmaxf(grey, 0), 1));
        }
}

#ifdef HAVE_PNG
static bool write_png(FILE *file, const unsigned char *pixels, int height, int width) {
    png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)width, .height = (png_uint_32)height,
                       .format = PNG_FORMAT_GRAY};
    return png_image_write_to_stdio(&image, file, 0, pixels, width, NULL) != 0;
}
#endif

static bool write_pgm(FILE *file, const unsigned char *pixels, int height, int width) {
    return fprintf(file, "P5\n%d %d\n255\n", width, height) > 0 &&
           fwrite(pixels, 1, (size_t)(height * width), file) == (size_t)(height * width);
}

static bool is_png(const char *path) {
    const size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".png") == 0;
}

const char *picture_format(void) {
#ifdef HAVE_PNG
    return "png";
#else
    return "pgm";
#endif
}

static bool write_file(const char *path, const char *name, const unsigned char *pixels, int height, int width) {
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
#ifdef HAVE_PNG
    bool written = is_png(name) ? write_png(file, pixels, height, width) : write_pgm(file, pixels, height, width);
#else
    (void)name;
    bool written = write_pgm(file, pixels, height, width);
#endif
    return (fclose(file) == 0) & written;
}

const char *picture_save(const struct picture *p, const char *path) {
    const int height = rows_of(p) * (p->height + 1) - 1, width = p->across * (p->width + 1) - 1;
    char temporary[4096];
#ifndef HAVE_PNG
    if (is_png(path))
        return "built without libpng: name it .pgm";
#endif
    if (snprintf(temporary, sizeof temporary, "%s.part", path) >= (int)sizeof temporary)
        return "the name is too long";
    unsigned char *pixels = malloc((size_t)(height * width));
    if (!pixels)
        return "out of memory";
    memset(pixels, LINE, (size_t)(height * width));
    for (int i = 0; i < p->count; i++)
        draw_tile(p, i, pixels, width);
    errno = 0;
    const bool saved = write_file(temporary, path, pixels, height, width) && rename(temporary, path) == 0;
    const char *problem = saved ? NULL : errno ? strerror(errno) : "it cannot be written";
    if (!saved)
        remove(temporary);
    free(pixels);
    return problem;
}
