#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the bats files given, or all: first those tagged ci:parallel at once, then the others one after
# another, because two loads at a time would measure each other. Prints a tally and leaves it in $BUILD/tests/tally for whoever adds up several runs.
set -eu

tests_dir=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:=$tests_dir/../build}" "${LIB:=$BUILD/liboctopus.so}" "${FILTER:=}"
: "${BATS_TEST_TIMEOUT:=600}" "${JOBS:=$(nproc)}"
export BUILD LIB BATS_TEST_TIMEOUT

[ $# -gt 0 ] || set -- "$tests_dir"/*.bats
mkdir -p "$BUILD/tests"
rm -f "$BUILD/tests/tally"

passed=0
failed=0

# run_bats TAP BATS-OPTIONS FILES...: a test that was planned and never reported counts as failed.
run_bats() {
    tap=$1
    shift
    bats --tap ${FILTER:+--filter "$FILTER"} "$@" 3>&- | tee "$tap"
    planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$tap" | head -n 1)
    ok=$(grep -c '^ok ' "$tap" || true)
    not_ok=$(grep -c '^not ok ' "$tap" || true)
    missing=$((${planned:-1} - ok - not_ok))
    [ "$missing" -ge 0 ] || missing=0
    [ "$missing" -eq 0 ] || echo "# $missing planned tests did not report"
    passed=$((passed + ok))
    failed=$((failed + not_ok + missing))
}

run_bats "$BUILD/tests/parallel.tap" --jobs "$JOBS" --filter-tags ci:parallel "$@"
run_bats "$BUILD/tests/serial.tap" --filter-tags '!ci:parallel' "$@"

echo "$passed $failed" >"$BUILD/tests/tally"
grep -h '^not ok ' "$BUILD/tests/parallel.tap" "$BUILD/tests/serial.tap" || true
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
