#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel,fast
# The make targets, and the runner of the tests, which must not take a test that vanished for one that passed.

load helpers

ROOT=$BATS_TEST_DIRNAME/..

@test "make help names every target that somebody may ask for" {
    local help
    help=$(make -C "$ROOT" --no-print-directory help)
    diff - <(sed -n 's/^\.PHONY: //p' "$ROOT/Makefile" "$ROOT"/tests/*.mk | tr ' ' '\n' | sort) <<<"$(awk '{ print $1 }' <<<"$help")"
    assert_within "$(wc -l <<<"$help")" 20 100 "targets"
    run ! grep -vE '^[a-z0-9-]+ +[^ ]' <<<"$help"
}

# run_some FILTER FAST: the runner on tests of which each does what its name says.
run_some() {
    # Written so that they are not taken for tests of this file.
    sed 's/^test/@test/' >"$BATS_TEST_TMPDIR/some.bats" <<'BATS'
# bats file_tags=ci:parallel
# bats test_tags=fast
test "passes (quickly)" { :; }
# bats test_tags=slow
test "passes in the end" { :; }
test "fails" { false; }
test "takes its runner with it" { kill -KILL "$PPID"; }
test "is never begun" { :; }
BATS
    BATS_TEST_TIMEOUT=60 FILTER=$1 FAST=$2 BUILD=$BATS_TEST_TMPDIR/build run "$BATS_TEST_DIRNAME/run.sh" "$BATS_TEST_TMPDIR/some.bats" 3>&-
}

# assert_tally LINE STATUS
assert_tally() {
    assert_eq "${lines[-1]}" "$1" "last line of $output"
    assert_eq "$status" "$2" "exit status"
}

@test "the runner counts what passed and what failed" {
    run_some 'passes|fails' ''
    assert_tally "2 passed, 1 failed" 1
    assert_line --regexp '^not ok - some\.bats: fails in [0-9]+ms$'
}

@test "the runner counts a test that did not report as failed" {
    run_some '' ''
    assert_tally "3 passed, 2 failed" 1
}

@test "the runner can be asked for the fast tests only" {
    run_some '' 1
    assert_tally "1 passed, 0 failed" 0
}

@test "the runner takes no test at all for a failure" {
    run_some 'no such test' ''
    assert_tally "0 passed, 0 failed" 1
}
