/* SPDX-License-Identifier: MIT */
/* The version in words, for the library and for modules that are built with it. */
#ifndef NNINIT_LIB_VERSION_H
#define NNINIT_LIB_VERSION_H

#include <nninit/version.h>

#define VERSION_QUOTE_(x) #x
#define VERSION_QUOTE(x) VERSION_QUOTE_(x)
#define VERSION_TEXT                                                                                                   \
    VERSION_QUOTE(NNINIT_VERSION_MAJOR) "." VERSION_QUOTE(NNINIT_VERSION_MINOR) "." VERSION_QUOTE(NNINIT_VERSION_PATCH)

#endif
