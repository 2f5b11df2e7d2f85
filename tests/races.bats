#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Accesses that race. Servers run under valgrind's helgrind until a stop that comes in the middle of
# requests: no access of the controller's, or of a worker's, races with one of the server's threads. The
# library is the one whose atomics tell helgrind what they are (tests/analysis/annotated_atomics.h). An
# upgrade is beyond valgrind, which ends a program that calls clone() in other ways than fork, vfork and
# threads do; what only a successor does, a unit test does under TSan.

load helpers
load helpers.slow

setup() {
    common_setup
    LIB=$PUBLIC_LIBS/helgrind/liboctopus.so
}

prepare_under_helgrind() {
    prepare_example "$HELGRIND_SERVER"
    # Workers end by _exit in a handler: what they have to say is in their logs, not in a status.
    SERVER_COMMAND=(valgrind --tool=helgrind --quiet --fair-sched=try --trace-children=yes
        --suppressions="$BATS_TEST_DIRNAME/analysis/helgrind.supp" --log-file="$BATS_TEST_TMPDIR/helgrind.%p" "${SERVER_COMMAND[@]}")
}

# runs_under_helgrind NAME STATUS: serves, and ends with STATUS when it is stopped during requests. Sets
# REPORTS to how many accesses helgrind complained of.
runs_under_helgrind() {
    HELGRIND_SERVER=$1
    start_server under_helgrind "$HELD_SETTING"
    wait_until_started
    for _ in 1 2 3; do request /ping >/dev/null; done
    begin_held_request
    kill -TERM "$SERVER_PID"
    end_held_request_in_drain
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" "$2" "exit status"
    assert_no_process_left
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    cat "$BATS_TEST_TMPDIR"/helgrind.* >"$BATS_TEST_TMPDIR/reports"
    REPORTS=$(grep -cE '^==[0-9]+== (Possible data race|Thread #[0-9]+:)' "$BATS_TEST_TMPDIR/reports" || true)
}

has_no_race() {
    runs_under_helgrind "$@"
    (( REPORTS == 0 )) || fail "$REPORTS reports of helgrind, the first: $(head -n 60 "$BATS_TEST_TMPDIR/reports")"
}

@test "no race: the example blocking" { has_no_race blocking 0; }
@test "no race: the example threads" { has_no_race threads 0; }
@test "no race: the example epoll" { has_no_race epoll 0; }
@test "no race: the example forker" { has_no_race forker 0; }
@test "no race: the example prefork, a master and its workers" { has_no_race prefork 7; }
@test "no race: the example crowd, whose threads do everything at once" { has_no_race crowd 7; }

# Old run-times stop at once where the kernel scatters mappings widely (vm.mmap_rnd_bits).
@test "no race under TSan: the unit test of threads" {
    setarch --addr-no-randomize "$BUILD/tsan/tests/unit/threads_test"
}

@test "helgrind sees the controller: atomics that do not say so are races" {
    LIB=$PUBLIC_LIBS/liboctopus.so
    runs_under_helgrind threads 0
    (( REPORTS > 0 )) || fail "no report"
}
