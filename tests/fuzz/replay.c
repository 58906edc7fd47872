/* SPDX-License-Identifier: MIT */
/* Give each file named on the command line to a fuzz target, in an allocation of its size: no fuzzer is needed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *bytes = size < 0 ? NULL : malloc(size > 0 ? (size_t)size : 1);
    int status = bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size ? 0 : -1;
    fclose(file);
    if (status == 0)
        LLVMFuzzerTestOneInput(bytes, (size_t)size);
    else
        fprintf(stderr, "%s: cannot be read\n", path);
    free(bytes);
    return status;
}

int main(int count, char **paths) {
    int failed = count < 2;
    for (int i = 1; i < count; i++)
        failed |= replay(paths[i]) < 0;
    printf("%d files replayed\n", count - 1);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
