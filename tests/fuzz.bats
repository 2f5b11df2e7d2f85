#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# The readers of what comes from outside, by libFuzzer: the kept corpus, and some thousand inputs from there,
# the same each time. `make fuzz` is for longer.

load helpers

# fuzz NAME RUNS
fuzz() {
    local kept=$BATS_TEST_DIRNAME/fuzz/corpus/$1
    run -0 "$BUILD/tests/fuzz/$1" -runs=0 "$kept"/*
    mkdir "$BATS_TEST_TMPDIR/found"
    run -0 "$BUILD/tests/fuzz/$1" -seed=1 -runs="$2" -max_len=1024 -len_control=0 \
        -artifact_prefix="$BATS_TEST_TMPDIR/" "$BATS_TEST_TMPDIR/found" "$kept"
    assert_line --partial "Done $2 runs"
}

# bats test_tags=slow
@test "nothing that a page says makes its reader read beyond it or close what is not its own" { fuzz handover 4000; }
@test "no value of a setting leaves it out of its range, or without a word" { fuzz settings 40000; }
@test "no request, response or way to cut them loses or changes a byte but the one that says close" { fuzz http1 40000; }
