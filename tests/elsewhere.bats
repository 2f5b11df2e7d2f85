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
