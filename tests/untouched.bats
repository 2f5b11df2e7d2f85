#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A process that never listens is left as it was; so is a server as long as no signal comes.

load helpers

# report_by LAUNCHER...: what a process sees that is executed by it.
report_by() { "$@" "$BUILD/tests/child_report" </dev/null 3>&- | grep -v '^env LD_PRELOAD='; }

# is_left_alone LAUNCHER...
is_left_alone() {
    local bare
    bare=$(report_by "$@")
    assert_eq "$(grep -c '^umask' <<<"$bare")" 1 "reports"
    diff - <(report_by env LD_PRELOAD="$LIB" "$@") <<<"$bare"
}

@test "a process sees the dispositions, mask, descriptors, threads and umask of its start" { is_left_alone env; }
@test "so does one with signals ignored" { is_left_alone env --ignore-signal=HUP,USR1,TERM,PIPE; }
@test "so does one with signals blocked" { is_left_alone env --block-signal=HUP,USR2,INT; }
# shellcheck disable=SC2016 # that sh expands it
@test "so does one that was started by a shell" { is_left_alone sh -c 'umask 077; "$0"; :'; }
@test "so does one with further descriptors, and without the usual ones" {
    # shellcheck disable=SC2016 # that sh expands it
    is_left_alone sh -c 'exec "$0" 5</dev/null 9>/dev/null 200</dev/null 0<&-'
}

# same_status COMMAND...
same_status() {
    local bare=0 with=0
    "$@" >/dev/null 2>&1 || bare=$?
    LD_PRELOAD=$LIB "$@" >/dev/null 2>&1 || with=$?
    assert_eq "$with" "$bare" "exit status of $*"
}

# bats test_tags=fast
@test "exit statuses are the same" {
    same_status true
    same_status false
    same_status sh -c 'exit 42'
    same_status sh -c 'kill -TERM $$'
    same_status sh -c 'kill -HUP $$'
    same_status sh -c 'trap "exit 9" USR1; kill -USR1 $$; exit 8'
    same_status curl --silent http://127.0.0.1:1/
    same_status /no/such/program
}

# calls_after_start LIBRARY COMMAND...: name and first argument of each system call from the first look at
# /marker on, addresses and pids replaced. What comes before is start-up: the loader's, and ours, which
# ends with the first call of a wrapper. When a child ends is a matter of chance.
calls_after_start() {
    strace -qq -E LD_PRELOAD${1:+="$1"} -o "$BATS_TEST_TMPDIR/strace" "${@:2}" >/dev/null 2>&1 || true
    sed -nE '/^(open|openat|access|faccessat2?)\(.*"\/marker"/,$p' "$BATS_TEST_TMPDIR/strace" |
        grep -v -e 'SIGCHLD' -e '^wait4' |
        sed -E 's/^([a-z_0-9]+\([^,)]*).*/\1/; s/0x[0-9a-f]+/ADDRESS/g; s/\b[0-9]{3,}\b/NUMBER/g; s/ \{.*//'
}

makes_the_same_calls() {
    local bare
    bare=$(calls_after_start "" "$@")
    assert_within "$(wc -l <<<"$bare")" "${CALLS:-3}" 10000 "system calls"
    diff - <(calls_after_start "$LIB" "$@") <<<"$bare"
}

@test "a program makes the same system calls after its start: cat" { makes_the_same_calls cat /dev/null /marker /etc/hostname; }
@test "a program makes the same system calls after its start: sh" {
    CALLS=10 makes_the_same_calls sh -c 'read -r x </dev/null; read -r x </marker; trap "echo x" HUP USR1; (echo child); kill -USR1 $$; exit 3'
}
@test "a program makes the same system calls after its start: python with sockets, signals and children" {
    CALLS=30 makes_the_same_calls /usr/bin/python3 -S -c '
import os, select, signal, socket, time
os.access("/marker", 0)
signal.signal(signal.SIGHUP, lambda *_: None)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGHUP)
ends = socket.socketpair()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tcp = socket.socket()
tcp.bind(("127.0.0.1", 0))
epoll = select.epoll()
epoll.register(ends[0], select.EPOLLIN)
epoll.poll(0.01)
select.select([ends[0]], [], [], 0.01)
poll = select.poll()
poll.register(ends[0])
poll.poll(10)
time.sleep(0.01)
os.dup2(ends[0].fileno(), 77)
os.close(77)
if os.fork() == 0:
    os._exit(4)
os.wait()
'
}

@test "a program makes the same system calls after its start: python that gives up root, and has no listener" {
    CALLS=8 makes_the_same_calls /usr/bin/python3 -S -c '
import os, socket
os.access("/marker", 0)
tcp = socket.socket()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
user = os.getuid() or 65534
if os.getuid() == 0:
    os.chroot("/")
    os.setgid(user)
os.setreuid(user, user)
os.setresuid(user, user, user)
os.setuid(user)
open("/dev/null").close()
'
}

# dies_of SIGNAL COMMAND...: by the signal's own default, with the library.
dies_of() {
    local signal=$1
    shift
    background "$BATS_TEST_TMPDIR/own.log" LD_PRELOAD="$LIB" "$@"
    wait_until 60 sleeps "$BACKGROUND_PID"
    kill -"$signal" "$BACKGROUND_PID"
    status_of "$BACKGROUND_PID"
    assert_eq "$EXIT_STATUS" $(( 128 + $(kill -l "$signal") )) "exit status after $signal"
}

# sleeps PID: what it executes is there and waits.
sleeps() { [[ $(state_of "$1") == S && $(readlink "/proc/$1/exe") != */bash && $(<"/proc/$1/wchan") != 0 ]]; }

@test "before it listens, a process's signals are its own" {
    local signal
    for signal in HUP INT TERM USR1 USR2; do dies_of "$signal" "$BUILD/tests/faulty/hangs"; done
    assert_eq "$(cat "$BATS_TEST_TMPDIR/own.log")" "" "output"
}

@test "a process that binds and does not listen keeps its signals" {
    local signal program='import socket, signal, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 0))
tcp = socket.socket(); tcp.bind(("127.0.0.1", 0))
signal.signal(signal.SIGINT, signal.SIG_DFL)
print("bound", flush=True); signal.pause()'
    for signal in HUP INT TERM USR1 USR2; do
        : >"$BATS_TEST_TMPDIR/bound.log"
        background "$BATS_TEST_TMPDIR/bound.log" LD_PRELOAD="$LIB" /usr/bin/python3 -c "$program"
        wait_until 60 grep -q bound "$BATS_TEST_TMPDIR/bound.log"
        kill -"$signal" "$BACKGROUND_PID"
        status_of "$BACKGROUND_PID"
        assert_eq "$EXIT_STATUS" $(( 128 + $(kill -l "$signal") )) "exit status after $signal"
        assert_eq "$(cat "$BATS_TEST_TMPDIR/bound.log")" bound "output"
    done
}

@test "handlers that were installed before listening run until then" {
    local program='import signal, sys
signal.signal(signal.SIGHUP, lambda *_: (print("own", flush=True), sys.exit(6)))
print("set", flush=True); signal.pause()'
    background "$BATS_TEST_TMPDIR/own.log" LD_PRELOAD="$LIB" /usr/bin/python3 -c "$program"
    wait_until 60 grep -q '^set' "$BATS_TEST_TMPDIR/own.log"
    kill -HUP "$BACKGROUND_PID"
    status_of "$BACKGROUND_PID"
    assert_eq "$EXIT_STATUS" 6 "exit status"
    assert_eq "$(tail -n 1 "$BATS_TEST_TMPDIR/own.log")" own
}

# fds_of_server NAME: numbers and targets, inodes and other numbers aside, once it is idle.
fds_of_server() {
    start_server "$1"
    server_answers
    wait_until 60 has_no_connection
    fd_list "$SERVER_PID" | sed -E 's/[0-9]{3,}/N/g'
    kill -KILL "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
}

# Nor one that is over, and that the server is about to close: the kernel lists it no more.
has_no_connection() { [[ $(ss -Htnp "sport = :$PORT") != *pid=* ]] && has_no_ended_socket; }
has_no_ended_socket() {
    local inode
    for inode in $(fd_list "$SERVER_PID" | sed -n 's/.*socket:\[\([0-9]*\)\].*/\1/p'); do
        grep -qw -- "$inode" /proc/net/{tcp,tcp6,udp,udp6,unix,netlink} || return 1
    done
}

# fds_are_its_own NAME
fds_are_its_own() {
    local bare with
    BARE=1 fds_of_server "$1" >"$BATS_TEST_TMPDIR/bare"
    rm -f "$BATS_TEST_TMPDIR/server.log"
    common_teardown
    HELPER_PIDS=()
    fds_of_server "$1" >"$BATS_TEST_TMPDIR/with"
    diff "$BATS_TEST_TMPDIR/bare" "$BATS_TEST_TMPDIR/with"
}

@test "a server that no signal has reached has its own descriptors and no others: epoll" { fds_are_its_own epoll; }
@test "a server that no signal has reached has its own descriptors and no others: threads" { fds_are_its_own threads; }
@test "a server that no signal has reached has its own descriptors and no others: redis" { fds_are_its_own redis; }
@test "a server that no signal has reached has its own descriptors and no others: memcached" { fds_are_its_own memcached; }
@test "a server that no signal has reached has its own descriptors and no others: node" { fds_are_its_own node; }
@test "a server that no signal has reached has its own descriptors and no others: python" { fds_are_its_own python_http; }

# bats test_tags=fast
@test "an idle server has no thread more, and no process: a leader" {
    local threads
    BARE=1 start_server epoll
    threads=$(status_field "$SERVER_PID" Threads)
    kill -KILL "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    rm "$SERVER_LOG"
    start_server epoll
    wait_until_started
    wait_until 60 has_threads "$SERVER_PID" "$threads"
    # It was there for the upgrade, and has gone.
    upgrade HUP
    wait_until 60 has_threads "$SERVER_PID" "$threads"
    assert_eq "$(generation_of "$SERVER_PID")" "$SERVER_PID" "processes"
}

has_threads() { [[ $(status_field "$1" Threads) == "$2" ]]; }
threads_of_all() { generation_of "$1" | while read -r pid; do status_field "$pid" Threads; done | sort | xargs; }
all_have_one_thread() { [[ $(threads_of_all "$1") == '1 1 1' ]]; }

# bats test_tags=fast
@test "an idle server has no thread more, and no process: a master and its workers" {
    start_server prefork
    wait_until_started
    wait_until 60 all_have_one_thread "$SERVER_PID"
    upgrade HUP
    wait_until 60 all_have_one_thread "$SERVER_PID"
}

@test "an idle server has no thread more: nginx and its workers" {
    start_server nginx
    wait_until_started
    wait_until 60 all_have_one_thread "$SERVER_PID"
    upgrade HUP
    wait_until 60 all_have_one_thread "$SERVER_PID"
}

@test "an idle server makes no system call" {
    start_server epoll
    wait_until_started
    wait_until 60 has_threads "$SERVER_PID" 1
    wait_until 60 sleeps_in_one_call "$SERVER_PID"
    holds_for 3 sleeps_in_one_call "$SERVER_PID"
}
switches_of() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"; }
sleeps_in_one_call() {
    local before=${SWITCHES:-}
    SWITCHES=$(switches_of "$1")
    [[ $SWITCHES == "$before" ]]
}
