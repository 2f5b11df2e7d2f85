#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the bats files given, or all; with FAST=1 only the tests that are tagged fast. Those tagged ci:parallel
# mostly wait: more of them run at a time (JOBS) than there are processors. The others put servers under
# load, of which each processor gets one (LOAD_JOBS). Prints a tally and leaves it in $BUILD/tests/tally for
# whoever adds up several runs.
#
# bats can run tests at a time by itself, but looks once a second only whether one has ended, and pays for
# each with more processes than the test needs. Here each bats runs a handful of tests of one file, in turn.
set -euo pipefail

tests_dir=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:=$tests_dir/../build}" "${LIB:=$BUILD/liboctopus.so}" "${FILTER:=}" "${FAST:=}"
: "${BATS_TEST_TIMEOUT:=600}" "${JOBS:=$((3 * $(nproc)))}" "${LOAD_JOBS:=$(nproc)}"
work=$BUILD/tests/run
TEST_PORTS_DIR=$work/ports
export BUILD LIB FILTER FAST BATS_TEST_TIMEOUT TEST_PORTS_DIR work

if [[ ! -e $LIB ]]; then
    echo "no $LIB: run make first" >&2
    exit 1
fi
# shellcheck disable=SC1091 # a file of its own
source "$tests_dir/helpers.public.bash"
make_public_root
export RUN_PUBLIC_ROOT=$PUBLIC_ROOT
trap 'rm -rf "$RUN_PUBLIC_ROOT"' EXIT

(( $# > 0 )) || set -- "$tests_dir"/*.bats
rm -rf "$work" "$BUILD/tests/tally" "$BUILD/tests/failures"
mkdir -p "$TEST_PORTS_DIR"

# list_tests FILE...: "POOL FILE NAME" of each test that is to run, separated by tabs. The pools run in the
# order of their names; tests that are tagged slow come first, lest one of them be the last to end.
list_tests() {
    awk '
        FNR == 1 { file_tags = "" }
        match($0, /^[ \t]*# bats file_tags=/) { file_tags = substr($0, RLENGTH + 1); next }
        match($0, /^[ \t]*# bats test_tags=/) { test_tags = substr($0, RLENGTH + 1); next }
        /^[ \t]*@test / {
            tags = "," file_tags "," test_tags ","
            gsub(/ /, "", tags)
            test_tags = ""
            name = $0
            sub(/^[ \t]*@test +["\047]/, "", name)
            sub(/["\047] *\{.*$/, "", name)
            if (name !~ ENVIRON["FILTER"] || (ENVIRON["FAST"] != "" && tags !~ /,fast,/)) next
            pool = tags ~ /,ci:parallel,/ ? 1 : 2
            print pool (tags ~ /,slow,/ ? "a" : "b") "\t" FILENAME "\t" name
        }' "$@" | sort -s -t "$(printf '\t')" -k 1,1
}

# make_shards: reads such lines; a shard is a file that names a bats file and the pattern of some of its tests.
make_shards() {
    awk -F '\t' -v work="$work" '
        {
            group = $1 FS $2
            if (group != last || ++size > 8 || $1 ~ /a/) {
                if (shard != "") close(shard)
                shard = sprintf("%s/%s.%03d", work, substr($1, 1, 1), ++count)
                print $2 >shard
                size = 1
                last = group
            }
            gsub(/[][\\.*^$(){}?+|]/, "\\\\&", $3)
            print $3 >shard
        }'
}

# run_shard SHARD: leaves what bats says in SHARD.tap, and prints it in one piece.
run_shard() {
    local file names pattern
    mapfile -t names <"$1"
    file=${names[0]}
    pattern=$(IFS='|'; echo "${names[*]:1}")
    bats --tap --timing --filter "^($pattern)\$" "$file" >"$1.tap" 2>&1 </dev/null 3>&- || true
    flock "$work" sed -E "/^1\\.\\.[0-9]+\$/d; s/^(ok|not ok) [0-9]+ /\\1 - ${file##*/}: /" "$1.tap"
}

# run_pool NUMBER JOBS
run_pool() {
    find "$work" -name "$1.[0-9][0-9][0-9]" -print0 | sort -z |
        xargs -0 -r -n 1 -P "$2" bash -c "$(declare -f run_shard); run_shard \"\$1\"" run_shard
}

list_tests "$@" >"$work/tests"
make_shards <"$work/tests"
run_pool 1 "$JOBS" | tee "$work/output"
run_pool 2 "$LOAD_JOBS" | tee -a "$work/output"

planned=$(wc -l <"$work/tests")
passed=$(grep -c '^ok - ' "$work/output" || true)
failed=$(grep -c '^not ok - ' "$work/output" || true)
missing=$((planned - passed - failed))
if (( missing > 0 )); then
    echo "# $missing planned tests did not report"
    failed=$((failed + missing))
fi
echo "$passed $failed" >"$BUILD/tests/tally"
grep '^not ok - ' "$work/output" >"$BUILD/tests/failures" || true
cat "$BUILD/tests/failures"
echo "$passed passed, $failed failed"
(( failed == 0 && passed > 0 ))
