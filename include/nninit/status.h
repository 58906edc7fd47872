/* SPDX-License-Identifier: MIT */
/** @file status.h
 *  What every call returns. A failure is negative: `if (nninit_…(…) < 0)`. The text that belongs to it, with the value,
 *  the file and the limit, is nninit_context_message(). */
#ifndef NNINIT_STATUS_H
#define NNINIT_STATUS_H

#include <nninit/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Result of a call. The numbers never change; later versions may add some. */
typedef enum nninit_status {
    NNINIT_OK = 0,               /**< done */
    NNINIT_END = 1,              /**< not a failure: nothing more to give, e.g. the epoch is over */
    NNINIT_ERR_INVALID = -1,     /**< an argument is NULL, out of range, or belongs to another context */
    NNINIT_ERR_MEMORY = -2,      /**< the allocator returned NULL, or a device has no memory left */
    NNINIT_ERR_SHAPE = -3,       /**< sizes or ranks do not fit each other */
    NNINIT_ERR_IO = -4,          /**< a file or folder cannot be opened, read, written or renamed */
    NNINIT_ERR_FORMAT = -5,      /**< a file's content is damaged, truncated or not what its header says */
    NNINIT_ERR_STATE = -6,       /**< the call does not fit what the object went through before */
    NNINIT_ERR_UNSUPPORTED = -7, /**< understood, but not something this version does */
    NNINIT_ERR_BACKEND = -8,     /**< the backend asked for is unknown or cannot be had here */
    NNINIT_ERR_DEVICE = -9,      /**< the backend failed while it ran: a thread could not be started, a device was lost or
                                      is used after a fork */
    NNINIT_ERR_CANCELLED = -10,  /**< nninit_context_cancel() or a progress callback asked to stop */
    NNINIT_ERR_NUMERIC = -11,    /**< the cost is no longer finite, or outputs cannot be scaled (pretrain.h) */
    NNINIT_ERR_CALLBACK = -12,   /**< a callback of the caller reported failure */
    NNINIT_ERR_NOT_FOUND = -13   /**< no parameter, option or name is called that */
} nninit_status;

/**
 * The name of a status, e.g. "NNINIT_ERR_SHAPE".
 *
 * @param status  any value
 * @return a string constant; "unknown status" for a value that is not listed above
 * @note   Any thread, any time.
 * @since  0.1
 */
NNINIT_API const char *nninit_status_name(nninit_status status);

#ifdef __cplusplus
}
#endif
#endif
