/* SPDX-License-Identifier: MIT */
/* The strict reader of a safetensors header: a JSON object of {"dtype", "shape", "data_offsets"}, and "__metadata__".
 * Its depth is fixed, so nothing recurses, and it allocates nothing. */
#include "safetensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* That of the format's own library. */
#define HEADER_LIMIT 100000000

struct reader {
    const unsigned char *start, *at, *end; /* of the header */
    const unsigned char *data;
    size_t size; /* bytes of data */
    char *problem;
};

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[STATE_F32] = {"F32", 4}, [STATE_F64] = {"F64", 8}, [STATE_I32] = {"I32", 4},
              [STATE_I64] = {"I64", 8}, [STATE_U8] = {"U8", 1}};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static bool fail(struct reader *r, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->problem, SAFETENSORS_PROBLEM, format, arguments);
    va_end(arguments);
    return false;
}

static void skip_space(struct reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
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
    return accept(r, c) || fail(r, "its header needs a '%c' at byte %zu", c, (size_t)(r->at - r->start));
}

static bool read_hex(struct reader *r, unsigned *value) {
    *value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = r->at < r->end ? *r->at : 0, lower = c | 0x20;
        if (!((c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f')))
            return fail(r, "its header has a \\u without four digits at byte %zu", (size_t)(r->at - r->start));
        *value = *value * 16 + (c <= '9' ? c - (uint32_t)'0' : lower - (uint32_t)'a' + 10);
        r->at++;
    }
    return true;
}

/* What stands behind "\u": one unit, or two that are a surrogate pair. */
static bool read_unicode(struct reader *r, unsigned *code) {
    unsigned low;
    if (!read_hex(r, code))
        return false;
    if (*code < 0xd800 || *code > 0xdfff)
        return true;
    if (*code < 0xdc00 && r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u') {
        r->at += 2;
        if (!read_hex(r, &low))
            return false;
        if (low >= 0xdc00 && low <= 0xdfff) {
            *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
            return true;
        }
    }
    return fail(r, "its header has half of a surrogate pair before byte %zu", (size_t)(r->at - r->start));
}

static int encode_utf8(unsigned code, unsigned char *out) {
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    for (int i = tail; i > 0; i--, code >>= 6)
        out[i] = (unsigned char)(0x80 | (code & 0x3f));
    out[0] = (unsigned char)(lead[tail] | code);
    return tail + 1;
}

/* One character or escape, as UTF-8; its length, or 0 after failing. */
static int read_character(struct reader *r, unsigned char *out) {
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    unsigned code;
    out[0] = *r->at++;
    if (out[0] < 0x20)
        return fail(r, "its header has the control character %d at byte %zu", out[0], (size_t)(r->at - r->start - 1));
    if (out[0] != '\\')
        return 1;
    int c = r->at < r->end ? *r->at++ : 0;
    if (c == 'u')
        return read_unicode(r, &code) ? encode_utf8(code, out) : 0;
    const char *found = c ? strchr(escapes, c) : NULL;
    if (!found)
        return fail(r, "its header has an unknown escape before byte %zu", (size_t)(r->at - r->start));
    out[0] = (unsigned char)meanings[found - escapes];
    return 1;
}

/* text NULL: any string, skipped. Otherwise one of at most size - 1 bytes, without a zero. */
static bool read_string(struct reader *r, char *text, size_t size) {
    size_t n = 0;
    if (!expect(r, '"'))
        return false;
    while (r->at < r->end && *r->at != '"') {
        unsigned char character[4];
        int length = read_character(r, character);
        if (length == 0)
            return false;
        if (!text)
            continue;
        if (n + (size_t)length >= size)
            return fail(r, "the name that begins with \"%.*s\" has more than %zu bytes", (int)(n < 40 ? n : 40), text,
                        size - 1);
        if (character[0] == 0)
            return fail(r, "its header has a name with \\u0000 before byte %zu", (size_t)(r->at - r->start));
        memcpy(text + n, character, (size_t)length);
        n += (size_t)length;
    }
    if (text)
        text[n] = 0;
    return expect(r, '"');
}

static bool read_number(struct reader *r, int64_t *value) {
    skip_space(r);
    const unsigned char *first = r->at;
    for (*value = 0; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        if (*value > (INT64_MAX - (*r->at - '0')) / 10)
            return fail(r, "its header has a number above 2^63 - 1 at byte %zu", (size_t)(first - r->start));
        *value = *value * 10 + (int64_t)(*r->at - '0');
    }
    return (r->at > first && (*first != '0' || r->at == first + 1)) ||
           fail(r, "its header needs a whole number at byte %zu", (size_t)(first - r->start));
}

static bool read_shape(struct reader *r, struct state_item *item) {
    if (!expect(r, '['))
        return false;
    item->rank = 0;
    if (accept(r, ']'))
        return true;
    do {
        if (item->rank == NNINIT_MAX_RANK)
            return fail(r, "\"%.64s\" has more than %d dimensions", item->name, NNINIT_MAX_RANK);
        if (!read_number(r, &item->shape[item->rank++]))
            return false;
    } while (accept(r, ','));
    return expect(r, ']');
}

static bool check_item(struct reader *r, struct state_item *item, int64_t begin, int64_t end) {
    if (begin > end || (uint64_t)end > r->size)
        return fail(r, "\"%.64s\" is at bytes %lld to %lld, of %zu", item->name, (long long)begin, (long long)end,
                    r->size);
    item->data = r->data + begin;
    item->size = (size_t)(end - begin);
    if (item->dtype == STATE_DTYPES)
        return true;
    uint64_t bytes = dtypes[item->dtype].size;
    for (int i = 0; i < item->rank; i++) {
        if (item->shape[i] > 0 && bytes > (uint64_t)INT64_MAX / (uint64_t)item->shape[i])
            return fail(r, "\"%.64s\" has a shape of more than 2^63 - 1 bytes", item->name);
        bytes *= (uint64_t)item->shape[i];
    }
    return bytes == item->size || fail(r, "\"%.64s\" has %zu bytes where its shape needs %llu", item->name, item->size,
                                       (unsigned long long)bytes);
}

static enum state_dtype find_dtype(const char *name) {
    for (int d = 0; d < STATE_DTYPES; d++)
        if (strcmp(dtypes[d].name, name) == 0)
            return (enum state_dtype)d;
    return STATE_DTYPES;
}

static bool read_offsets(struct reader *r, int64_t *begin, int64_t *end) {
    return expect(r, '[') && read_number(r, begin) && expect(r, ',') && read_number(r, end) && expect(r, ']');
}

static bool read_item(struct reader *r, struct state_item *item) {
    char key[16], dtype[16];
    int64_t begin = 0, end = 0;
    unsigned seen = 0;
    if (!expect(r, '{'))
        return false;
    do {
        if (!read_string(r, key, sizeof key) || !expect(r, ':'))
            return false;
        unsigned which = strcmp(key, "dtype") == 0 ? 1u : strcmp(key, "shape") == 0 ? 2u : 4u;
        if ((which == 4 && strcmp(key, "data_offsets") != 0) || seen & which)
            return fail(r, "\"%.64s\" has the key \"%s\", unknown or for the second time", item->name, key);
        seen |= which;
        if (!(which == 1   ? read_string(r, dtype, sizeof dtype)
              : which == 2 ? read_shape(r, item)
                           : read_offsets(r, &begin, &end)))
            return false;
    } while (accept(r, ','));
    if (!expect(r, '}'))
        return false;
    if (seen != 7)
        return fail(r, "\"%.64s\" lacks dtype, shape or data_offsets", item->name);
    item->dtype = find_dtype(dtype);
    return check_item(r, item, begin, end);
}

static bool skip_metadata(struct reader *r) {
    if (!expect(r, '{'))
        return false;
    if (accept(r, '}'))
        return true;
    do {
        if (!read_string(r, NULL, 0) || !expect(r, ':') || !read_string(r, NULL, 0))
            return false;
    } while (accept(r, ','));
    return expect(r, '}');
}

static bool read_header(struct reader *r, struct state_item *items, int capacity, int *count) {
    bool metadata = false;
    if (!expect(r, '{'))
        return false;
    if (accept(r, '}'))
        return true;
    do {
        struct state_item item;
        memset(&item, 0, sizeof item);
        if (!read_string(r, item.name, sizeof item.name) || !expect(r, ':'))
            return false;
        if (strcmp(item.name, "__metadata__") == 0) {
            if (metadata)
                return fail(r, "\"__metadata__\" stands twice");
            metadata = true;
            if (!skip_metadata(r))
                return false;
            continue;
        }
        if (!read_item(r, &item))
            return false;
        if (*count < capacity)
            items[*count] = item;
        ++*count;
    } while (accept(r, ','));
    return expect(r, '}');
}

static int by_place(const struct state_item *a, const struct state_item *b) {
    uintptr_t x = (uintptr_t)a->data, y = (uintptr_t)b->data;
    return x != y ? (x > y) - (x < y) : (a->size > b->size) - (a->size < b->size);
}

static int by_name(const struct state_item *a, const struct state_item *b) {
    return strcmp(a->name, b->name);
}

/* A heap sort, because qsort may allocate. */
static void sort(struct state_item *items, int count,
                 int (*order)(const struct state_item *, const struct state_item *)) {
    int start = count / 2, end = count;
    while (end > 1) {
        struct state_item moved;
        if (start > 0) {
            moved = items[--start];
        } else {
            moved = items[--end];
            items[end] = items[0];
        }
        int hole = start, child;
        while ((child = 2 * hole + 1) < end) {
            if (child + 1 < end && order(&items[child], &items[child + 1]) < 0)
                child++;
            if (order(&moved, &items[child]) >= 0)
                break;
            items[hole] = items[child];
            hole = child;
        }
        items[hole] = moved;
    }
}

/* The format allows no holes and no overlaps, so that a file is nothing but what its header says. */
static bool check_places(struct reader *r, struct state_item *items, int count) {
    size_t used = 0;
    sort(items, count, by_place);
    for (int i = 0; i < count; i++) {
        size_t begin = (size_t)((const unsigned char *)items[i].data - r->data);
        if (begin != used)
            return fail(r, "\"%.64s\" begins at byte %zu where the tensors before it end at %zu", items[i].name, begin,
                        used);
        used += items[i].size;
    }
    if (used != r->size)
        return fail(r, "its tensors have %zu bytes, and %zu follow its header", used, r->size);
    sort(items, count, by_name);
    for (int i = 1; i < count; i++)
        if (strcmp(items[i - 1].name, items[i].name) == 0)
            return fail(r, "\"%.64s\" stands twice", items[i].name);
    return true;
}

bool safetensors_parse(const unsigned char *bytes, size_t size, struct state_item *items, int capacity, int *count,
                       char *problem) {
    struct reader r = {.problem = problem};
    *count = 0;
    if (size < 8)
        return fail(&r, "its %zu bytes are fewer than the 8 of a header's length", size);
    uint64_t length = 0;
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)bytes[i] << (8 * i);
    if (length > size - 8)
        return fail(&r, "its header should have %llu bytes, and %zu follow", (unsigned long long)length, size - 8);
    if (length > HEADER_LIMIT)
        return fail(&r, "its header has %llu bytes; the limit is %d", (unsigned long long)length, HEADER_LIMIT);
    r.start = r.at = bytes + 8;
    r.end = r.data = r.start + length;
    r.size = size - 8 - (size_t)length;
    if (!read_header(&r, items, capacity, count))
        return false;
    skip_space(&r);
    if (r.at < r.end)
        return fail(&r, "its header's JSON ends before byte %zu of %llu", (size_t)(r.at - r.start),
                    (unsigned long long)length);
    return *count > capacity || check_places(&r, items, *count);
}
