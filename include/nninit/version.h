/* SPDX-License-Identifier: MIT */
/** @file version.h
 *  The one home of the version number; the build reads it from here. Also what every header needs: NNINIT_API. */
#ifndef NNINIT_VERSION_H
#define NNINIT_VERSION_H

#define NNINIT_VERSION_MAJOR 0 /**< the ABI changes with it */
#define NNINIT_VERSION_MINOR 1 /**< functions are added with it */
#define NNINIT_VERSION_PATCH 0 /**< nothing but repairs */

/** Marks a function that the shared library exports. */
#if defined(__GNUC__)
#define NNINIT_API __attribute__((visibility("default")))
#else
#define NNINIT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library that is linked, "MAJOR.MINOR.PATCH"; compare it with the macros above, which are those of
 * the headers.
 *
 * @return a string constant; never NULL
 * @note   Any thread, any time.
 * @since  0.1
 */
NNINIT_API const char *nninit_version(void);

#ifdef __cplusplus
}
#endif
#endif
