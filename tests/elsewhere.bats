#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Servers whose calls do not come to us by themselves: a library opened with RTLD_DEEPBIND, and system calls
# past libc.

load helpers

prepare_deep() {
    cp "$BUILD/tests/deep" "$BUILD/tests/deep_library.so" "$APP_DIR"
    SERVER_COMMAND=(./deep "$PORT" "$HOW")
}

# opens_library HOW: the server upgrades and stops, and the library's own daemon() still comes first.
opens_library() {
    local first HOW=$1
    start_server deep
    wait_until_started
    first=$SERVER_PID
    assert_eq "$(answering_pid)" "$first" "pid that answers"
    grep -qx "own daemon() says 42" "$SERVER_LOG" || fail "the library's own functions do not come first"
    start_load -p 5 -c 4
    kill -HUP "$first"
    WATCH_PID='' wait_until 60 is_newest_leader_other_than "$first"
    WATCH_PID='' wait_until 60 is_gone "$first"
    stop_load
    assert_eq "$(answering_pid)" "$NEWEST_LEADER" "pid that answers"
    kill -TERM "$NEWEST_LEADER"
    WATCH_PID='' wait_until 60 is_gone "$NEWEST_LEADER"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "a server that opens its library with RTLD_DEEPBIND is upgraded" { opens_library now; }
@test "a server that opens its library with RTLD_DEEPBIND and binds lazily is upgraded" { opens_library lazy; }

@test "a library that the loader finds by its user's run path is found" {
    local HOW=name
    start_server deep
    assert_eq "$(answering_pid)" "$SERVER_PID" "pid that answers"
    grep -qx 'own daemon() says 42' "$SERVER_LOG"
}

# start_past_libc MODE: see tests/servers/past_libc.c.
start_past_libc() {
    PORT=$(free_port)
    SERVER_ARGS=("$PORT" "$1")
    start_server past_libc
}

# listens_past_libc MODE: the server is upgraded all the same, twice.
listens_past_libc() {
    start_past_libc "$1"
    request /ping >/dev/null
    wait_until_started
    start_load -p 5 -c 4
    upgrade HUP
    upgrade HUP
    stop_load
    assert_eq "$(log_count 'Created a new listener')" 1 "listeners created"
    assert_eq "$(log_count 'Imported a listener')" 2 "listeners imported"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "a server that listens past libc is upgraded from its first accept()" { listens_past_libc accept; }
@test "a server that listens past libc is upgraded from its first poll()" { listens_past_libc poll; }
@test "a server that listens past libc is upgraded from its first accept() after epoll_wait()" { listens_past_libc epoll; }

NOT_SEEN=', but its listen() did not go through liboctopus.so: it cannot be upgraded, and its signals are left to it.'

# is_told_and_left MODE: one line says that Octopus does not conduct it, and HUP does what it does without us.
is_told_and_left() {
    start_past_libc "$1"
    for _ in 1 2 3; do request /ping >/dev/null; done
    assert_eq "$(log_count "[ERR] Server ($SERVER_PID) serves 127.0.0.1:$PORT$NOT_SEEN")" 1 "lines about it"
    assert_eq "$(wc -l <"$OCTOPUS_LOG_FILE")" 1 "lines"
    kill -HUP "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
}

# bats test_tags=fast
@test "a server that also binds past libc is told, and left alone" { is_told_and_left all; }
@test "a server whose child accepts on its listener is told, and left alone" { is_told_and_left fork; }
