/* SPDX-License-Identifier: MIT */
/* The strict reader of a NumPy header: three keys in any order, as numpy.save() writes them. */
#include "npy.h"

#include <string.h>

struct reader {
    const unsigned char *at, *end;
};

static void skip_space(struct reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n'))
        r->at++;
}

static bool accept(struct reader *r, const char *word) {
    size_t length = strlen(word);
    skip_space(r);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* A string of either quote, without escapes, of at most size - 1 bytes. */
static bool read_string(struct reader *r, char *text, size_t size) {
    skip_space(r);
    if (r->at == r->end || (*r->at != '\'' && *r->at != '"'))
        return false;
    const unsigned char *close = memchr(r->at + 1, *r->at, (size_t)(r->end - r->at - 1));
    size_t length = close ? (size_t)(close - r->at - 1) : size;
    if (length >= size)
        return false;
    memcpy(text, r->at + 1, length);
    text[length] = 0;
    r->at = close + 1;
    return true;
}

static bool read_size(struct reader *r, int64_t *value) {
    skip_space(r);
    const unsigned char *first = r->at;
    for (*value = 0; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        if (*value > (INT64_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (*r->at - '0');
    }
    return r->at > first;
}

static const char *read_shape(struct reader *r, struct npy *npy) {
    npy->rank = 0;
    if (!accept(r, "("))
        return "its shape is not a tuple";
    while (!accept(r, ")")) {
        if (npy->rank == NNINIT_MAX_RANK)
            return "it has more than 8 dimensions";
        if (!read_size(r, &npy->shape[npy->rank++]))
            return "its shape has a size that is not a number below 2^63";
        if (!accept(r, ",") && !(r->at < r->end && *r->at == ')'))
            return "its shape is not a tuple";
    }
    return NULL;
}

static const char *read_pair(struct reader *r, struct npy *npy, unsigned *seen) {
    char key[16], descr[16];
    if (!read_string(r, key, sizeof key) || !accept(r, ":"))
        return "its header is not a dictionary";
    unsigned which = strcmp(key, "descr") == 0 ? 1u : strcmp(key, "fortran_order") == 0 ? 2u : 4u;
    if ((which == 4 && strcmp(key, "shape") != 0) || *seen & which)
        return "its header has a key that is unknown or stands twice";
    *seen |= which;
    if (which == 4)
        return read_shape(r, npy);
    if (which == 1) {
        if (!read_string(r, descr, sizeof descr))
            return "its type is not a name";
        npy->dtype = strcmp(descr, "<f4") == 0 ? NNINIT_FLOAT32 : strcmp(descr, "<f8") == 0 ? NNINIT_FLOAT64 : 0;
        return NULL;
    }
    npy->fortran = accept(r, "True");
    return npy->fortran || accept(r, "False") ? NULL : "its fortran_order is neither True nor False";
}

static const char *read_header(struct reader *r, struct npy *npy) {
    unsigned seen = 0;
    if (!accept(r, "{"))
        return "its header is not a dictionary";
    while (!accept(r, "}")) {
        const char *problem = read_pair(r, npy, &seen);
        if (problem)
            return problem;
        skip_space(r);
        if (!accept(r, ",") && !(r->at < r->end && *r->at == '}'))
            return "its header is not a dictionary";
    }
    skip_space(r);
    return seen != 7 ? "its header lacks descr, fortran_order or shape" : r->at < r->end ? "bytes follow its header" : NULL;
}

static const char *check_size(struct npy *npy, size_t size) {
    npy->count = 1;
    for (int i = 0; i < npy->rank; i++) {
        if (npy->shape[i] > 0 && npy->count > INT64_MAX / 16 / npy->shape[i])
            return "its shape is too large";
        npy->count *= npy->shape[i];
    }
    uint64_t element = npy->dtype == NNINIT_FLOAT32 ? 4 : 8;
    return npy->dtype && (uint64_t)npy->count * element != size ? "its elements are more or fewer than its shape says"
                                                                : NULL;
}

const char *npy_parse(struct npy *npy, const unsigned char *bytes, size_t size) {
    memset(npy, 0, sizeof *npy);
    if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return "it does not begin as a NumPy file";
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return "its version is unknown";
    size_t start = bytes[6] == 1 ? 10 : 12, length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (size < start)
        return "its header is cut off";
    if (start == 12)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > size - start)
        return "its header is cut off";
    struct reader r = {bytes + start, bytes + start + length};
    npy->data = r.end;
    const char *problem = read_header(&r, npy);
    return problem ? problem : check_size(npy, size - start - length);
}
