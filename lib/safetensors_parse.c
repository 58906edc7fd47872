/* SPDX-License-Identifier: MIT */
/* The strict reader of a safetensors header: a JSON object of {"dtype", "shape", "data_offsets"}, and "__metadata__". */
#include "safetensors.h"

#include <string.h>

struct reader {
    const unsigned char *at, *end;
    const char *problem;
};

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[STATE_F32] = {"F32", 4}, [STATE_F64] = {"F64", 8}, [STATE_I32] = {"I32", 4},
              [STATE_I64] = {"I64", 8}, [STATE_U8] = {"U8", 1}};

static bool fail(struct reader *r, const char *problem) {
    if (!r->problem)
        r->problem = problem;
    return false;
}

static void skip_space(struct reader *r) {
    while (r->at < r->end && strchr(" \t\n\r", *r->at) && *r->at)
        r->at++;
}

static bool accept(struct reader *r, char c) {
    skip_space(r);
    if (r->at == r->end || *r->at != (unsigned char)c)
        return false;
    r->at++;
    return true;
}

static bool expect(struct reader *r, char c) {
    return accept(r, c) || fail(r, "its header is not the JSON that it should be");
}

/* A string without escapes beyond \" \\ and \/; names that need others are none of ours. */
static bool read_string(struct reader *r, char *text, size_t size) {
    size_t n = 0;
    if (!expect(r, '"'))
        return false;
    while (r->at < r->end && *r->at != '"') {
        unsigned char c = *r->at++;
        if (c == '\\') {
            if (r->at == r->end || !strchr("\"\\/", *r->at))
                return fail(r, "its header has a string with an escape that is not supported");
            c = *r->at++;
        }
        if (c < 0x20)
            return fail(r, "its header has a control character in a string");
        if (n + 1 >= size)
            return fail(r, "its header has a string of more than 255 bytes");
        text[n++] = (char)c;
    }
    text[n] = 0;
    return expect(r, '"');
}

static bool read_number(struct reader *r, int64_t *value) {
    skip_space(r);
    if (r->at == r->end || *r->at < '0' || *r->at > '9')
        return fail(r, "its header has something else where a whole number should be");
    for (*value = 0; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        if (*value > (INT64_MAX - 9) / 10)
            return fail(r, "its header has a number that overflows");
        *value = *value * 10 + (*r->at - '0');
    }
    return true;
}

static bool read_shape(struct reader *r, struct state_item *item) {
    if (!expect(r, '['))
        return false;
    item->rank = 0;
    if (accept(r, ']'))
        return true;
    do {
        if (item->rank == NNINIT_MAX_RANK)
            return fail(r, "a tensor has more than 8 dimensions");
        if (!read_number(r, &item->shape[item->rank++]))
            return false;
    } while (accept(r, ','));
    return expect(r, ']');
}

static bool check_item(struct reader *r, struct state_item *item, int64_t begin, int64_t end, const unsigned char *data,
                       size_t size) {
    if (begin > end || (uint64_t)end > size)
        return fail(r, "a tensor's data_offsets are out of order, or past the end of the file");
    item->data = data + begin;
    item->size = (size_t)(end - begin);
    if (item->dtype == STATE_DTYPES)
        return true;
    uint64_t elements = 1;
    for (int i = 0; i < item->rank; i++) {
        if (item->shape[i] > 0 && elements > (uint64_t)INT64_MAX / 8 / (uint64_t)item->shape[i])
            return fail(r, "the product of a tensor's sizes overflows");
        elements *= (uint64_t)item->shape[i];
    }
    return elements * dtypes[item->dtype].size == item->size || fail(r, "a tensor's data_offsets do not fit its shape");
}

static enum state_dtype find_dtype(const char *name) {
    for (int d = 0; d < STATE_DTYPES; d++)
        if (strcmp(dtypes[d].name, name) == 0)
            return (enum state_dtype)d;
    return STATE_DTYPES;
}

static bool read_item(struct reader *r, struct state_item *item, const unsigned char *data, size_t size) {
    char key[256], dtype[256];
    int64_t begin = -1, end = -1;
    unsigned seen = 0;
    if (!expect(r, '{'))
        return false;
    do {
        if (!read_string(r, key, sizeof key) || !expect(r, ':'))
            return false;
        unsigned which = strcmp(key, "dtype") == 0 ? 1 : strcmp(key, "shape") == 0 ? 2 : 4;
        if ((which == 4 && strcmp(key, "data_offsets") != 0) || seen & which)
            return fail(r, "a tensor has an unknown key, or one twice");
        seen |= which;
        bool good = which == 1   ? read_string(r, dtype, sizeof dtype)
                    : which == 2 ? read_shape(r, item)
                                 : expect(r, '[') && read_number(r, &begin) && expect(r, ',') && read_number(r, &end) &&
                                       expect(r, ']');
        if (!good)
            return false;
    } while (accept(r, ','));
    if (!expect(r, '}'))
        return false;
    if (seen != 7)
        return fail(r, "a tensor lacks dtype, shape or data_offsets");
    item->dtype = find_dtype(dtype);
    return check_item(r, item, begin, end, data, size);
}

static bool skip_metadata(struct reader *r) {
    char text[256];
    if (!expect(r, '{'))
        return false;
    if (accept(r, '}'))
        return true;
    do {
        if (!read_string(r, text, sizeof text) || !expect(r, ':') || !read_string(r, text, sizeof text))
            return false;
    } while (accept(r, ','));
    return expect(r, '}');
}

const char *safetensors_parse(const unsigned char *bytes, size_t size, struct state_item *items, int capacity,
                              int *count) {
    *count = 0;
    if (size < 8)
        return "shorter than the 8 bytes of its header's length";
    uint64_t length = 0;
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)bytes[i] << (8 * i);
    if (length > size - 8)
        return "its header is longer than the file";
    struct reader r = {bytes + 8, bytes + 8 + length, NULL};
    const unsigned char *data = r.end;
    if (!expect(&r, '{'))
        return r.problem;
    if (!accept(&r, '}')) {
        do {
            struct state_item item;
            memset(&item, 0, sizeof item);
            if (!read_string(&r, item.name, sizeof item.name) || !expect(&r, ':'))
                return r.problem;
            if (strcmp(item.name, "__metadata__") == 0) {
                if (!skip_metadata(&r))
                    return r.problem;
                continue;
            }
            if (!read_item(&r, &item, data, size - 8 - length))
                return r.problem;
            for (int i = 0; i < *count && i < capacity; i++)
                if (strcmp(items[i].name, item.name) == 0)
                    return "a tensor's name stands twice";
            if (*count < capacity)
                items[*count] = item;
            ++*count;
        } while (accept(&r, ','));
        if (!expect(&r, '}'))
            return r.problem;
    }
    skip_space(&r);
    return r.at == r.end ? NULL : "something stands behind its header's JSON";
}
