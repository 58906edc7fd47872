/* SPDX-License-Identifier: MIT */
/* The examples of FIPS 180-4. */
#include "suite.h"

#include "host/philox.h"
#include "host/sha256.h"

static void check(const char *text, int repeat, const char *want) {
    struct sha256 sha;
    char hex[65];
    sha256_init(&sha);
    for (int i = 0; i < repeat; i++)
        sha256_update(&sha, text, strlen(text));
    sha256_finish(&sha, hex);
    ck_assert_str_eq(hex, want);
}

START_TEST(fips_examples) {
    check("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(philox_known_answer) {
    const uint32_t counter[4] = {0, 0, 0, 0};
    uint32_t word[4];
    philox(0, counter, word);
    ck_assert_uint_eq(word[0], 0x6627e8d5);
    ck_assert_uint_eq(word[1], 0xe169c58d);
    ck_assert_uint_eq(word[2], 0xbc57ac4c);
    ck_assert_uint_eq(word[3], 0x9b00dbd8);
}
END_TEST

SUITE(sha256, fips_examples, philox_known_answer)
