/* SPDX-License-Identifier: MIT */
/** @file context.h
 *  A context owns everything that is made from it, holds the last error message, and chooses the backend.
 *
 *  - It is lazy: creating it opens no device, no thread and no file.
 *  - Destroying it destroys all its children; their handles are invalid afterwards.
 *  - A context and all that was made from it belong to one thread at a time. Contexts are independent of each other;
 *    the library has no global state. nninit_context_cancel() is the only call that any thread may make.
 *  - Each handle is one claim. nninit_…_destroy() gives that claim up early, accepts NULL, sets the pointer to NULL,
 *    and may be called in any order: an object lives as long as another one is made of it. */
#ifndef NNINIT_CONTEXT_H
#define NNINIT_CONTEXT_H

#include <nninit/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Everything else is made from a context. */
typedef struct nninit_context nninit_context;

/** Return `size` bytes aligned for any object, or NULL. */
typedef void *(*nninit_alloc_fn)(void *user, size_t size);
/** Take back what nninit_alloc_fn returned; never called with NULL. */
typedef void (*nninit_free_fn)(void *user, void *memory);
/** Receive one line of text, without a newline, on the calling thread. */
typedef void (*nninit_log_fn)(void *user, const char *line);

/** How a context is to work. Zero everything, set `size`, then what you want to change:
 *  `nninit_context_options o = {sizeof o};` */
typedef struct nninit_context_options {
    size_t size;           /**< sizeof(nninit_context_options), so that later versions can add fields */
    const char *backend;   /**< "auto" (the default, also NULL): a CUDA device if there is one, else the CPU; "cpu"; "ref";
                                "cuda", "cuda:1" (a device's number), "cuda:1,math=fast". NNINIT_BACKEND in the environment
                                replaces "auto" (not in a setuid program).
                                math: "exact" (default) gives the bits of the CPU; "fast" takes the products of NVIDIA's
                                cuBLASLt in float32, "tf32" in TF32: for wide nets, and with bits of their own */
    int threads;           /**< the most threads that compute, the caller's included; 0 (default): as many as the process
                                may use by its affinity mask and its control groups' quotas. At most 256. Fewer work where
                                that is found to be faster. The results do not depend on it */
    nninit_alloc_fn alloc; /**< all memory comes from here; NULL (default): malloc. Called on the context's thread */
    nninit_free_fn free;   /**< set with alloc, or both NULL */
    void *alloc_user;      /**< passed to both */
    nninit_log_fn log;     /**< NULL (default): nothing is reported */
    void *log_user;        /**< passed to log */
    const char *modules;   /**< the folder of libnninit-cuda.so, an absolute path; copied; NULL (default): where it was
                                installed. For programs that run from a build tree */
} nninit_context_options;

/**
 * Create a context.
 *
 * @param out      the new context, or NULL on failure
 * @param options  copied; NULL: every default
 *
 * @retval NNINIT_OK           *out is ready
 * @retval NNINIT_ERR_INVALID  out is NULL, options->size is 0 or larger than this version knows, threads is not in
 *                             0..256, or only one of alloc and free is set
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @note   There is no message when no context could be made. An unknown backend is reported when it is first needed.
 * @since  0.1
 */
NNINIT_API nninit_status nninit_context_create(nninit_context **out, const nninit_context_options *options);

/**
 * Destroy a context and everything that was made from it; closes its threads.
 *
 * @param context  address of the handle; the handle is set to NULL. NULL and a NULL handle are accepted
 * @since 0.1
 */
NNINIT_API void nninit_context_destroy(nninit_context **context);

/**
 * The message of the last call on this context, or on an object made from it, that failed.
 *
 * @return text without a newline, "" before the first failure, owned by the context and valid until the next failure;
 *         for a NULL context a constant that says so
 * @since 0.1
 */
NNINIT_API const char *nninit_context_message(const nninit_context *context);

/**
 * Open the backend if that has not happened yet, and name it, e.g. "cpu (avx2, 2 threads)" or
 * "cuda:0 (NVIDIA H100, sm_90, exact)".
 *
 * @param context      the context
 * @param description  [out] text owned by the context; NULL on failure
 *
 * @retval NNINIT_OK           the backend is open
 * @retval NNINIT_ERR_INVALID  an argument is NULL
 * @retval NNINIT_ERR_BACKEND  the backend asked for is unknown or cannot be had here; the message says why
 * @retval NNINIT_ERR_DEVICE   threads could not be started, or the device failed while it was opened
 * @retval NNINIT_ERR_MEMORY   out of memory
 * @since 0.1
 */
NNINIT_API nninit_status nninit_context_backend(nninit_context *context, const char **description);

/**
 * Why "auto" opened no CUDA device: no module, no driver, a driver that is too old, no device, one that is not supported.
 *
 * @return text without a newline, owned by the context; "" if "auto" was not asked for, found a device, or nothing needed a
 *         backend yet; for a NULL context a constant that says so
 * @since 0.1
 */
NNINIT_API const char *nninit_context_fallback(const nninit_context *context);

/**
 * Ask the training or evaluation call that is running on this context to stop, or the next one if none is running.
 * That call returns NNINIT_ERR_CANCELLED between two steps and the request is then spent; everything stays usable, and
 * calling again continues the epoch where it stopped.
 * A device runs up to 1024 steps before it is asked, unless somebody listens to progress.
 *
 * @note  Any thread, also from a signal handler.
 * @since 0.1
 */
NNINIT_API void nninit_context_cancel(nninit_context *context);

#ifdef __cplusplus
}
#endif
#endif
