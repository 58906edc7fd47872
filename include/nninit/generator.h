/* SPDX-License-Identifier: MIT */
/** @file generator.h
 *  Random streams. There is no hidden global generator: every call that draws takes one of these. What is drawn depends
 *  on the state alone, never on threads, backend or instruction set.
 *
 *  NNINIT_STREAM_TORCH is PyTorch's CPU generator: MT19937 and, word for word and bit for bit, the way in which
 *  torch 1.13 turns words into numbers on any usual x86-64 Linux machine (ATen capability AVX2 or AVX512).
 *  NNINIT_STREAM_TORCH_BASE is the same without fused multiply-add (ATEN_CPU_CAPABILITY=default).
 *  NNINIT_STREAM_TORCH's float32 results are exact to the bit. Normals in float64, and all normals of
 *  NNINIT_STREAM_TORCH_BASE, use the C library's log, sin and cos as PyTorch does, so that the last bit may differ from
 *  one libm to another. docs/numerics.md has the details.
 *
 *  NNINIT_STREAM_PHILOX is Philox4x32-10 (Salmon et al., SC 2011) with a numbering of its own. Each call is a draw, numbered
 *  from 0, whatever its count: the first n elements of a longer draw are those of a draw of n, and what is drawn next does
 *  not depend on how much was drawn before. Floats have 24 bits, doubles 53. What functions below say of words and of
 *  normals below 16 values is about PyTorch's streams. Float32 is exact to the bit everywhere, normals in float64 up to libm.
 *
 *  NNINIT_STREAM_CURAND gives the numbers of NVIDIA cuRAND's host API, generator CURAND_RNG_PSEUDO_PHILOX4_32_10 in its default
 *  order, to code that drew from it. It needs no library of NVIDIA's and no GPU. The state is a place among words; each number
 *  of these functions goes on by one, a double too, so that numbers do not depend on how they are cut into calls:
 *   - curandGenerate: nninit_generator_randint(g, words, count, 0, 2^32).
 *   - curandGenerateUniform, curandGenerateUniformDouble: nninit_generator_uniform(g, dtype, values, count, 0, 1), to the bit.
 *     cuRAND's uniforms are in (0, 1], so uniform(low, high) of this stream is in (low, high], where rounding may give low too.
 *   - curandGenerateNormal, curandGenerateNormalDouble: nninit_generator_normal(). In float32 log, sine and cosine are this
 *     library's, the same on every machine; five of six values are what cuRAND computes on a host, the others differ by at most
 *     3.6e-7 max(1, |z|), z before mean and std. In float64 they are the C library's, as cuRAND's on a host. cuRAND on a
 *     GPU was not compared; its header takes the device's approximations there, which may differ more.
 *  Odd counts of normals, which cuRAND refuses on GPUs, leave the other half of a pair to the next call, as on its host. Where
 *  doubles and other numbers are drawn in one round, from one multiple of 2^18 of the place to the next, or doubles in one whose
 *  first words were skipped by an offset, what follows after that round is not cuRAND's. What cuRAND does not have is made from
 *  the words one by one as in NNINIT_STREAM_PHILOX, and so is what this library samples from numbers in [0, 1): the upper 24
 *  bits for a float; two words for 64 bits, the upper half first, of which a double has the upper 53. */
#ifndef NNINIT_GENERATOR_H
#define NNINIT_GENERATOR_H

#include <nninit/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A random stream and its state. */
typedef struct nninit_generator nninit_generator;

/** Which stream. */
typedef enum nninit_stream {
    NNINIT_STREAM_TORCH = 1,     /**< PyTorch's CPU stream, AVX2 profile: the default of PyTorch on x86-64 */
    NNINIT_STREAM_TORCH_BASE = 2, /**< PyTorch's CPU stream without fused multiply-add */
    NNINIT_STREAM_PHILOX = 3,    /**< counter-based: element i of draw s is a function of the seed, s and i alone */
    NNINIT_STREAM_CURAND = 4     /**< cuRAND's CURAND_RNG_PSEUDO_PHILOX4_32_10, as its host API numbers it */
} nninit_stream;

/** Bytes in the state of a PyTorch stream: exactly those of torch.get_rng_state(). */
#define NNINIT_TORCH_STATE_SIZE 5056

/** Bytes in the state of NNINIT_STREAM_PHILOX: the seed and the number of the next draw, 64 bits each, little-endian. */
#define NNINIT_PHILOX_STATE_SIZE 16

/** Bytes in the state of NNINIT_STREAM_CURAND: the seed, the number of the next word (cuRAND's offset), and 1 or 0 for whether
 *  doubles were drawn since that number was last a multiple of 2^18; 64 bits each, little-endian. To begin at an offset, as
 *  curandSetGeneratorOffset() does, restore such bytes with a last number of 0. */
#define NNINIT_CURAND_STATE_SIZE 24

/**
 * Create a generator, seeded as by torch.manual_seed(seed).
 *
 * @param out      the new generator, or NULL on failure
 * @param context  its owner
 * @param stream   which stream
 * @param seed     PyTorch's streams use the low 32 bits only, as PyTorch does (777 and 777 + 2^32 give the same numbers);
 *                 NNINIT_STREAM_PHILOX and NNINIT_STREAM_CURAND all 64
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  a pointer is NULL or the stream is unknown
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_create(nninit_generator **out, nninit_context *context, nninit_stream stream,
                                                 uint64_t seed);

/** Give up the claim on a generator (see context.h). @since 0.1 */
NNINIT_API void nninit_generator_destroy(nninit_generator **generator);

/**
 * Start again from a seed; a cached normal is dropped. Like torch.manual_seed().
 *
 * @retval NNINIT_OK           seeded
 * @retval NNINIT_ERR_INVALID  generator is NULL
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_seed(nninit_generator *generator, uint64_t seed);

/**
 * Uniform numbers in [low, high): tensor.uniform_(low, high). One word a float (24 bits), two a double (53 bits).
 * NNINIT_STREAM_CURAND: in (low, high], float of 32 bits.
 *
 * @param generator  advanced
 * @param dtype      NNINIT_FLOAT32 or NNINIT_FLOAT64: the type of values
 * @param values     [count], overwritten; NULL only where count is 0
 * @param count      at least 0
 * @param low, high  finite, low <= high, both within the type's range
 *
 * @retval NNINIT_OK           values are drawn
 * @retval NNINIT_ERR_INVALID  a NULL, an unknown type, a negative count or bad bounds; nothing was drawn
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_uniform(nninit_generator *generator, nninit_dtype dtype, void *values,
                                                  int64_t count, double low, double high);

/**
 * Normal numbers N(mean, std^2): tensor.normal_(mean, std) on a contiguous tensor. Under 16 values one by one, in double,
 * with the second half of each Box-Muller pair kept in the generator for the next such call; from 16 values on in blocks
 * of 16, count words (and 16 more when count % 16), without that cache.
 *
 * @param mean  finite
 * @param std   finite, >= 0
 * @retval (as nninit_generator_uniform)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_normal(nninit_generator *generator, nninit_dtype dtype, void *values,
                                                 int64_t count, double mean, double std);

/**
 * Integers in [0, 2^63): torch.empty(count, dtype=int64).random_(). Two words each.
 *
 * @param values  [count], overwritten
 * @retval NNINIT_OK           values are drawn
 * @retval NNINIT_ERR_INVALID  a NULL or a negative count
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_random(nninit_generator *generator, int64_t *values, int64_t count);

/**
 * Integers in [low, high): torch.randint(low, high, (count,)), `low + word % (high - low)`. One word each while
 * high - low < 2^32, else two, as in torch 1.13; with NNINIT_STREAM_CURAND one at 2^32, too.
 *
 * @param low, high  low < high, high - low < 2^63
 * @retval NNINIT_OK           values are drawn
 * @retval NNINIT_ERR_INVALID  a NULL, a negative count or bad bounds
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_randint(nninit_generator *generator, int64_t *values, int64_t count,
                                                  int64_t low, int64_t high);

/**
 * Ones with probability p, else zeros: tensor.bernoulli_(p) with one probability for all, two words each, as in builds of
 * PyTorch without MKL (those with MKL draw this one case from MKL's own stream).
 *
 * @param dtype  NNINIT_FLOAT32 or NNINIT_FLOAT64: the type of values
 * @param p      0 to 1
 * @retval (as nninit_generator_uniform)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_bernoulli(nninit_generator *generator, nninit_dtype dtype, void *values,
                                                    int64_t count, double p);

/**
 * Ones with probability p[i], else zeros: torch.bernoulli(p). One word each in float32, two in float64.
 *
 * @param dtype  type of both p and values
 * @param p      [count], each 0 to 1
 * @retval (as nninit_generator_uniform)
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_bernoulli_each(nninit_generator *generator, nninit_dtype dtype, void *values,
                                                         const void *p, int64_t count);

/**
 * A permutation of 0..n-1: torch.randperm(n). n - 1 words.
 *
 * @param order  [n], overwritten
 * @param n      0 to 2^31 - 1
 * @retval NNINIT_OK           order is drawn
 * @retval NNINIT_ERR_INVALID  a NULL, or n out of range
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_randperm(nninit_generator *generator, int64_t *order, int64_t n);

/** Bytes that nninit_generator_save() writes: the stream's NNINIT_…_STATE_SIZE; 0 for NULL. @since 0.1 */
NNINIT_API size_t nninit_generator_state_size(const nninit_generator *generator);

/**
 * Save the state, cached normals included. For PyTorch's streams these are the bytes of torch.get_rng_state(), little-endian
 * on every machine: `torch.set_rng_state(torch.frombuffer(blob, dtype=torch.uint8))` goes on where C stopped.
 *
 * @param state  [size] bytes, overwritten
 * @param size   must equal nninit_generator_state_size()
 * @retval NNINIT_OK           saved
 * @retval NNINIT_ERR_INVALID  a NULL or a wrong size
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_save(const nninit_generator *generator, void *state, size_t size);

/**
 * Go on from a saved state, e.g. `bytes(torch.get_rng_state())`.
 *
 * @retval NNINIT_OK           restored
 * @retval NNINIT_ERR_INVALID  a NULL or a wrong size
 * @retval NNINIT_ERR_FORMAT   the bytes are not a state of this kind of stream; the generator is unchanged
 * @since 0.1
 */
NNINIT_API nninit_status nninit_generator_restore(nninit_generator *generator, const void *state, size_t size);

#ifdef __cplusplus
}
#endif
#endif
