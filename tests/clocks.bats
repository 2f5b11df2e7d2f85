#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Deadlines, sleeps and log lines go by the kernel's clock, whatever a library preloaded beside ours shows
# the server (libfaketime, say), and no lock of that library's holds us up.

load helpers
load helpers.slow

setup() {
    common_setup
    OTHER=$BUILD/tests/other_times.so
}

# dated_now: each line of the library's log bears a date between STARTED and now.
dated_now() {
    local first last
    first=$(head -n 1 "$OCTOPUS_LOG_FILE" | cut -c1-19)
    last=$(tail -n 1 "$OCTOPUS_LOG_FILE" | cut -c1-19)
    [[ ! $STARTED > $first && ! $first > $last && ! $last > $(date +'%Y/%m/%d %H:%M:%S') ]]
}

# keeps_deadlines PRELOAD TIME SERVER: a connection that never ends holds the drain up to its deadline and no
# longer; a request that ends is waited for.
keeps_deadlines() {
    local first STARTED
    STARTED=$(date +'%Y/%m/%d %H:%M:%S')
    start_server "$3" LD_PRELOAD="$1" OTHER_TIME="$2" OCTOPUS_DRAIN_TIMEOUT=2s
    wait_until_started
    first=$SERVER_PID
    begin_held_request
    upgrade_beside HUP
    WATCH_PID='' wait_until 60 has_begun_to_drain
    end_held_request
    WATCH_PID='' wait_until 60 is_gone "$first"
    SERVER_PID=$NEW_PID
    begin_held_request
    kill -TERM "$SERVER_PID"
    wait_until 60 log_has 'The drain ends with 1 connection left'
    wait_until 60 is_gone "$SERVER_PID"
    exec {HELD_FD}>&-
    dated_now || fail "dates of the log: $(cut -c1-19 "$OCTOPUS_LOG_FILE" | tr '\n' ',')"
    assert_no_process_left
}

# bats test_tags=fast
@test "a clock that stands still beside ours changes no deadline: epoll" { keeps_deadlines "$LIB $OTHER" still epoll; }
@test "a clock that stands still before ours changes no deadline: epoll" { keeps_deadlines "$OTHER $LIB" still epoll; }
@test "a clock that races beside ours changes no deadline: threads" { keeps_deadlines "$LIB $OTHER" racing threads; }
@test "a clock that races before ours changes no deadline: threads" { keeps_deadlines "$OTHER $LIB" racing threads; }
@test "a clock that stands still beside ours changes no deadline: forker" { keeps_deadlines "$LIB $OTHER" still forker; }
@test "a clock that races beside ours changes no deadline: poll" { keeps_deadlines "$LIB $OTHER" racing poll; }

# Two generations share the listener, so that accept() may have to wait in our place: see accepting.c.
@test "a clock that stands still beside ours holds no accept() up: threads beside poll" {
    local first
    start_server threads LD_PRELOAD="$LIB $OTHER" OTHER_TIME=still
    wait_until_started
    first=$SERVER_PID
    cp "$BUILD/tests/v2/poll" "$APP_DIR/threads.new"
    deploy_version() { mv "$APP_DIR/threads.new" "$APP_DIR/threads"; }
    upgrade_beside USR2
    start_load -p 5 -c 4
    WATCH_PID='' wait_until 60 load_saw_pid "$NEW_PID"
    stop_load
    kill -TERM "$first"
    WATCH_PID='' wait_until 60 is_gone "$first"
    kill -TERM "$NEW_PID"
    WATCH_PID='' wait_until 60 is_gone "$NEW_PID"
    assert_no_process_left
}
