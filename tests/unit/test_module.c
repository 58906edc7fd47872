/* SPDX-License-Identifier: MIT */
/* What the registry says when there is no device to be had, and that the CPU goes on computing. NNINIT_TEST_MODULES_BAD names
 * modules of tests/module, NNINIT_TEST_MODULE_REAL the folder of the real one, where it was built. */
#include "suite.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];

static void make_folder(void) {
    snprintf(folder, sizeof folder, "/tmp/nninit-modules-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/libnninit-cuda.so", folder);
}

static void remove_folder(void) {
    remove(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* The first `most` bytes of a file, as the folder's module. */
static void copy_module(const char *from, size_t most) {
    static char bytes[1 << 20]; /* a file may be aligned to pages of 64 KiB */
    FILE *file = fopen(from, "rb");
    ck_assert_msg(file != NULL, "%s", from);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert(size > 0 && size < sizeof bytes);
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    size = size < most ? size : most;
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static nninit_context *make_context(const char *backend, const char *modules) {
    const nninit_context_options options = {.size = sizeof options, .backend = backend, .modules = modules};
    nninit_context *c;
    ck_assert_int_eq(nninit_context_create(&c, &options), NNINIT_OK);
    return c;
}

static void check_computes(nninit_context *c) {
    const float w = 2, x = 3;
    float y;
    nninit_layer *linear;
    ck_assert_ok(c, nninit_linear_create(&linear, c, 1, 1, 0, NULL));
    ck_assert_ok(c, nninit_tensor_write(nninit_layer_parameter(linear, 0), &w, 1));
    ck_assert_ok(c, nninit_layer_forward(linear, &x, 1, &y));
    ck_assert_float_eq(y, 6);
}

/* "cuda" fails and says why; so it does a second time; "auto" takes the CPU and keeps the same words. */
static void check_reason(const char *backend, const char *modules, const char *why) {
    const char *name;
    nninit_context *c = make_context(backend, modules);
    for (int time = 0; time < 2; time++) {
        ck_assert_int_eq(nninit_context_backend(c, &name), NNINIT_ERR_BACKEND);
        ck_assert_msg(strstr(nninit_context_message(c), why) != NULL, "\"%s\" is not in: %s", why, nninit_context_message(c));
        ck_assert_ptr_null(name);
    }
    ck_assert_str_eq(nninit_context_fallback(c), "");
    nninit_context_destroy(&c);
    c = make_context(NULL, modules);
    ck_assert_str_eq(nninit_context_fallback(c), "");
    ck_assert_ok(c, nninit_context_backend(c, &name));
    ck_assert_int_eq(strncmp(name, "cpu", 3), 0);
    ck_assert_str_eq(nninit_context_message(c), "");
    if (strcmp(backend, "cuda") == 0)
        ck_assert_msg(strstr(nninit_context_fallback(c), why) != NULL, "%s", nninit_context_fallback(c));
    check_computes(c);
    nninit_context_destroy(&c);
}

START_TEST(no_module) {
    make_folder();
    check_reason("cuda", folder, "libnninit-cuda.so: No such file or directory");
    ck_assert_int_eq(mkdir(path, 0700), 0); /* a folder of that name */
    check_reason("cuda", folder, "truncated or no module at all");
    ck_assert_int_eq(rmdir(path), 0);
    remove_folder();
}
END_TEST

START_TEST(folder_is_absolute) {
    check_reason("cuda", "modules", "\"modules\"; it must be an absolute path");
    check_reason("cuda", "", "\"\"; it must be an absolute path");
    static char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[0] = '/';
    check_reason("cuda", name, "a name of 4999 bytes");
}
END_TEST

/* Whatever is cut off: never a crash, and always the same words, until only the section headers at the end are missing. */
START_TEST(truncated) {
    char *list = strdup(getenv("NNINIT_TEST_MODULES_BAD"));
    const char *from = strtok(list, ":");
    struct stat status;
    ck_assert_int_eq(stat(from, &status), 0);
    make_folder();
    for (size_t size = 0; size < (size_t)status.st_size / 2; size += 1 + size / 3) {
        copy_module(from, size);
        check_reason("cuda", folder, "truncated or no module at all");
    }
    copy_module(suite_path("unit/test_module.c"), 1 << 20);
    check_reason("cuda", folder, "truncated or no module at all");
    remove_folder();
    free(list);
}
END_TEST

START_TEST(another_build) {
    static const char *const why[] = {"interface 0 with 0 bytes", "of another build: interface", "of another build: interface",
                                      "is of version 0.0.9, this library of 0.1.0", "interface 0 with 0 bytes"};
    char *list = strdup(getenv("NNINIT_TEST_MODULES_BAD"));
    int k = 0;
    make_folder();
    for (char *file = strtok(list, ":"); file; file = strtok(NULL, ":"), k++) {
        copy_module(file, SIZE_MAX);
        check_reason("cuda", folder, why[k]);
        remove(path); /* loaded or not, a new file is a new one */
    }
    ck_assert_int_eq(k, 5);
    remove_folder();
    free(list);
}
END_TEST

START_TEST(what_a_backend_is_called) {
    static const struct {
        const char *backend, *why;
    } bad[] = {{"gpu", "unknown; there are: auto, cpu, cuda, ref"},
               {"a-name-longer-than-any", "unknown; there are: auto, cpu, cuda, ref"},
               {"cpu:1", "has options; only cuda takes any"},
               {"ref:math=fast", "has options; only cuda takes any"},
               {"cuda:", "must be like cuda, cuda:1"},
               {"cuda:-1", "must be like cuda, cuda:1"},
               {"cuda:1,", "must be like cuda, cuda:1"},
               {"cuda:99999", "must be like cuda, cuda:1"},
               {"cuda:one", "must be like cuda, cuda:1"},
               {"cuda:math=", "must be like cuda, cuda:1"},
               {"cuda:math=quick", "names an unknown math; there are: exact, fast, tf32"},
               {"cuda:0,math=exactly", "names an unknown math; there are: exact, fast, tf32"},
               {"cuda:math=fas", "names an unknown math; there are: exact, fast, tf32"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_reason(bad[i].backend, NULL, bad[i].why);
    setenv("NNINIT_BACKEND", "cuda:7,math=slow", 1);
    nninit_context *c = make_context(NULL, NULL);
    const char *name;
    ck_assert_int_eq(nninit_context_backend(c, &name), NNINIT_ERR_BACKEND);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "\"cuda:7,math=slow\" (from NNINIT_BACKEND) names an unknown math"));
    nninit_context_destroy(&c);
    unsetenv("NNINIT_BACKEND");
}
END_TEST

static int logged;

static void log_line(void *user, const char *line) {
    (void)user;
    logged += strncmp(line, "backend: cpu", 12) == 0 ? 1 : strstr(line, "no device: cuda: ") == line ? 10 : 100;
}

START_TEST(the_log_tells) {
    const nninit_context_options options = {.size = sizeof options, .modules = "/nonexistent", .log = log_line};
    nninit_context *c;
    const char *name;
    ck_assert_int_eq(nninit_context_create(&c, &options), NNINIT_OK);
    ck_assert_ok(c, nninit_context_backend(c, &name));
    ck_assert_int_eq(logged, 11);
    nninit_context_destroy(&c);
    ck_assert_str_eq(nninit_context_fallback(NULL), "the context is NULL");
}
END_TEST

/* The module that nvcc made, with the real runtime in it, and the machine as it is. */
START_TEST(real_module) {
    const char *real = getenv("NNINIT_TEST_MODULE_REAL");
    if (!real || !*real) {
        printf("real_module: skipped: not built\n");
        return;
    }
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    nninit_context *c = make_context("cuda", real);
    const char *name;
    nninit_status status = nninit_context_backend(c, &name);
    if (driver)
        printf("real_module: there is a driver: %s\n", status < 0 ? nninit_context_message(c) : name);
    else
        ck_assert_ptr_nonnull(strstr(nninit_context_message(c), "there is no NVIDIA driver (libcuda.so.1)"));
    ck_assert(driver || status == NNINIT_ERR_BACKEND);
    nninit_context_destroy(&c);
    if (!driver)
        check_reason("cuda:3,math=tf32", real, "there is no NVIDIA driver");
}
END_TEST

START_TEST(fake_driver) {
    check_reason("cuda", getenv("NNINIT_TEST_MODULE_REAL"), getenv("NNINIT_TEST_DRIVER_WHY"));
}
END_TEST

/* The same on drivers that are not what they should be (tests/device/driver), in processes of their own. */
int main(void) {
    const char *why = getenv("NNINIT_TEST_DRIVER_WHY");
    const TTest *const tests[] = {no_module, folder_is_absolute, truncated, another_build, what_a_backend_is_called,
                                  the_log_tells, real_module};
    const TTest *const driver_tests[] = {fake_driver};
    return why ? suite_run("driver", driver_tests, 1) : suite_run("module", tests, sizeof tests / sizeof *tests);
}
