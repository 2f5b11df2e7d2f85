#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# What the library keeps of a client's bytes is gone with the connection, and in no core dump before.

load helpers

SECRET=sesame-3b1f8e7a90

# secrets PID: how often the secret stands in its memory: in a core dump, and elsewhere.
secrets() { /usr/bin/python3 "$BATS_TEST_DIRNAME/client/memory_scan.py" "$1" "$SECRET"; }

# tell_secret: sends it on a kept connection, CLIENT_FD, and reads the answer.
tell_secret() {
    exec {CLIENT_FD}<>"/dev/tcp/127.0.0.1/$PORT"
    printf 'GET /ping HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\n\r\n' "$SECRET" >&"$CLIENT_FD"
    grep -q -m 1 '^pong' <&"$CLIENT_FD"
}

has_no_connection() { [[ -z $(ss -Htn state established "sport = :$PORT") ]]; }
keeps_none() { [[ $(secrets "$1") == *' 0' ]]; }

secret_is_wiped() {
    local bare now
    BARE=1 start_server "$1"
    tell_secret
    bare=$(secrets "$SERVER_PID")
    assert_eq "${bare#* }" 0 "bare, outside of a core dump"
    exec {CLIENT_FD}>&-
    kill -KILL "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    : >"$SERVER_LOG"
    start_server "$1"
    wait_until_started
    tell_secret
    now=$(secrets "$SERVER_PID")
    assert_eq "${now% *}" "${bare% *}" "in a core dump"
    assert_eq "${now#* }" 1 "kept for the connection"
    exec {CLIENT_FD}>&-
    wait_until 60 has_no_connection
    wait_until 60 keeps_none "$SERVER_PID"
}

# bats test_tags=fast
@test "a client's bytes are wiped with its connection: the example epoll" { secret_is_wiped epoll; }
@test "a client's bytes are wiped with its connection: the example threads" { secret_is_wiped threads; }
