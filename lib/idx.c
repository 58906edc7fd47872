/* SPDX-License-Identifier: MIT */
#include "idx.h"

#include <string.h>

static size_t element_size(unsigned char type) {
    switch (type) {
    case IDX_U8:
    case IDX_I8: return 1;
    case IDX_I16: return 2;
    case IDX_I32:
    case IDX_F32: return 4;
    case IDX_F64: return 8;
    default: return 0;
    }
}

static uint64_t big_endian(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

const char *idx_parse(struct idx *idx, const unsigned char *bytes, size_t size) {
    if (size < 4)
        return "shorter than a header of 4 bytes";
    if (bytes[0] != 0 || bytes[1] != 0 || element_size(bytes[2]) == 0)
        return "not IDX: it must begin with 0, 0 and a type of 8, 9, 11, 12, 13 or 14";
    if (bytes[3] < 1 || bytes[3] > IDX_MAX_RANK)
        return "its rank is not 1 to 8";
    idx->type = (enum idx_type)bytes[2];
    idx->rank = bytes[3];
    idx->element = element_size(bytes[2]);
    idx->header = 4 + 4 * (size_t)idx->rank;
    if (size < idx->header)
        return "shorter than its sizes";
    idx->count = 1;
    for (int i = 0; i < idx->rank; i++) {
        idx->size[i] = (int64_t)big_endian(bytes + 4 + 4 * i, 4);
        if (idx->size[i] > 0 && idx->count > INT64_MAX / 16 / idx->size[i])
            return "the product of its sizes overflows";
        idx->count *= idx->size[i];
    }
    return NULL;
}

double idx_element(const struct idx *idx, const unsigned char *data, int64_t i) {
    uint64_t bits = big_endian(data + (size_t)i * idx->element, idx->element);
    switch (idx->type) {
    case IDX_U8: return (double)bits;
    case IDX_I8: return (int8_t)(uint8_t)bits;
    case IDX_I16: return (int16_t)(uint16_t)bits;
    case IDX_I32: return (int32_t)(uint32_t)bits;
    case IDX_F32: {
        uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return (double)value;
    }
    case IDX_F64: {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    }
    return 0;
}
