#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A server's own signals: whatever it sets, and however it waits, it reads back what it wrote, is not
# disturbed by an upgrade, and at the end hears its TERM once, as if the library were not there. What
# "as if" means is measured: the same server without the library reports the same lines.

load helpers
load helpers.slow

# report_of PID: what the server reported, without its process id.
report_of() { sed -n "s/^$1 //p" "$SERVER_LOG"; }

# is_waiting PID: the server has come to its last step and sleeps in it: not for the moment that
# writing the line may take, so two looks must agree.
is_waiting() {
    local look
    grep -q "^$1 waits" "$SERVER_LOG" || return
    look=$(cat "/proc/$1/task/$1/syscall")
    pause 0.02
    [[ $look != running && $(cat "/proc/$1/task/$1/syscall") == "$look" ]]
}

# start_signaller STEP...: with the library unless BARE=1; NOHUP=1 starts it by nohup(1).
start_signaller() {
    PORT=${PORT:-$(free_port)}
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$@")
    : >"$BATS_TEST_TMPDIR/server.log"
    if [[ ${NOHUP:-0} == 1 ]]; then start_server nohup "$HELD_SETTING"; else start_server signaller "$HELD_SETTING"; fi
    WATCH_PID=$SERVER_PID wait_until 60 is_waiting "$SERVER_PID"
}

prepare_nohup() {
    prepare_example signaller
    SERVER_COMMAND=(nohup "${SERVER_COMMAND[@]}")
}

# learn_from_bare STEP...: sets BARE_REPORT and BARE_STATUS, of a server that got TERM.
learn_from_bare() {
    BARE=1 start_signaller "$@"
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    BARE_STATUS=$EXIT_STATUS
    BARE_REPORT=$(report_of "$SERVER_PID")
}

# fail_upgrade COUNT: HUP while there is no program to start; the server serves on.
fail_upgrade() {
    mv "$APP_DIR/signaller" "$APP_DIR/away"
    kill -HUP "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 log_has 'Unable to fork a child' "$1"
    mv "$APP_DIR/away" "$APP_DIR/signaller"
    request /ping >/dev/null
}

# begin_request, end_request: one is under way while the server drains, until it has gone back to its wait,
# so that the wait ends by its own TERM. Not where the wait is the accept itself.
begin_request() { [[ $* == *wait=accept ]] || begin_held_request; }
end_request() { [[ $* == *wait=accept ]] || end_held_request_in_drain is_waiting "$SERVER_PID"; }

# hears_term_its_own_way STEP...: an upgrade that fails, one that works, a stop; both generations have
# the bare server's report, and with it each TERM heard exactly once. The exit status is the bare one's
# too, unless STATUS names another: a death by TERM after a clean drain counts as success.
hears_term_its_own_way() {
    local old
    learn_from_bare "$@"
    start_signaller "$@"
    wait_until_started
    fail_upgrade 1
    old=$SERVER_PID
    begin_request "$@"
    upgrade_beside HUP
    end_request "$@"
    follow_upgrade
    status_of "$old"
    assert_eq "$(report_of "$old")" "$BARE_REPORT" "report of the first generation"
    assert_eq "$EXIT_STATUS" "${STATUS:-$BARE_STATUS}" "exit status"
    wait_until 60 is_waiting "$SERVER_PID"
    begin_request "$@"
    kill -TERM "$SERVER_PID"
    end_request "$@"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_eq "$(report_of "$SERVER_PID")" "$BARE_REPORT" "report of the second generation"
    assert_no_process_left
}

# is_undisturbed STEP...: a server without handlers is not told of upgrades that fail.
is_undisturbed() {
    learn_from_bare "$@"
    start_signaller "$@"
    wait_until_started
    fail_upgrade 1
    fail_upgrade 2
    fail_upgrade 3
    assert_eq "$(report_of "$SERVER_PID")" "$BARE_REPORT" "report"
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    assert_eq "$(report_of "$SERVER_PID")" "$BARE_REPORT" "report"
    assert_no_process_left
}

# bats test_tags=fast
@test "TERM its own way: a handler by signal before listening" {
    hears_term_its_own_way read signal=TERM read listen read serve then=exit wait=pause
}

@test "TERM its own way: a handler by signal after listening" {
    hears_term_its_own_way listen read signal=TERM read serve then=exit wait=pause
}

@test "TERM its own way: by signal, set twice, ignored and set anew after listening" {
    hears_term_its_own_way signal=TERM listen signal=TERM ignore=TERM default=TERM signal=TERM read serve wait=read
}

@test "TERM its own way: every signal of ours caught, before listening" {
    hears_term_its_own_way signal=HUP signal=INT signal=USR1 signal=USR2 sigaction=TERM:siginfo \
        listen read serve wait=poll
}

@test "TERM its own way: every signal of ours caught, after listening" {
    hears_term_its_own_way listen signal=HUP signal=INT signal=USR1 signal=USR2 sigaction=TERM:siginfo \
        read serve wait=poll
}

@test "TERM its own way: ignored and default dispositions read back" {
    hears_term_its_own_way ignore=HUP sigignore=USR1 listen ignore=INT sigignore=USR2 default=HUP signal=TERM \
        read serve wait=select
}

@test "TERM its own way: bsd_signal before listening" {
    hears_term_its_own_way bsd_signal=TERM listen read serve wait=read
}

@test "TERM its own way: bsd_signal after listening" {
    hears_term_its_own_way listen bsd_signal=TERM read serve wait=read
}

@test "TERM its own way: ssignal before listening" {
    hears_term_its_own_way ssignal=TERM listen read serve wait=read
}

@test "TERM its own way: ssignal after listening" {
    hears_term_its_own_way listen ssignal=TERM read serve wait=read
}

@test "TERM its own way: sysv_signal before listening" {
    hears_term_its_own_way sysv_signal=TERM listen read serve wait=read
}

@test "TERM its own way: sysv_signal after listening" {
    hears_term_its_own_way listen sysv_signal=TERM read serve wait=read
}

@test "TERM its own way: __sysv_signal, which signal becomes under -D_XOPEN_SOURCE" {
    hears_term_its_own_way __sysv_signal=TERM listen read __sysv_signal=TERM read serve wait=read
}

@test "TERM its own way: sigset before listening" {
    hears_term_its_own_way sigset=TERM listen read serve wait=read
}

@test "TERM its own way: sigset after listening, which also unblocks" {
    hears_term_its_own_way block=TERM listen serve hold=TERM sigset=TERM read wait=read
}

@test "TERM its own way: sigset holds the signal that sigsuspend lets in" {
    hears_term_its_own_way sigset=TERM listen hold=TERM hold=TERM read serve set=TERM wait=sigsuspend
}

@test "TERM its own way: siginterrupt before signal" {
    hears_term_its_own_way siginterrupt=TERM signal=TERM listen read serve wait=read
}

@test "TERM its own way: siginterrupt after listening" {
    hears_term_its_own_way signal=TERM listen siginterrupt=TERM read serve wait=read
}

@test "TERM its own way: siginterrupt taken back" {
    hears_term_its_own_way siginterrupt=TERM signal=TERM listen uninterrupt=TERM read serve wait=read
}

@test "TERM its own way: sigaction without flags interrupts, before listening" {
    hears_term_its_own_way sigaction=TERM listen read serve wait=read
}

@test "TERM its own way: sigaction without flags interrupts, after listening" {
    hears_term_its_own_way listen sigaction=TERM read serve wait=read
}

@test "TERM its own way: SA_RESTART before listening" {
    hears_term_its_own_way sigaction=TERM:restart listen read serve wait=read
}

@test "TERM its own way: SA_RESTART after listening" {
    hears_term_its_own_way listen sigaction=TERM:restart read serve wait=read
}

@test "TERM its own way: SA_SIGINFO before listening" {
    hears_term_its_own_way sigaction=TERM:siginfo listen read serve wait=read
}

@test "TERM its own way: SA_SIGINFO after listening" {
    hears_term_its_own_way listen sigaction=TERM:siginfo read serve wait=read
}

@test "TERM its own way: SA_RESETHAND before listening" {
    hears_term_its_own_way sigaction=TERM:resethand listen read serve wait=read
}

@test "TERM its own way: SA_RESETHAND after listening, raised again by the handler" {
    STATUS=0 hears_term_its_own_way listen sigaction=TERM:resethand,siginfo read serve then=reraise wait=pause
}

@test "TERM its own way: SA_NODEFER before listening" {
    hears_term_its_own_way sigaction=TERM:nodefer listen read serve wait=read
}

@test "TERM its own way: SA_NODEFER after listening" {
    hears_term_its_own_way listen sigaction=TERM:nodefer read serve wait=read
}

@test "TERM its own way: SA_ONSTACK before listening" {
    hears_term_its_own_way sigaction=TERM:onstack listen read serve wait=read
}

@test "TERM its own way: SA_ONSTACK after listening" {
    hears_term_its_own_way listen sigaction=TERM:onstack read serve wait=read
}

@test "TERM its own way: sa_mask before listening" {
    hears_term_its_own_way sigaction=TERM:mask_USR1,mask_HUP,mask_KILL listen read serve wait=read
}

@test "TERM its own way: sa_mask after listening" {
    hears_term_its_own_way listen sigaction=TERM:mask_USR1,mask_HUP,mask_KILL read serve wait=read
}

@test "TERM its own way: all flags at once, set twice" {
    hears_term_its_own_way sigaction=TERM:restart,siginfo,resethand,nodefer,onstack,mask_INT listen \
        sigaction=TERM:restart,siginfo,resethand,nodefer,onstack,mask_INT read serve wait=read
}

@test "TERM its own way: a handler that raises it again by default" {
    STATUS=0 hears_term_its_own_way signal=TERM listen serve then=reraise wait=pause
}

@test "TERM its own way: a handler that exits, in the thread that accepts" {
    hears_term_its_own_way signal=TERM listen then=exit wait=accept
}

@test "TERM its own way: a handler that interrupts accept" {
    hears_term_its_own_way sigaction=TERM listen wait=accept
}

@test "TERM its own way: blocked for a while, and no handler" {
    STATUS=0 hears_term_its_own_way block=TERM listen read serve set=TERM wait=unblock
    assert_eq "$(log_count 'The server has shut down.')" 2 "clean ends"
}

@test "TERM its own way: sigwait" {
    hears_term_its_own_way block=TERM listen read serve set=TERM wait=sigwait
}

@test "TERM its own way: sigwait for all, everything blocked" {
    hears_term_its_own_way block=all listen read serve set=all wait=sigwait
}

@test "TERM its own way: sigwaitinfo" {
    hears_term_its_own_way block=TERM listen read serve set=TERM wait=sigwaitinfo
}

@test "TERM its own way: sigwaitinfo, everything blocked after listening" {
    hears_term_its_own_way listen block=all read serve set=TERM wait=sigwaitinfo
}

@test "TERM its own way: sigtimedwait" {
    hears_term_its_own_way block=TERM,INT listen read serve set=TERM,INT wait=sigtimedwait
}

@test "TERM its own way: a signalfd made before listening" {
    hears_term_its_own_way block=TERM signalfd=TERM listen read serve wait=signalfd
}

@test "TERM its own way: a signalfd made after listening" {
    hears_term_its_own_way block=TERM listen signalfd=TERM read serve wait=signalfd
}

@test "TERM its own way: a signalfd for all of ours, in an epoll set" {
    hears_term_its_own_way block=all signalfd=HUP,INT,TERM,USR1,USR2 listen read serve wait=signalfd_epoll
}

@test "TERM its own way: a signalfd made after listening, in an epoll set" {
    hears_term_its_own_way block=all listen signalfd=HUP,INT,TERM,USR1,USR2 read serve wait=signalfd_epoll
}

@test "TERM its own way: a signalfd whose set changes after listening" {
    hears_term_its_own_way block=TERM,INT signalfd=INT listen signalfd=TERM,INT read serve wait=signalfd_epoll
}

@test "TERM its own way: a signalfd that is moved to another number" {
    hears_term_its_own_way block=TERM moved_signalfd=TERM listen read serve wait=signalfd
}

@test "TERM its own way: ppoll that alone lets it in" {
    hears_term_its_own_way signal=TERM block=TERM listen read serve set=TERM wait=ppoll
}

@test "TERM its own way: pselect that alone lets it in" {
    hears_term_its_own_way signal=TERM block=TERM listen read serve set=TERM wait=pselect
}

@test "TERM its own way: epoll_pwait that alone lets it in" {
    hears_term_its_own_way signal=TERM block=TERM listen read serve set=TERM wait=epoll_pwait
}

@test "TERM its own way: epoll_pwait2 that alone lets it in" {
    hears_term_its_own_way signal=TERM block=TERM listen read serve set=TERM wait=epoll_pwait2
}

@test "TERM its own way: sigsuspend that lets all of ours in" {
    hears_term_its_own_way signal=TERM signal=HUP block=all listen read serve set=TERM,HUP,INT,USR1,USR2 \
        wait=sigsuspend
}

@test "TERM its own way: blocked where it accepts, open where it waits" {
    hears_term_its_own_way sigaction=TERM:siginfo block=all listen serve unblock=TERM read wait=epoll_wait
}

@test "TERM its own way: blocked where it waits, open where it accepts" {
    hears_term_its_own_way sigaction=TERM:siginfo,restart listen serve block=TERM read wait=poll
}

@test "TERM its own way: each generation has the mask of the start, whatever was blocked before listening" {
    hears_term_its_own_way mask block=TERM,USR1,INT mask signal=TERM listen serve set=TERM wait=sigsuspend
}

@test "TERM its own way: a server started by nohup" {
    NOHUP=1 hears_term_its_own_way read listen signal=TERM read serve wait=poll
}

@test "TERM its own way: a server started by nohup that catches HUP all the same" {
    NOHUP=1 hears_term_its_own_way signal=HUP signal=TERM listen read serve wait=poll
}

@test "undisturbed by failed upgrades: pause" { is_undisturbed listen serve read wait=pause; }
@test "undisturbed by failed upgrades: sigsuspend" { is_undisturbed listen serve block=INT set=INT wait=sigsuspend; }
@test "undisturbed by failed upgrades: nanosleep" { is_undisturbed listen serve wait=nanosleep; }
@test "undisturbed by failed upgrades: clock_nanosleep" { is_undisturbed listen serve wait=clock_nanosleep; }
@test "undisturbed by failed upgrades: sleep" { is_undisturbed listen serve wait=sleep; }
@test "undisturbed by failed upgrades: read" { is_undisturbed listen serve wait=read; }
@test "undisturbed by failed upgrades: poll" { is_undisturbed listen serve wait=poll; }
@test "undisturbed by failed upgrades: ppoll" { is_undisturbed listen serve wait=ppoll; }
@test "undisturbed by failed upgrades: select" { is_undisturbed listen serve wait=select; }
@test "undisturbed by failed upgrades: pselect" { is_undisturbed listen serve wait=pselect; }
@test "undisturbed by failed upgrades: epoll_wait" { is_undisturbed listen serve wait=epoll_wait; }
@test "undisturbed by failed upgrades: epoll_pwait" { is_undisturbed listen serve wait=epoll_pwait; }
@test "undisturbed by failed upgrades: epoll_pwait2" { is_undisturbed listen serve wait=epoll_pwait2; }
@test "undisturbed by failed upgrades: sigwait" { is_undisturbed block=QUIT listen serve set=QUIT wait=sigwait; }
@test "undisturbed by failed upgrades: sigwaitinfo" { is_undisturbed block=QUIT listen serve set=QUIT wait=sigwaitinfo; }
@test "undisturbed by failed upgrades: sigtimedwait" { is_undisturbed block=QUIT listen serve set=QUIT wait=sigtimedwait; }
@test "undisturbed by failed upgrades: signalfd" { is_undisturbed block=QUIT signalfd=QUIT listen serve wait=signalfd; }
@test "undisturbed by failed upgrades: accept" { is_undisturbed listen wait=accept; }
@test "undisturbed by failed upgrades: accept with a time limit" { is_undisturbed listen wait=limited_accept; }
@test "undisturbed by failed upgrades: read with a time limit" { is_undisturbed listen serve wait=limited_read; }
@test "undisturbed by failed upgrades: readv with a time limit" { is_undisturbed listen serve wait=limited_readv; }
@test "undisturbed by failed upgrades: recv with a time limit" { is_undisturbed listen serve wait=limited_recv; }
@test "undisturbed by failed upgrades: recvfrom with a time limit" { is_undisturbed listen serve wait=limited_recvfrom; }
@test "undisturbed by failed upgrades: recvmsg with a time limit" { is_undisturbed listen serve wait=limited_recvmsg; }
@test "undisturbed by failed upgrades: write with a time limit" { is_undisturbed listen serve wait=limited_write; }
@test "undisturbed by failed upgrades: writev with a time limit" { is_undisturbed listen serve wait=limited_writev; }
@test "undisturbed by failed upgrades: send with a time limit" { is_undisturbed listen serve wait=limited_send; }
@test "undisturbed by failed upgrades: sendto with a time limit" { is_undisturbed listen serve wait=limited_sendto; }
@test "undisturbed by failed upgrades: sendmsg with a time limit" { is_undisturbed listen serve wait=limited_sendmsg; }
