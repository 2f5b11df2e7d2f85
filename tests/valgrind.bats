#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Servers under valgrind's memcheck, until a stop: no error, and no memory lost. An upgrade is beyond
# valgrind, which ends a program that calls clone() in other ways than fork, vfork and threads do; the
# sanitizers are there for that (sanitized.bats).

load helpers

prepare_under_valgrind() {
    prepare_example "$VALGRIND_SERVER"
    # valgrind frees what libc holds in the thread that ends the process, which may be the library's: libc does
    # not know that one.
    SERVER_COMMAND=(valgrind --quiet --run-libc-freeres=no --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
        --trace-children=yes --child-silent-after-fork=no --log-file="$BATS_TEST_TMPDIR/valgrind.%p.log"
        "${SERVER_COMMAND[@]}")
}

# is_clean_under_valgrind NAME STATUS: serves, and ends with STATUS when it is stopped.
is_clean_under_valgrind() {
    local log
    VALGRIND_SERVER=$1
    start_server under_valgrind
    wait_until_started
    request '/slow?ms=10' >/dev/null
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" "$2" "exit status (99: valgrind found something)"
    assert_no_process_left
    for log in "$BATS_TEST_TMPDIR"/valgrind.*.log; do
        run ! grep -E 'Invalid|uninitialised|liboctopus|definitely lost' "$log"
    done
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

@test "valgrind finds nothing: the example threads" { is_clean_under_valgrind threads 0; }
@test "valgrind finds nothing: the example epoll" { is_clean_under_valgrind epoll 0; }
@test "valgrind finds nothing: the example forker" { is_clean_under_valgrind forker 0; }
@test "valgrind finds nothing: the example prefork, a master and its workers" { is_clean_under_valgrind prefork 7; }
