#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A server that ends its accepting threads itself, by shutdown(), by a connection to itself or by pthread_cancel, ends
# in its own way, at a stop and after an upgrade. What its accept() says then is measured: the same server without
# the library reports the same lines.

load helpers

report_of() { sed -n "s/^$1 //p" "$SERVER_LOG"; }

# start_ending STARTER WORD...: the server, at LISTEN or a port of the loopback address.
start_ending() {
    PORT=${PORT:-$(free_port)}
    SERVER_ARGS=(-l "${LISTEN:-127.0.0.1}:$PORT" "$@")
    [[ ${LISTEN:-} != unix ]] || SERVER_ARGS=(-u "$APP_DIR/socket" "$@")
    : >"$BATS_TEST_TMPDIR/server.log"
    start_server ends_itself
}

# assert_ended PID: as the bare server did.
assert_ended() {
    status_of "$1"
    assert_eq "$(report_of "$1")" "$BARE_REPORT" "report"
    assert_eq "$EXIT_STATUS" 7 "exit status"
}

# ends_as_bare WORD...
ends_as_bare() {
    local old
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app
    BARE=1 start_ending "$@"
    pause 0.05 # bare, nothing tells when its threads wait
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    BARE_REPORT=$(report_of "$SERVER_PID")
    assert_eq "$EXIT_STATUS $(tail -n 1 <<<"$BARE_REPORT")" '7 state saved' "bare"

    start_ending "$@"
    wait_until_started
    old=$SERVER_PID
    upgrade_beside HUP
    WATCH_PID='' wait_until 60 is_gone "$old"
    assert_ended "$old"
    SERVER_PID=$NEW_PID
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_eq "$(report_of "$SERVER_PID")" "$BARE_REPORT" "report of the second generation"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    assert_no_process_left
}

# bats test_tags=fast
@test "ends itself: accept, shutdown" { ends_as_bare accept shutdown; }
@test "ends itself: accept, shutdown of the reading side" { ends_as_bare accept shutdown_rd; }
@test "ends itself: accept, shutdown by a dup" { ends_as_bare accept dup_shutdown; }
# bats test_tags=fast
@test "ends itself: accept, a connection" { ends_as_bare accept connect; }
# bats test_tags=fast
@test "ends itself: accept, pthread_cancel" { ends_as_bare accept cancel; }
@test "ends itself: accept4, a connection" { ends_as_bare accept4 connect; }
@test "ends itself: accept with a time limit, shutdown" { ends_as_bare timed shutdown; }
@test "ends itself: accept with a time limit, a connection" { ends_as_bare timed connect; }
@test "ends itself: poll, shutdown" { ends_as_bare poll shutdown; }
@test "ends itself: poll, a connection" { ends_as_bare poll connect; }
@test "ends itself: poll, pthread_cancel" { ends_as_bare poll cancel; }
@test "ends itself: poll and accept that blocks, shutdown" { ends_as_bare poll blocking shutdown; }
@test "ends itself: poll and accept that blocks, a connection" { ends_as_bare poll blocking connect; }
@test "ends itself: select, shutdown" { ends_as_bare select shutdown; }
@test "ends itself: select, a connection" { ends_as_bare select connect; }
@test "ends itself: epoll, shutdown" { ends_as_bare epoll shutdown; }
@test "ends itself: epoll, shutdown by a dup" { ends_as_bare epoll dup_shutdown; }
@test "ends itself: epoll, a connection" { ends_as_bare epoll connect; }
@test "ends itself: epoll and accept that blocks, a connection" { ends_as_bare epoll blocking connect; }
@test "ends itself: on all addresses, a connection to the loopback address" { LISTEN=0.0.0.0 ends_as_bare accept connect to=127.0.0.1; }
@test "ends itself: on all addresses, a connection to the name of the listener" { LISTEN=0.0.0.0 ends_as_bare accept connect; }
@test "ends itself: IPv6, a connection" { LISTEN='[::1]' ends_as_bare accept connect; }
@test "ends itself: on all IPv6 addresses, a connection by IPv4" { LISTEN='[::]' ends_as_bare accept connect to=127.0.0.1; }
@test "ends itself: on all IPv6 addresses, a connection by mapped IPv4" { LISTEN='[::]' ends_as_bare epoll connect to=::ffff:127.0.0.1; }
@test "ends itself: a unix socket, a connection" { LISTEN=unix ends_as_bare accept connect; }
@test "ends itself: a unix socket, shutdown" { LISTEN=unix ends_as_bare accept shutdown; }
@test "ends itself: sigwait() comes after the signal" { ends_as_bare accept shutdown late; }
@test "ends itself: a unix socket in epoll, a connection" { LISTEN=unix ends_as_bare epoll connect; }

# shuts_shared_listener WORD...: the old one serves beside the new one, and stops for a reason of its own.
shuts_shared_listener() {
    local old
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app
    BARE=1 start_ending "$@"
    pause 0.05
    kill -QUIT "$SERVER_PID"
    status_of "$SERVER_PID"
    BARE_REPORT=$(report_of "$SERVER_PID")
    start_ending "$@"
    wait_until_started
    old=$SERVER_PID
    upgrade_beside USR2
    wait_until 60 log_has 'is still alive.'
    kill -QUIT "$old"
    WATCH_PID='' wait_until 60 is_gone "$old"
    assert_ended "$old"
    SERVER_PID=$NEW_PID
    request /ping >/dev/null
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
}

@test "ends itself beside a new version that serves on: accept, shutdown" { shuts_shared_listener accept shutdown; }
@test "ends itself beside a new version that serves on: poll, shutdown" { shuts_shared_listener poll shutdown; }
@test "ends itself beside a new version that serves on: epoll, shutdown by a dup" { shuts_shared_listener epoll dup_shutdown; }
