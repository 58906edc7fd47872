/* SPDX-License-Identifier: MIT */
/* State files: what is written is read again, headers that lie are refused, and a failed write leaves the old file. */
#include "safetensors.h"
#include "suite.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

/* A path in a new folder of this test. */
static char *scratch(const char *name) {
    static char path[128];
    if (!folder[0]) {
        strcpy(folder, "/tmp/nninit-safetensors-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int files_in_folder(void) {
    DIR *open_folder = opendir(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(open_folder));)
        count += entry->d_name[0] != '.';
    closedir(open_folder);
    return count;
}

static void remove_folder(void) {
    ck_assert_int_eq(rmdir(folder), 0);
    folder[0] = 0; /* tests may share a process */
}

static void clean(const char *name) {
    unlink(scratch(name));
    ck_assert_int_eq(files_in_folder(), 0);
    remove_folder();
}

static struct state_item item(const char *name, enum state_dtype dtype, int64_t count, const void *data, size_t size) {
    struct state_item made = {.dtype = dtype, .rank = 1, .shape = {count}, .data = data, .size = size};
    snprintf(made.name, sizeof made.name, "%s", name);
    return made;
}

static void put_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static size_t get_file(const char *path, unsigned char *bytes, size_t room) {
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

static const float floats[] = {1.5f, -0.0f, 3e-42f, 1e30f};
static const double number = 0.1;
static const int64_t longs[] = {INT64_MIN, INT64_MAX};
static const int32_t ints[] = {-1, 7, 9};
static const unsigned char bytes3[] = {0, 127, 255};

START_TEST(round_trip) {
    nninit_context *context = suite_context();
    struct state_item items[] = {item("0.weight", STATE_F32, 2, floats, sizeof floats),
                                 item("bytes", STATE_U8, 3, bytes3, sizeof bytes3),
                                 item("a \"name\"\\\n\x01\xc3\xa9", STATE_I64, 2, longs, sizeof longs),
                                 item("lr", STATE_F64, 1, &number, sizeof number),
                                 item("ints", STATE_I32, 3, ints, sizeof ints), item("none", STATE_F32, 0, NULL, 0)};
    const int count = sizeof items / sizeof *items;
    items[0].rank = 2;
    items[0].shape[1] = 2;
    items[3].rank = 0;
    items[3].shape[0] = 0;
    unsigned char first[2048], second[2048];
    char *path = scratch("state");
    ck_assert_ok(context, safetensors_save(context, path, items, count));
    size_t size = get_file(path, first, sizeof first);
    ck_assert_ok(context, safetensors_save(context, path, items, count));
    ck_assert_uint_eq(get_file(path, second, sizeof second), size);
    ck_assert_mem_eq(first, second, size);
    ck_assert_uint_eq(first[0] % 8, 0);

    struct safetensors file;
    ck_assert_ok(context, safetensors_open(context, path, &file));
    ck_assert_int_eq(file.count, count);
    for (int i = 0; i < count; i++) {
        const struct state_item *found = safetensors_find(&file, items[i].name);
        ck_assert_ptr_nonnull(found);
        ck_assert_int_eq(found->dtype, items[i].dtype);
        ck_assert_int_eq(found->rank, items[i].rank);
        ck_assert_mem_eq(found->shape, items[i].shape, sizeof found->shape);
        ck_assert_uint_eq(found->size, items[i].size);
        if (found->size > 0) {
            ck_assert_uint_eq((uintptr_t)found->data % 8, 0);
            ck_assert_mem_eq(found->data, items[i].data, found->size);
        }
    }
    ck_assert_ptr_null(safetensors_find(&file, "0.weigh"));
    ck_assert_ptr_null(safetensors_find(&file, ""));
    safetensors_close(&file);
    clean("state");
    nninit_context_destroy(&context);
}
END_TEST

/* A name of the greatest length in which every byte takes six, and the greatest shape. */
START_TEST(longest_header) {
    nninit_context *context = suite_context();
    struct state_item longest = {.dtype = STATE_F32, .rank = NNINIT_MAX_RANK};
    memset(longest.name, 1, sizeof longest.name - 1);
    for (int i = 0; i < NNINIT_MAX_RANK - 1; i++)
        longest.shape[i + 1] = i < 1 ? INT64_MAX : 1;
    struct safetensors file;
    char *path = scratch("longest");
    ck_assert_ok(context, safetensors_save(context, path, &longest, 1));
    ck_assert_ok(context, safetensors_open(context, path, &file));
    ck_assert_str_eq(file.items[0].name, longest.name);
    safetensors_close(&file);
    ck_assert_ok(context, safetensors_save(context, path, NULL, 0));
    ck_assert_ok(context, safetensors_open(context, path, &file));
    ck_assert_int_eq(file.count, 0);
    ck_assert_ptr_null(safetensors_find(&file, ""));
    safetensors_close(&file);
    clean("longest");
    nninit_context_destroy(&context);
}
END_TEST

/* Made by scripts/make-golden-safetensors.py: another writer's order, alignment, metadata, escapes and types. */
START_TEST(golden_file) {
    nninit_context *context = suite_context();
    struct safetensors file;
    ck_assert_ok(context, safetensors_open(context, suite_path("golden/state.safetensors"), &file));
    ck_assert_int_eq(file.count, 7);
    const struct state_item *weight = safetensors_find(&file, "0.weight");
    ck_assert_ptr_nonnull(weight);
    ck_assert_int_eq(weight->dtype, STATE_F32);
    ck_assert_int_eq(weight->rank, 2);
    ck_assert_int_eq(weight->shape[0], 3);
    ck_assert_int_eq(weight->shape[1], 5);
    for (int i = 0; i < 15; i++)
        ck_assert(((const float *)weight->data)[i] == (float)i / 8 - 1);
    const struct state_item *half = safetensors_find(&file, "half");
    ck_assert_ptr_nonnull(half);
    ck_assert_int_eq(half->dtype, STATE_DTYPES);
    const struct state_item *escaped = safetensors_find(&file, "q\"\\\n\xc3\xa9\xf0\x9f\x98\x80");
    ck_assert_ptr_nonnull(escaped);
    ck_assert_int_eq(escaped->dtype, STATE_I64);
    ck_assert(((const int64_t *)escaped->data)[1] == INT64_MIN);
    ck_assert(*(const double *)safetensors_find(&file, "lr")->data == 1e-3);
    ck_assert_int_eq(safetensors_find(&file, "lr")->rank, 0);
    ck_assert_mem_eq(safetensors_find(&file, "pixels")->data, bytes3, sizeof bytes3);
    ck_assert_int_eq(((const int32_t *)safetensors_find(&file, "steps")->data)[0], -7);
    ck_assert_uint_eq(safetensors_find(&file, "empty")->size, 0);
    safetensors_close(&file);
    nninit_context_destroy(&context);
}
END_TEST

#define T(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" from "," to "]}"

/* Headers with the number of bytes that follow; and what the message says, or NULL where all is well. */
static const struct {
    const char *header, *message;
    size_t data;
} headers[] = {
    {"{}", NULL, 0},
    {" { } \n\t\r", NULL, 0},
    {"{\"a\":" T("F32", "2", "0", "8") "}", NULL, 8},
    {"{\"a\":" T("F32", "", "0", "4") ",\"b\":" T("U8", "0,9", "4", "4") "}", NULL, 4},
    {"{\"b\":" T("U8", "2", "4", "6") ",\"a\":" T("F32", "1", "0", "4") "}", NULL, 6},
    {"{\"a\":" T("BF16", "3", "0", "6") "}", NULL, 6},
    {"{\"__metadata__\":{},\"a\":" T("U8", "1", "0", "1") "}", NULL, 1},
    {"{\"__metadata__\":{\"k\":\"\\\"\\u0000\\b\"}}", NULL, 0},
    {"{\"\\ud83d\\ude00\\/\":" T("U8", "1", "0", "1") "}", NULL, 1},
    {"", "needs a '{' at byte 0", 0},
    {"[]", "needs a '{' at byte 0", 0},
    {"{", "needs a '\"' at byte 1", 0},
    {"{}}", "ends before byte 2 of 3", 0},
    {"{\"a\"", "needs a ':' at byte 4", 0},
    {"{\"a", "needs a '\"' at byte 3", 0},
    {"{\"a\":" T("U8", "1", "0", "1") ",}", "needs a '\"'", 1},
    {"{\"a\":{}}", "needs a '\"'", 0},
    {"{\"a\":[[[[[[[[[[]}", "needs a '{'", 0},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", "\"a\" lacks", 0},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", "\"a\" has the key \"dtype\"", 0},
    {"{\"a\":{\"more\":1}}", "\"a\" has the key \"more\"", 0},
    {"{\"a\":" T("F32", "2", "0", "4") "}", "\"a\" has 4 bytes where its shape needs 8", 4},
    {"{\"a\":" T("F32", "1", "0", "8") "}", "\"a\" has 8 bytes where its shape needs 4", 8},
    {"{\"a\":" T("F32", "1", "4", "0") "}", "\"a\" is at bytes 4 to 0, of 4", 4},
    {"{\"a\":" T("F32", "1", "0", "4") "}", "\"a\" is at bytes 0 to 4, of 3", 3},
    {"{\"a\":" T("F32", "1", "0", "4") "}", "have 4 bytes, and 5 follow", 5},
    {"{\"a\":" T("U8", "1", "1", "2") "}", "\"a\" begins at byte 1", 2},
    {"{\"a\":" T("U8", "2", "0", "2") ",\"b\":" T("U8", "2", "1", "3") "}", "\"b\" begins at byte 1", 3},
    {"{\"a\":" T("U8", "1", "0", "1") ",\"a\":" T("U8", "1", "1", "2") "}", "\"a\" stands twice", 2},
    {"{\"a\":" T("U8", "1", "0", "1") ",\"\\u0061\":" T("U8", "1", "1", "2") "}", "\"a\" stands twice", 2},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", "\"__metadata__\" stands twice", 0},
    {"{\"__metadata__\":{\"k\":1}}", "needs a '\"'", 0},
    {"{\"a\":" T("F32", "9223372036854775808", "0", "4") "}", "number above 2^63 - 1", 4},
    {"{\"a\":" T("U8", "9223372036854775807,2", "0", "4") "}", "more than 2^63 - 1 bytes", 4},
    {"{\"a\":" T("F32", "4294967296,4294967296", "0", "0") "}", "more than 2^63 - 1 bytes", 0},
    {"{\"a\":" T("U8", "4611686018427387904,4", "0", "0") "}", "more than 2^63 - 1 bytes", 0},
    {"{\"a\":" T("U8", "99999999999999999999", "0", "0") "}", "number above 2^63 - 1", 0},
    {"{\"a\":" T("U8", "1", "0", "18446744073709551617") "}", "number above 2^63 - 1", 1},
    {"{\"a\":" T("U8", "-1", "0", "1") "}", "needs a whole number", 1},
    {"{\"a\":" T("U8", "01", "0", "1") "}", "needs a whole number", 1},
    {"{\"a\":" T("U8", "1.0", "0", "1") "}", "needs a ']'", 1},
    {"{\"a\":" T("U8", "1e0", "0", "1") "}", "needs a ']'", 1},
    {"{\"a\":" T("U8", "1,", "0", "1") "}", "needs a whole number", 1},
    {"{\"a\":" T("U8", "1,1,1,1,1,1,1,1,1", "0", "1") "}", "\"a\" has more than 8 dimensions", 1},
    {"{\"a\":" T("averyveryverylongtype", "1", "0", "1") "}", "more than 15 bytes", 1},
    {"{\"a\n\":" T("U8", "1", "0", "1") "}", "control character 10 at byte 3", 1},
    {"{\"\\u0000\":" T("U8", "1", "0", "1") "}", "\\u0000", 1},
    {"{\"\\u00g0\":" T("U8", "1", "0", "1") "}", "without four digits", 1},
    {"{\"\\u12", "without four digits", 0},
    {"{\"\\", "unknown escape", 0},
    {"{\"\\x\":" T("U8", "1", "0", "1") "}", "unknown escape", 1},
    {"{\"\\ud83d\":" T("U8", "1", "0", "1") "}", "half of a surrogate pair", 1},
    {"{\"\\ud83d\\u0041\":" T("U8", "1", "0", "1") "}", "half of a surrogate pair", 1},
    {"{\"\\ude00\":" T("U8", "1", "0", "1") "}", "half of a surrogate pair", 1},
};

static size_t make_file(unsigned char *bytes, const char *header, size_t data) {
    size_t length = strlen(header);
    memset(bytes, 0, 8 + length + data);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)length >> (8 * i));
    memcpy(bytes + 8, header, length);
    return 8 + length + data;
}

START_TEST(headers_that_lie) {
    nninit_context *context = suite_context();
    char *path = scratch("header");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        unsigned char bytes[1024];
        struct safetensors file;
        put_file(path, bytes, make_file(bytes, headers[i].header, headers[i].data));
        nninit_status status = safetensors_open(context, path, &file);
        const char *message = status < 0 ? nninit_context_message(context) : "";
        if (!headers[i].message) {
            ck_assert_msg(status == NNINIT_OK, "%s: %s", headers[i].header, message);
            safetensors_close(&file);
            continue;
        }
        ck_assert_msg(status == NNINIT_ERR_FORMAT, "%s: %s", headers[i].header, nninit_status_name(status));
        ck_assert_msg(strstr(message, headers[i].message) != NULL, "%s: %s", headers[i].header, message);
        ck_assert_msg(strncmp(message, path, strlen(path)) == 0, "%s", message);
        ck_assert_ptr_null(file.bytes);
    }
    clean("header");
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(lengths_that_lie) {
    nninit_context *context = suite_context();
    char *path = scratch("length");
    unsigned char bytes[16] = {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    struct safetensors file;
    put_file(path, bytes, 10);
    ck_assert_int_eq(safetensors_open(context, path, &file), NNINIT_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "should have 3 bytes, and 2 follow"));
    memset(bytes, 255, 8);
    put_file(path, bytes, 10);
    ck_assert_int_eq(safetensors_open(context, path, &file), NNINIT_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "18446744073709551615"));
    for (size_t size = 0; size < 8; size++) {
        put_file(path, bytes, size);
        ck_assert_int_eq(safetensors_open(context, path, &file), NNINIT_ERR_FORMAT);
    }
    put_file(path, "\x01\xe1\xf5\x05\0\0\0\0", 8); /* 100,000,001, with a hole as large behind it */
    ck_assert_int_eq(truncate(path, 100000009), 0);
    ck_assert_int_eq(safetensors_open(context, path, &file), NNINIT_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "the limit is 100000000"));
    clean("length");
    nninit_context_destroy(&context);
}
END_TEST

/* A good file is refused at every length but its own. */
START_TEST(truncated) {
    nninit_context *context = suite_context();
    unsigned char bytes[512];
    size_t size = make_file(bytes, "{\"a\":" T("F32", "2", "0", "8") ",\"b\":" T("U8", "3", "8", "11") "}", 11);
    struct state_item items[2];
    char problem[SAFETENSORS_PROBLEM];
    int count;
    for (size_t cut = 0; cut < size; cut++)
        ck_assert(!safetensors_parse(bytes, cut, items, 2, &count, problem));
    ck_assert(safetensors_parse(bytes, size, items, 2, &count, problem));
    ck_assert(!safetensors_parse(bytes, size + 1, items, 2, &count, problem));
    nninit_context_destroy(&context);
}
END_TEST

/* Many tensors in the worst order, with one name twice: found without comparing all with all. */
START_TEST(many_tensors) {
    enum { MANY = 100000 };
    char *bytes = malloc(MANY * 80 + 64), *at = bytes + 8, problem[SAFETENSORS_PROBLEM];
    struct state_item *items = calloc(MANY, sizeof *items);
    int count;
    for (int twice = 0; twice < 2; twice++) {
        at = bytes + 8;
        for (int i = 0; i < MANY; i++)
            at += sprintf(at, "%c\"%06d\":" T("U8", "0", "0", "0"), i ? ',' : '{', i == 7 && twice ? MANY : MANY - i);
        *at++ = '}';
        for (int i = 0; i < 8; i++)
            bytes[i] = (char)((uint64_t)(at - bytes - 8) >> (8 * i));
        bool good = safetensors_parse((unsigned char *)bytes, (size_t)(at - bytes), items, MANY, &count, problem);
        ck_assert_int_eq(count, MANY);
        ck_assert_int_eq(good, !twice);
    }
    ck_assert_str_eq(problem, "\"100000\" stands twice");
    free(items);
    free(bytes);
}
END_TEST

START_TEST(names_too_long) {
    char header[1024], name[300] = "", problem[SAFETENSORS_PROBLEM];
    unsigned char bytes[1024];
    int count;
    struct state_item items[1];
    for (int length = 255; length <= 256; length++) {
        memset(name, 'n', (size_t)length);
        sprintf(header, "{\"%s\":" T("U8", "0", "0", "0") "}", name);
        size_t size = make_file(bytes, header, 0);
        ck_assert_int_eq(safetensors_parse(bytes, size, items, 1, &count, problem), length == 255);
    }
    ck_assert_ptr_nonnull(strstr(problem, "more than 255 bytes"));
}
END_TEST

static void expect_io(nninit_context *context, const char *path, nninit_status status) {
    ck_assert_int_eq(status, NNINIT_ERR_IO);
    ck_assert_msg(strstr(nninit_context_message(context), path) != NULL, "%s", nninit_context_message(context));
}

START_TEST(not_readable) {
    nninit_context *context = suite_context();
    struct safetensors file;
    char *path = scratch("pipe");
    expect_io(context, path, safetensors_open(context, path, &file));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_io(context, path, safetensors_open(context, path, &file));
    expect_io(context, folder, safetensors_open(context, folder, &file));
    expect_io(context, "/dev/null", safetensors_open(context, "/dev/null", &file));
    clean("pipe");
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(not_writable) {
    nninit_context *context = suite_context();
    struct state_item one = item("a", STATE_F32, 4, floats, sizeof floats);
    const char *const paths[] = {"/dev/full", "/dev/null/state", "/proc/state", "/nonexistent/state"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        expect_io(context, paths[i], safetensors_save(context, paths[i], &one, 1));
    struct stat info;
    ck_assert_int_eq(stat("/dev/full", &info), 0);
    ck_assert(S_ISCHR(info.st_mode));
    scratch("");
    expect_io(context, folder, safetensors_save(context, folder, &one, 1));
    remove_folder();
    nninit_context_destroy(&context);
}
END_TEST

/* The disk is full in the middle: the old file stays, and nothing is left beside it. */
START_TEST(failing_write) {
    nninit_context *context = suite_context();
    static const float large[1000];
    struct state_item old = item("a", STATE_F32, 4, floats, sizeof floats);
    struct state_item new = item("a", STATE_F32, 1000, large, sizeof large);
    unsigned char before[512], after[512];
    char *path = scratch("state");
    ck_assert_ok(context, safetensors_save(context, path, &old, 1));
    size_t size = get_file(path, before, sizeof before);
    struct rlimit limit, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 2000;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    nninit_status status = safetensors_save(context, path, &new, 1);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_DFL);
    expect_io(context, path, status);
    ck_assert_uint_eq(get_file(path, after, sizeof after), size);
    ck_assert_mem_eq(before, after, size);
    ck_assert_int_eq(files_in_folder(), 1);
    clean("state");
    nninit_context_destroy(&context);
}
END_TEST

SUITE(safetensors, round_trip, longest_header, golden_file, headers_that_lie, lengths_that_lie, truncated, many_tensors,
      names_too_long, not_readable, not_writable, failing_write)
