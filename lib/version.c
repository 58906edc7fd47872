/* SPDX-License-Identifier: MIT */
#include "nninit/version.h"

#define STRING_(x) #x
#define STRING(x) STRING_(x)

const char *nninit_version(void) {
    return STRING(NNINIT_VERSION_MAJOR) "." STRING(NNINIT_VERSION_MINOR) "." STRING(NNINIT_VERSION_PATCH);
}
