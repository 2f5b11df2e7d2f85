#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Libraries that call what is interposed before the constructor of liboctopus.so has run: allocators do
# (jemalloc under redis), and servers/early_caller.c calls nearly all of it.

load helpers

setup() {
    common_setup
    EARLY=$BUILD/tests/early_caller.so
    EARLY_LOG=$BATS_TEST_TMPDIR/early.log
}

# order_of_constructors PRELOAD: names of our two, in the order in which the loader calls their
# constructors in the first process, which is the one that says so first.
order_of_constructors() {
    env LD_DEBUG=files LD_PRELOAD="$1" /bin/true >"$EARLY_LOG" 2>&1
    awk '/calling init:/ { process = process ? process : $1 }
         $1 == process && sub(/.*calling init: .*\//, "") && /^(liboctopus|early_caller)\.so$/' "$EARLY_LOG"
}

@test "the early caller gets from libc what it demands" {
    run -0 env LD_PRELOAD="$EARLY" /bin/true
    assert_output 'called early'
}

@test "its constructor runs before ours, and gets the same" {
    assert_eq "$(order_of_constructors "$LIB $EARLY")" $'early_caller.so\nliboctopus.so' "order"
    run -0 env LD_PRELOAD="$LIB $EARLY" /bin/true
    assert_output 'called early'
}

@test "its constructor runs after ours, and gets the same" {
    assert_eq "$(order_of_constructors "$EARLY $LIB")" $'liboctopus.so\nearly_caller.so' "order"
    run -0 env LD_PRELOAD="$EARLY $LIB" /bin/true
    assert_output 'called early'
}

# upgrades_with PRELOAD SERVER: in a successor the early caller and its children meet an inheritance that
# nobody has taken up yet.
upgrades_with() {
    local blocked
    start_server "$2" LD_PRELOAD="$1"
    wait_until_started
    blocked=$(status_field "$SERVER_PID" SigBlk)
    upgrade HUP
    upgrade HUP
    assert_eq "$(status_field "$SERVER_PID" SigBlk)" "$blocked" "signals blocked"
    assert_eq "$(grep -c 'called early' "$SERVER_LOG")" 3 "generations that called early"
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

@test "a server with an early caller upgrades and stops: blocking" { upgrades_with "$LIB $EARLY" blocking; }
# bats test_tags=fast
@test "a server with an early caller upgrades and stops: epoll" { upgrades_with "$LIB $EARLY" epoll; }
@test "a server with an early caller upgrades and stops: forker" { upgrades_with "$LIB $EARLY" forker; }
@test "a server with a late caller upgrades and stops: blocking" { upgrades_with "$EARLY $LIB" blocking; }

@test "redis, whose jemalloc calls early, upgrades and stops" {
    run -0 ldd /usr/bin/redis-server
    assert_line --partial libjemalloc
    start_server redis
    wait_until_started
    upgrade HUP
    kill -TERM "$SERVER_PID"
    assert_no_process_left
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

# tests/unit/first_calls_test.c holds one of the threads at each name; here nothing is held.
@test "two threads whose first calls coincide find every function" {
    (( $(nproc) > 1 )) || skip "needs two processors"
    run -0 env LD_PRELOAD="$LIB" "$BUILD/tests/first_calls" 1500
    assert_output '0 of 1500 runs crashed'
}
