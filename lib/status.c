/* SPDX-License-Identifier: MIT */
#include <nninit/status.h>

const char *nninit_status_name(nninit_status status) {
    switch (status) {
#define NAME(s) case s: return #s
        NAME(NNINIT_OK);
        NAME(NNINIT_END);
        NAME(NNINIT_ERR_INVALID);
        NAME(NNINIT_ERR_MEMORY);
        NAME(NNINIT_ERR_SHAPE);
        NAME(NNINIT_ERR_IO);
        NAME(NNINIT_ERR_FORMAT);
        NAME(NNINIT_ERR_STATE);
        NAME(NNINIT_ERR_UNSUPPORTED);
        NAME(NNINIT_ERR_BACKEND);
        NAME(NNINIT_ERR_DEVICE);
        NAME(NNINIT_ERR_CANCELLED);
        NAME(NNINIT_ERR_NUMERIC);
        NAME(NNINIT_ERR_CALLBACK);
        NAME(NNINIT_ERR_NOT_FOUND);
#undef NAME
    }
    return "unknown status";
}
