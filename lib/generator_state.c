/* SPDX-License-Identifier: MIT */
/* Little-endian. NNINIT_STREAM_PHILOX: 0 u64 seed | 8 u64 number of the next draw.
 * NNINIT_STREAM_CURAND: 0 u64 seed | 8 u64 number of the next word | 16 u64 1 if doubles were drawn in its round, else 0.
 * PyTorch's streams, the bytes of torch.get_rng_state():
 *   0 u64 seed | 8 i32 left | 12 i32 seeded | 16 u64 next | 24 u64 word[624] | 5016 f64 x, y, rho | 5040 i32 y is valid |
 *   5048 f32 next float normal | 5052 u8 it is valid
 * `left` counts the words that remain, plus one; y is the cached double normal. */
#include "generator.h"

#include <math.h>
#include <string.h>

enum {
    AT_SEED = 0, AT_LEFT = 8, AT_SEEDED = 12, AT_NEXT = 16, AT_WORDS = 24, AT_Y = 5024, AT_Y_VALID = 5040,
    AT_FLOAT = 5048, AT_FLOAT_VALID = 5052
};

static void put(unsigned char *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

size_t nninit_generator_state_size(const nninit_generator *generator) {
    if (!generator)
        return 0;
    return generator->stream == NNINIT_STREAM_PHILOX   ? NNINIT_PHILOX_STATE_SIZE
           : generator->stream == NNINIT_STREAM_CURAND ? NNINIT_CURAND_STATE_SIZE
                                                       : NNINIT_TORCH_STATE_SIZE;
}

static nninit_status check(const nninit_generator *generator, const void *state, size_t size) {
    if (!generator)
        return NNINIT_ERR_INVALID;
    if (!state || size != nninit_generator_state_size(generator))
        return context_fail(generator->object.context, NNINIT_ERR_INVALID,
                            "state is NULL, or its size (%zu) is not %zu bytes", size,
                            nninit_generator_state_size(generator));
    return NNINIT_OK;
}

nninit_status nninit_generator_save(const nninit_generator *generator, void *state, size_t size) {
    nninit_status status = check(generator, state, size);
    if (status < 0)
        return status;
    unsigned char *s = memset(state, 0, size);
    if (generator->stream == NNINIT_STREAM_PHILOX) {
        put(s, generator->philox.seed, 8);
        put(s + 8, generator->philox.draw, 8);
        return NNINIT_OK;
    }
    if (generator->stream == NNINIT_STREAM_CURAND) {
        put(s, generator->curand.seed, 8);
        put(s + 8, generator->curand.next, 8);
        put(s + 16, generator->curand.doubles, 8);
        return NNINIT_OK;
    }
    const struct mt19937 *mt = &generator->mt;
    /* A generator that has not drawn since it was seeded has left 1 and next 0. */
    bool fresh = mt->fresh;
    put(s + AT_SEED, mt->seed, 8);
    put(s + AT_LEFT, fresh ? 1 : (uint64_t)(MT19937_WORDS - mt->next + 1), 4);
    put(s + AT_SEEDED, 1, 4);
    put(s + AT_NEXT, fresh ? 0 : (uint64_t)mt->next, 8);
    for (int i = 0; i < MT19937_WORDS; i++)
        put(s + AT_WORDS + 8 * i, mt->word[i], 8);
    uint64_t y;
    uint32_t f;
    memcpy(&y, &generator->next_normal, sizeof y);
    memcpy(&f, &generator->next_float_normal, sizeof f);
    put(s + AT_Y, y, 8);
    put(s + AT_Y_VALID, generator->has_next_normal, 4);
    put(s + AT_FLOAT, f, 4);
    put(s + AT_FLOAT_VALID, generator->has_next_float_normal, 1);
    return NNINIT_OK;
}

nninit_status nninit_generator_restore(nninit_generator *generator, const void *state, size_t size) {
    nninit_status status = check(generator, state, size);
    if (status < 0)
        return status;
    nninit_context *context = generator->object.context;
    const unsigned char *s = state;
    if (generator->stream == NNINIT_STREAM_PHILOX) {
        generator->philox.seed = get(s, 8);
        generator->philox.draw = get(s + 8, 8);
        return NNINIT_OK;
    }
    if (generator->stream == NNINIT_STREAM_CURAND) {
        if (get(s + 16, 8) > 1)
            return context_fail(context, NNINIT_ERR_FORMAT, "not a state of cuRAND's stream: its last number is %llu, not 0 or 1",
                                (unsigned long long)get(s + 16, 8));
        generator->curand.seed = get(s, 8);
        generator->curand.next = get(s + 8, 8);
        generator->curand.doubles = get(s + 16, 8) != 0;
        return NNINIT_OK;
    }
    uint64_t left = get(s + AT_LEFT, 4), seeded = get(s + AT_SEEDED, 4), next = get(s + AT_NEXT, 8);
    if (seeded != 1 || left < 1 || left > MT19937_WORDS || next > MT19937_WORDS)
        return context_fail(context, NNINIT_ERR_FORMAT,
                            "not a PyTorch CPU state: seeded %llu (must be 1), left %llu (1 to %d), next %llu (0 to %d)",
                            (unsigned long long)seeded, (unsigned long long)left, MT19937_WORDS,
                            (unsigned long long)next, MT19937_WORDS);
    if (left != 1 && next + left != MT19937_WORDS + 1)
        return context_fail(context, NNINIT_ERR_FORMAT, "not a PyTorch CPU state: left %llu does not fit next %llu",
                            (unsigned long long)left, (unsigned long long)next);
    for (int i = 0; i < MT19937_WORDS; i++)
        if (get(s + AT_WORDS + 8 * i, 8) > UINT32_MAX)
            return context_fail(context, NNINIT_ERR_FORMAT, "not a PyTorch CPU state: word %d has more than 32 bits", i);
    struct mt19937 *mt = &generator->mt;
    mt->seed = get(s + AT_SEED, 8);
    for (int i = 0; i < MT19937_WORDS; i++)
        mt->word[i] = (uint32_t)get(s + AT_WORDS + 8 * i, 4);
    mt->next = left == 1 ? MT19937_WORDS : (int)next;
    mt->fresh = left == 1 && next == 0;
    generator->has_next_normal = get(s + AT_Y_VALID, 4) != 0;
    generator->has_next_float_normal = s[AT_FLOAT_VALID] != 0;
    uint64_t y = generator->has_next_normal ? get(s + AT_Y, 8) : 0;
    uint32_t f = generator->has_next_float_normal ? (uint32_t)get(s + AT_FLOAT, 4) : 0;
    memcpy(&generator->next_normal, &y, sizeof y);
    memcpy(&generator->next_float_normal, &f, sizeof f);
    return NNINIT_OK;
}
