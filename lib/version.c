/* SPDX-License-Identifier: MIT */
#include "version.h"

const char *nninit_version(void) {
    return VERSION_TEXT;
}
