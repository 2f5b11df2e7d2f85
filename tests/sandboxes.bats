#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Servers that shut themselves into seccomp: the kernel kills them for a call that only we would make.

load helpers

# start_sandboxed MODE [SETTING=VALUE...]: see tests/servers/sandboxed.c.
start_sandboxed() {
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$1")
    start_server sandboxed "${@:2}"
}

# three_requests: how many of three on one connection are answered.
three_requests() {
    local connection line count=0
    exec {connection}<>"/dev/tcp/127.0.0.1/$PORT"
    for _ in 1 2 3; do
        printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' >&"$connection" || break
        while IFS= read -r -t 30 -u "$connection" line; do
            [[ $line != pong ]] || { count=$((count + 1)); break; }
        done
    done
    exec {connection}>&-
    echo "$count"
}

serves_kept_connections() { assert_eq "$(three_requests)" 3 "requests answered"; }

child_has_ended() { grep -qx "child ended with $1" "$SERVER_LOG"; }

# child_lives_as_bare MODE: the child of a connection is as well off as without us.
child_lives_as_bare() {
    start_sandboxed "$1"
    wait_until_started
    serves_kept_connections
    wait_until 60 child_has_ended 0
    serves_kept_connections
    upgrade_beside HUP
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    serves_kept_connections
    assert_eq "$(grep -c 'child ended with [^0]' "$SERVER_LOG" || true)" 0 "children that were killed"
    kill -TERM "$NEW_PID"
    WATCH_PID='' wait_until 60 is_gone "$NEW_PID"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "a child in the strict sandbox answers on its kept connection, and exits" { child_lives_as_bare child-strict; }
@test "a child that may only read, write and exit does so" { child_lives_as_bare child-filter; }

@test "a server that may only accept, read and write becomes ready, is upgraded, and stops" {
    start_sandboxed self-filter
    wait_until_started
    serves_kept_connections
    upgrade_beside HUP
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    serves_kept_connections
    kill -TERM "$NEW_PID"
    WATCH_PID='' wait_until 60 is_gone "$NEW_PID"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "a server that would be killed for an exec says so at HUP, and serves on" {
    start_sandboxed no-exec
    wait_until_started
    for count in 1 2; do
        kill -HUP "$SERVER_PID"
        WATCH_PID=$SERVER_PID wait_until 60 log_has \
            "Unable to fork a child: the server's seccomp filter forbids execve. Master ($SERVER_PID) serves on." "$count"
        serves_kept_connections
    done
    assert_eq "$(log_count '[ERR]')" 2 "error lines"
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    assert_no_process_left
}
