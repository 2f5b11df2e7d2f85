#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel,fast

load helpers

@test "the unit tests of the library's modules pass" {
    local source program count=0
    shopt -s nullglob
    for source in "$BATS_TEST_DIRNAME"/unit/*_test.c; do
        program=$BUILD/tests/unit/$(basename "$source" .c)
        echo "${program##*/}"
        "$program"
        count=$((count + 1))
    done
    (( count > 0 )) || fail "there is no unit test"
}
