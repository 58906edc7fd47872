/* SPDX-License-Identifier: MIT */
/* What the programs share on their command lines. The functions that read return false if the text is not what it must be, all of it. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

bool argument_whole(const char *text, long low, long high, long *value);
bool argument_seed(const char *text, unsigned long long *value);
/* A decimal number, at least 0. */
bool argument_number(const char *text, double *value);
/* "500-500-2000": at most `room` numbers from 1 on, between them `separator`; *count of them. */
bool argument_list(const char *text, char separator, int room, int64_t *values, int *count);

#endif
