/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool argument_whole(const char *text, long low, long high, long *value) {
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && !errno && *value >= low && *value <= high;
}

bool argument_seed(const char *text, unsigned long long *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && !errno && *value <= UINT64_MAX;
}

bool argument_number(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return strspn(text, "0123456789.eE+-") == strlen(text) && *text && *text != '-' && !*end && isfinite(*value);
}

bool argument_list(const char *text, char separator, int room, int64_t *values, int *count) {
    for (*count = 0; *count < room; text++) {
        char *end;
        const long value = strtol(text, &end, 10);
        if (!isdigit((unsigned char)*text) || value < 1 || value > INT32_MAX)
            return false;
        values[(*count)++] = value;
        if (!*end)
            return true;
        if (*end != separator)
            return false;
        text = end;
    }
    return false;
}
