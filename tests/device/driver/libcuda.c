/* SPDX-License-Identifier: MIT */
/* Just enough of a driver for the real runtime in the real module to find that there is one and no device: FAKE_DRIVER is its
 * version, FAKE_INIT what initializing it gives. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { NOT_FOUND = 500 };

static int number(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

EXPORT int cuInit(unsigned flags);
EXPORT int cuDriverGetVersion(int *version);
EXPORT int cuDeviceGetCount(int *count);
EXPORT int cuGetExportTable(const void **table, const void *id);
EXPORT int cuGetProcAddress(const char *name, void **function, int version, uint64_t flags);
EXPORT int cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *found);

int cuInit(unsigned flags) {
    (void)flags;
    return number("FAKE_INIT");
}

int cuDriverGetVersion(int *version) {
    *version = number("FAKE_DRIVER");
    return 0;
}

int cuDeviceGetCount(int *count) {
    *count = 0;
    return 0;
}

int cuGetExportTable(const void **table, const void *id) {
    (void)id;
    *table = NULL;
    return NOT_FOUND;
}

static int anything_else(void) {
    return NOT_FOUND;
}

int cuGetProcAddress(const char *name, void **function, int version, uint64_t flags) {
    const struct {
        const char *name;
        void (*function)(void);
    } known[] = {{"cuInit", (void (*)(void))cuInit},
                 {"cuDriverGetVersion", (void (*)(void))cuDriverGetVersion},
                 {"cuDeviceGetCount", (void (*)(void))cuDeviceGetCount},
                 {"cuGetExportTable", (void (*)(void))cuGetExportTable},
                 {"cuGetProcAddress", (void (*)(void))(version >= 12000 ? (void (*)(void))cuGetProcAddress_v2 : (void (*)(void))cuGetProcAddress)}};
    void (*found)(void) = (void (*)(void))anything_else;
    (void)flags;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0)
            found = known[i].function;
    memcpy(function, &found, sizeof found);
    return 0;
}

int cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *found) {
    if (found)
        *found = 0;
    return cuGetProcAddress(name, function, version, flags);
}
