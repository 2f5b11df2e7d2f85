#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A signal that a process sends to itself is its own affair, whichever it is and however it is sent and received.
# What it does is measured: the same server without the library reports the same lines, and ends the same way.

load helpers

# report_of PID: what the server reported, without its process id.
report_of() { sed -n "s/^$1 //p" "$SERVER_LOG"; }

# is_its_own STEP...: the server sends itself a signal; nothing but what it does without the library follows.
is_its_own() {
    BARE=1 launch_signaller "$@"
    status_of "$SERVER_PID"
    BARE_STATUS=$EXIT_STATUS
    BARE_REPORT=$(report_of "$SERVER_PID")
    (( BARE_STATUS == 7 || BARE_STATUS > 128 )) || fail "without the library: status $BARE_STATUS, $BARE_REPORT"
    launch_signaller "$@"
    status_of "$SERVER_PID"
    assert_eq "$(report_of "$SERVER_PID")" "$BARE_REPORT" "report"
    assert_eq "$EXIT_STATUS" "$BARE_STATUS" "exit status"
    run ! log_has 'received signal'
    run ! log_has 'Forked child'
    assert_no_process_left
}

# launch_signaller STEP...: it ends by itself, perhaps before it could answer anybody.
launch_signaller() {
    SERVER_NAME=signaller
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    PROTOCOL=http
    mkdir -p "$APP_DIR"
    : >"$SERVER_LOG"
    PORT=${PORT:-$(free_port)}
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$@")
    prepare_example signaller
    launch_server
}

# bats test_tags=fast
@test "kill to itself, a handler without SA_RESTART, in read" {
    is_its_own sigaction=USR1: listen own=kill:USR1 wait=read
}
@test "kill to itself, a handler with SA_RESTART, in read" {
    is_its_own sigaction=USR1:restart,siginfo listen own=kill:USR1 wait=read
}
@test "kill to itself, in poll" { is_its_own signal=HUP listen own=kill:HUP wait=poll; }
@test "kill to itself, in epoll_wait" { is_its_own listen signal=USR2 own=kill:USR2 wait=epoll_wait; }
@test "kill to itself, in accept, without SA_RESTART" { is_its_own sigaction=TERM: listen own=kill:TERM wait=accept; }
@test "kill to itself, in pause" { is_its_own signal=INT listen own=kill:INT wait=pause; }
@test "kill to itself, in nanosleep" { is_its_own signal=INT listen own=kill:INT wait=nanosleep; }
@test "kill to itself, in sigsuspend" {
    is_its_own block=USR1 set=USR1 sigaction=USR1:siginfo listen own=kill:USR1 wait=sigsuspend
}
@test "kill to its process group" { is_its_own sigaction=HUP:siginfo listen own=group:HUP wait=select; }

# bats test_tags=fast
@test "pthread_kill, a handler without SA_RESTART, in read" {
    is_its_own sigaction=USR1:siginfo listen own=tkill:USR1 wait=read
}
@test "pthread_kill, in ppoll" { is_its_own sigaction=USR2:siginfo listen own=tkill:USR2 wait=ppoll; }
@test "sigqueue" { is_its_own sigaction=HUP:siginfo,nodefer,mask_USR1 listen own=queue:HUP wait=read; }
@test "a timer" { is_its_own sigaction=USR1:siginfo,resethand listen own=timer:USR1 wait=read; }
@test "raise, a handler on a stack of its own" { is_its_own sigaction=TERM:siginfo,onstack then=exit listen own=raise:TERM wait=pause; }
@test "kill to itself, a handler with a mask" { is_its_own sigaction=TERM:siginfo,mask_HUP,mask_INT then=exit listen own=itself:TERM wait=pause; }
@test "raise, the default" { is_its_own listen own=raise:USR1 wait=pause; }
@test "kill to itself, the default" { is_its_own listen own=kill:TERM wait=pause; }
@test "kill to itself, ignored" { is_its_own ignore=USR1 signal=USR2 listen own=itself:USR1 own=kill:USR2 wait=pause; }

# bats test_tags=fast
@test "kill to itself, blocked, by sigwait" { is_its_own block=TERM set=TERM listen own=kill:TERM wait=sigwait; }
@test "kill to itself, blocked, by sigwaitinfo" { is_its_own block=all set=USR1 listen own=kill:USR1 wait=sigwaitinfo; }
@test "pthread_kill, blocked, by sigwaitinfo" { is_its_own block=all set=USR1 listen own=tkill:USR1 wait=sigwaitinfo; }
@test "kill to itself, blocked, by sigpending" { is_its_own block=TERM set=TERM listen own=kill:TERM wait=unblock; }
@test "raise, blocked, by sigpending" { is_its_own block=TERM set=TERM listen own=raise:TERM wait=unblock; }
@test "pthread_kill, blocked, by sigpending" { is_its_own block=TERM set=TERM listen own=tkill:TERM wait=unblock; }
@test "kill to itself, blocked, by signalfd" { is_its_own block=all signalfd=USR1,TERM listen own=kill:TERM wait=signalfd; }
@test "a timer, blocked, by signalfd" { is_its_own block=all signalfd=HUP listen own=timer:HUP wait=signalfd; }
@test "kill to itself before a signalfd is read" { is_its_own block=all signalfd=HUP listen own=itself:HUP wait=signalfd; }
@test "kill to itself before sigwait" { is_its_own block=all set=HUP listen own=itself:HUP wait=sigwait; }
@test "raise, blocked, by signalfd" { is_its_own block=all signalfd=TERM listen own=raise:TERM wait=signalfd; }
@test "pthread_kill, blocked, by signalfd" { is_its_own block=all signalfd=TERM listen own=tkill:TERM wait=signalfd; }

# bats test_tags=fast
# shellcheck disable=SC2016 # for the server's own shell
@test "a version that asks for its successor as soon as it serves: one, and no chain" {
    SERVER_ARGS=(-l "127.0.0.1:${PORT:=$(free_port)}" listen serve shell='kill -HUP $PPID' wait=pause)
    start_server signaller
    wait_until 60 is_gone "$SERVER_PID"
    wait_until 60 log_has 'has served for less than a second, and a process of its own asks, or one that has ended.'
    newest_leader
    SERVER_PID=$NEWEST_LEADER
    assert_only_generation "$SERVER_PID"
    # One that asks from outside gets it.
    upgrade HUP
    wait_until 60 log_has 'has served for less than a second, and a process of its own asks, or one that has ended.' 2
    assert_eq "$(log_count 'Forked child')" 2 "successors"
    assert_only_generation "$SERVER_PID"
    request /ping >/dev/null
}
