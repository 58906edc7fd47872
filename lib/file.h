/* SPDX-License-Identifier: MIT */
#ifndef NNINIT_LIB_FILE_H
#define NNINIT_LIB_FILE_H

#include "object.h"

/* A whole regular file, in memory of the context. */
nninit_status file_read(nninit_context *context, const char *path, unsigned char **bytes, size_t *size);

#endif
