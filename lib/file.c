/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static nninit_status read_failed(nninit_context *context, const char *path, const char *why) {
    return context_fail(context, NNINIT_ERR_IO, "%s: cannot be read: %s", path, why);
}

static nninit_status read_bytes(nninit_context *context, const char *path, int file, unsigned char **bytes, size_t size) {
    *bytes = mem_alloc(context, size);
    if (!*bytes)
        return NNINIT_ERR_MEMORY;
    for (size_t at = 0; at < size;) {
        ssize_t n = read(file, *bytes + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return read_failed(context, path, n < 0 ? strerror(errno) : "it became shorter");
        at += (size_t)n;
    }
    return NNINIT_OK;
}

/* O_NONBLOCK: a pipe is refused, not waited for. */
nninit_status file_read(nninit_context *context, const char *path, unsigned char **bytes, size_t *size) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    nninit_status status;
    *bytes = NULL;
    *size = 0;
    if (file < 0)
        return read_failed(context, path, strerror(errno));
    if (fstat(file, &info) < 0) {
        status = read_failed(context, path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        status = read_failed(context, path, "not a regular file");
    } else {
        *size = (size_t)info.st_size;
        status = read_bytes(context, path, file, bytes, *size);
    }
    close(file);
    if (status < 0) {
        mem_free(context, *bytes);
        *bytes = NULL;
    }
    return status;
}
