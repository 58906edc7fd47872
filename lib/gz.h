/* SPDX-License-Identifier: MIT */
/* Files that may be gzip: the only place that knows zlib. */
#ifndef NNINIT_LIB_GZ_H
#define NNINIT_LIB_GZ_H

#include "idx.h"
#include "object.h"

/* Read an IDX file, plain or gzip: its header, and its elements in memory of the context, exactly as many as it says. */
nninit_status gz_read_idx(nninit_context *context, const char *path, struct idx *idx, unsigned char **data);

#endif
