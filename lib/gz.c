/* SPDX-License-Identifier: MIT */
#include "gz.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/* Read exactly `size` bytes; what came in *got. */
static nninit_status read_exactly(nninit_context *context, const char *path, gzFile file, unsigned char *bytes,
                                  size_t size, size_t *got) {
    *got = 0;
    while (*got < size) {
        size_t left = size - *got;
        int n = gzread(file, bytes + *got, left < 1 << 20 ? (unsigned)left : 1u << 20);
        if (n < 0) {
            int error;
            const char *text = gzerror(file, &error);
            return context_fail(context, error == Z_ERRNO ? NNINIT_ERR_IO : NNINIT_ERR_FORMAT, "%s: %s: %s", path,
                                error == Z_ERRNO ? "cannot be read" : "damaged",
                                error == Z_ERRNO ? strerror(errno) : text);
        }
        if (n == 0)
            return NNINIT_OK;
        *got += (size_t)n;
    }
    return NNINIT_OK;
}

static nninit_status read_header(nninit_context *context, const char *path, gzFile file, struct idx *idx) {
    unsigned char header[IDX_MAX_HEADER] = {0};
    size_t got, more;
    nninit_status status = read_exactly(context, path, file, header, 4, &got);
    if (status == NNINIT_OK && got == 4 && header[3] >= 1 && header[3] <= IDX_MAX_RANK) {
        status = read_exactly(context, path, file, header + 4, 4 * (size_t)header[3], &more);
        got += more;
    }
    if (status < 0)
        return status;
    const char *problem = idx_parse(idx, header, got);
    if (!problem)
        return NNINIT_OK;
    return context_fail(context, NNINIT_ERR_FORMAT, "%s: %s (%zu bytes of header, %02x %02x %02x %02x first)", path,
                        problem, got, header[0], header[1], header[2], header[3]);
}

/* Deflate packs at most 1032 to 1, so that a header which promises more is lying: known before memory is taken. */
static nninit_status check_promise(nninit_context *context, const char *path, const struct idx *idx) {
    struct stat info;
    if (stat(path, &info) != 0)
        return context_fail(context, NNINIT_ERR_IO, "%s: %s", path, strerror(errno));
    int64_t size = idx->count * (int64_t)idx->element;
    if (S_ISREG(info.st_mode) && size / 1100 > (int64_t)info.st_size)
        return context_fail(context, NNINIT_ERR_FORMAT,
                            "%s: truncated: the header says %lld bytes of data, which a file of %lld cannot hold", path,
                            (long long)size, (long long)info.st_size);
    return NNINIT_OK;
}

static nninit_status read_elements(nninit_context *context, const char *path, gzFile file, const struct idx *idx,
                                   unsigned char **data) {
    nninit_status status = check_promise(context, path, idx);
    if (status < 0)
        return status;
    size_t size = (size_t)idx->count * idx->element, got, more;
    *data = mem_array(context, idx->count, idx->element);
    if (!*data)
        return NNINIT_ERR_MEMORY;
    unsigned char extra;
    status = read_exactly(context, path, file, *data, size, &got);
    if (status == NNINIT_OK && got < size)
        status = context_fail(context, NNINIT_ERR_FORMAT,
                              "%s: truncated: the header says %zu bytes of data, there are %zu", path, size, got);
    if (status == NNINIT_OK)
        status = read_exactly(context, path, file, &extra, 1, &more);
    if (status == NNINIT_OK && more > 0)
        status = context_fail(context, NNINIT_ERR_FORMAT, "%s: more data than the %zu bytes that the header says", path,
                              size);
    return status;
}

nninit_status gz_read_idx(nninit_context *context, const char *path, struct idx *idx, unsigned char **data) {
    *data = NULL;
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        return context_fail(context, errno ? NNINIT_ERR_IO : NNINIT_ERR_MEMORY, "%s: cannot be opened: %s", path,
                            errno ? strerror(errno) : "out of memory");
    gzbuffer(file, 1 << 17);
    nninit_status status = read_header(context, path, file, idx);
    if (status == NNINIT_OK)
        status = read_elements(context, path, file, idx, data);
    /* A checksum that is wrong shows only when the stream is closed. */
    int closed = gzclose(file);
    if (status == NNINIT_OK && closed != Z_OK)
        status = context_fail(context, NNINIT_ERR_FORMAT, "%s: damaged: the gzip stream ends early", path);
    if (status < 0) {
        mem_free(context, *data);
        *data = NULL;
    }
    return status;
}
