#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A server that gives up root, or changes its root directory, keeps its log and its pid file, which lie where only
# root can go; its upgrade, or a line that says why there is none; and its drain. Nobody else gets what it keeps.

load helpers

setup() {
    (( EUID == 0 )) || skip "needs root, to give it up"
    common_setup
    make_public_dir
    ROOTS=$PUBLIC_DIR/roots
    mkdir -m 700 "$ROOTS"
    PID_FILE=$ROOTS/server.pid
    PORT=$(free_port)
}

# launch STEPS [SETTING...]: servers/lowers.c, with its log and its pid file in a directory of root's. Other than
# start_server, it does not mind if the first process leaves.
launch() {
    local steps=$1
    shift
    APP_DIR=$PUBLIC_DIR/app
    mkdir -p "$APP_DIR"
    SERVER_NAME=lowers PROTOCOL=http SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$steps")
    prepare_example lowers
    launch_server OCTOPUS_LOG="$ROOTS/server.log" OCTOPUS_PIDFILE="$PID_FILE" OCTOPUS_DRAIN_TIMEOUT=60s "$@"
    WATCH_PID='' wait_until 60 read_ready_line
}

# start STEPS [SETTING...]: and it is ready.
start() {
    launch "$@"
    WATCH_PID='' wait_until 60 log_has "The server has started ($SERVER_PID)."
    assert_is_nobody "$SERVER_PID"
    assert_eq "$(<"$PID_FILE")" "$SERVER_PID" "pid file"
}

# assert_is_nobody PID: all its threads are, the library's too.
assert_is_nobody() {
    local ids
    ids=$(awk '$1 == "Uid:" || $1 == "Gid:" { print $2, $3, $4, $5 }' "/proc/$1"/task/*/status 2>/dev/null | sort -u)
    assert_eq "$ids" "65534 65534 65534 65534" "users and groups of the threads"
}

kept_by() { fd_list "$1" | grep -cF " $ROOTS/" || true; }

# upgrade_and_stop: two upgrades and a stop of a server that has started.
upgrade_and_stop() {
    for _ in 1 2; do
        upgrade HUP
        assert_is_nobody "$SERVER_PID"
        assert_eq "$(<"$PID_FILE")" "$SERVER_PID" "pid file"
        assert_eq "$(kept_by "$SERVER_PID")" 2 "files that are kept"
    done
    stop_it
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
    run ! grep -vE '^(ready|worker) ' "$SERVER_LOG"
}

stop_it() {
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    [[ $(tail -n 1 "$OCTOPUS_LOG_FILE") == *'The server has shut down.' ]] || fail "last line: $(tail -n 1 "$OCTOPUS_LOG_FILE")"
    assert_eq "$(cat "$PID_FILE")" "" "pid file"
    assert_no_process_left
}

# serves_on STEPS
serves_on() {
    start "$1"
    upgrade_and_stop
}

# bats test_tags=fast
@test "a server that gives up root after it listens, by setuid" { serves_on bind,listen,setuid,serve; }
@test "a server that gives up root after it listens, by setreuid" { serves_on bind,listen,setreuid,serve; }
@test "a server that gives up root after it listens, by setresuid" { serves_on bind,listen,setresuid,serve; }
@test "a server that gives up root between bind and listen" { serves_on bind,setuid,listen,serve; }
@test "a server that becomes another user for a moment before it gives up root" { serves_on bind,listen,toggle,setuid,serve; }
@test "a server that makes itself a daemon and then gives up root" { serves_on bind,listen,daemon,setuid,serve; }
@test "a server that gives up root and then makes itself a daemon" { serves_on bind,listen,setuid,daemon,serve; }
@test "a server that gives up root and then makes itself a daemon by daemon()" { serves_on bind,listen,setuid,libc_daemon,serve; }
@test "a server that closes all numbers in a loop after it has given up root" { serves_on bind,listen,setuid,sweep,serve; }
@test "a server that closes all numbers by close_range after it has given up root" { serves_on bind,listen,setuid,range,serve; }
@test "a server that takes all numbers by dup2 after it has given up root" { serves_on bind,listen,setuid,cover,serve; }

@test "a server that becomes another user only for a moment keeps nothing" {
    launch bind,listen,toggle,serve
    wait_until_started
    assert_eq "$(kept_by "$SERVER_PID")" 0 "files that are kept"
}

@test "a server whose change of user and of root directory fail keeps nothing" {
    launch bind,listen,fail,serve
    wait_until 60 log_has "The server has started ($SERVER_PID)."
    assert_eq "$(kept_by "$SERVER_PID")" 0 "files that are kept"
}

@test "a root directory that is the same one keeps nothing" {
    launch bind,listen,chroot_top,serve
    wait_until_started
    assert_eq "$(kept_by "$SERVER_PID")" 0 "files that are kept"
    assert_eq "$(<"$PID_FILE")" "$SERVER_PID" "pid file"
}

@test "a program that binds nothing and gives up root opens nothing, and leaves the pid file alone" {
    make_public_dir
    echo 1 >"$PID_FILE"
    LD_PRELOAD=$LIB OCTOPUS_LOG=$ROOTS/server.log OCTOPUS_PIDFILE=$PID_FILE "$BUILD/tests/v1/lowers" -l 127.0.0.1:1 setuid
    assert_eq "$(ls "$ROOTS")" server.pid "files"
    assert_eq "$(<"$PID_FILE")" 1 "pid file"
}

@test "a program that binds and gives up root, and does not listen, leaves the pid file as it is" {
    echo 1 >"$PID_FILE"
    LD_PRELOAD=$LIB OCTOPUS_LOG=$ROOTS/server.log OCTOPUS_PIDFILE=$PID_FILE "$BUILD/tests/v1/lowers" -l "127.0.0.1:$PORT" bind,setuid
    assert_eq "$(<"$PID_FILE")" 1 "pid file"
}

# --- who does not get it

@test "the library's thread gives up root with the server" {
    launch bind,listen,setuid,stay
    wait_until 60 has_threads "$SERVER_PID" 2
    assert_is_nobody "$SERVER_PID"
}
has_threads() { [[ $(status_field "$1" Threads) == "$2" ]]; }

worker_pid() { awk '$1 == "worker" { print $2; exit }' "$SERVER_LOG"; }
keeps_nothing() { [[ $(kept_by "$1") == 0 ]]; }

# worker_has_none STEPS: it was forked before the server was ready.
worker_has_none() {
    start "$1"
    wait_until 60 keeps_nothing "$(worker_pid)"
    assert_eq "$(kept_by "$SERVER_PID")" 2 "files that the leader keeps"
}
@test "a worker has nothing of what the server keeps" { worker_has_none bind,listen,setuid,worker,serve; }
@test "a worker of a daemon has nothing of what the server keeps" { worker_has_none bind,listen,setuid,daemon,worker,serve; }

@test "a worker that gives up root, as its master does not, keeps nothing" {
    prepare_log
    start_server nginx OCTOPUS_LOG="$ROOTS/server.log" OCTOPUS_PIDFILE="$PID_FILE"
    wait_until_started
    for pid in $(workers_of "$SERVER_PID"); do assert_eq "$(kept_by "$pid")" 0 "files that worker $pid keeps"; done
}

# --- what is in the way

# fails_at_hup LINE: and the server serves on.
fails_at_hup() {
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has "$1"
    read_answer
    assert_eq "$ANSWER_PID" "$SERVER_PID" "who answers"
    assert_eq "$(<"$PID_FILE")" "$SERVER_PID" "pid file"
    assert_only_generation "$SERVER_PID"
}

@test "a new version that would need root fails, and the log says that it had none" {
    mkdir -p "$PUBLIC_DIR/app"
    (umask 077; : >"$PUBLIC_DIR/app/secret")
    start secret,bind,listen,setuid,serve
    fails_at_hup "as Master ($SERVER_PID) has given up root: it could not read or bind what only root can."
    log_has 'exited with status 7 before it listened'
    log_has "starts as user 65534: Master ($SERVER_PID) has given up root."
    stop_it
}

@test "a library that the server's user cannot read refuses the upgrade" {
    cp "$LIB" "$ROOTS/liboctopus.so"
    LIB=$ROOTS/liboctopus.so start bind,listen,setuid,serve
    fails_at_hup "Unable to fork a child: user 65534 cannot read $ROOTS/liboctopus.so (EACCES), without which the new version cannot take over. Master ($SERVER_PID) serves on."
    assert_eq "$(log_count 'Forked child')" 0 "children"
    stop_it
}

@test "a library that is not there any more refuses the upgrade" {
    cp "$LIB" "$PUBLIC_DIR/liboctopus.so"
    LIB=$PUBLIC_DIR/liboctopus.so start bind,listen,setuid,serve
    rm "$PUBLIC_DIR/liboctopus.so"
    fails_at_hup "cannot read $PUBLIC_DIR/liboctopus.so (ENOENT)"
    cp "$BUILD/liboctopus.so" "$PUBLIC_DIR/liboctopus.so"
    upgrade HUP
    stop_it
}

@test "in another root directory the log goes on, the upgrade is refused, and a stop drains" {
    start bind,listen,chroot,setuid,serve
    fails_at_hup "Unable to fork a child: the server has changed its root directory (chroot), and "
    start_slow 2000
    kill -TERM "$SERVER_PID"
    finish_slow "$SLOW_PID" 2000
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    log_has 'The server has shut down.'
    assert_eq "$(cat "$PID_FILE")" "" "pid file"
    assert_eq "$(find "$APP_DIR" -name '*.log' -o -name '*.pid' -o -name roots)" "" "files in the new root directory"
}

# --- real servers

# start_real NAME: with its log and its pid file in the directory of root's.
start_real() {
    start_server "$1" OCTOPUS_LOG="$ROOTS/server.log" OCTOPUS_PIDFILE="$PID_FILE" OCTOPUS_DRAIN_TIMEOUT=300s
    WATCH_PID='' wait_until 60 test -s "$PID_FILE"
    SERVER_PID=$(<"$PID_FILE")
    WATCH_PID='' wait_until 60 log_has "The server has started ($SERVER_PID)."
}

# shellcheck disable=SC2317 # start_server calls it
prepare_haproxy() {
    mkdir -p "$PUBLIC_DIR/jail"
    # The limit of processes that haproxy sets otherwise would be another reason to refuse the upgrade.
    printf '%s\n' global "chroot $PUBLIC_DIR/jail" 'user haproxy' 'group haproxy' 'nbthread 2' insecure-fork-wanted \
        defaults 'mode http' 'timeout client 300s' 'timeout server 300s' 'timeout connect 300s' \
        'listen front' "bind 127.0.0.1:$PORT" 'http-request return status 200 content-type text/plain string pong' \
        >"$APP_DIR/haproxy.cfg"
    SERVER_COMMAND=(/usr/sbin/haproxy -db -f "$APP_DIR/haproxy.cfg")
}

@test "haproxy in a chroot: its log and pid file, a HUP that is refused, and a drain" {
    local connection line
    start_real haproxy
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'Unable to fork a child: the server has changed its root directory (chroot), and '
    http_answers
    exec {connection}<>"/dev/tcp/127.0.0.1/$PORT"
    printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&"$connection"
    IFS= read -r -t 60 -u "$connection" line
    [[ $line == 'HTTP/1.1 200'* ]]
    stop_it
    exec {connection}>&-
}

@test "haproxy, which limits its processes to 0 when it gives up root, says so at HUP" {
    # shellcheck disable=SC2317 # start_server calls it
    prepare_haproxy_limited() {
        prepare_haproxy
        sed -i '/^chroot/d; /^insecure-fork-wanted/d' "$APP_DIR/haproxy.cfg"
    }
    start_real haproxy_limited
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'clone: EAGAIN: the server has limited its processes to 0 (RLIMIT_NPROC).'
    http_answers
    stop_it
}

# shellcheck disable=SC2317 # start_server calls it
prepare_lighttpd() {
    echo pong >"$APP_DIR/ping"
    chown www-data "$APP_DIR"
    printf '%s\n' "server.document-root=\"$APP_DIR\"" "server.port=$PORT" 'server.bind="127.0.0.1"' \
        "server.pid-file=\"$APP_DIR/own.pid\"" "server.errorlog=\"$APP_DIR/error.log\"" \
        'server.username="www-data"' 'server.groupname="www-data"' >"$APP_DIR/lighttpd.conf"
    SERVER_COMMAND=(/usr/sbin/lighttpd -D -f "$APP_DIR/lighttpd.conf")
}

pid_file_is_other_than() { [[ -s $PID_FILE && $(<"$PID_FILE") != "$1" ]]; }

# upgrades_real NAME: twice. Its own files are its user's, so that it can open them again.
upgrades_real() {
    start_real "$1"
    chown www-data "$APP_DIR"/*
    for _ in 1 2; do
        start_load -c 4 -p 5
        kill -HUP "$SERVER_PID"
        WATCH_PID='' wait_until 60 pid_file_is_other_than "$SERVER_PID"
        WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
        stop_load
        SERVER_PID=$(<"$PID_FILE")
        log_has "The server has started ($SERVER_PID)."
        assert_eq "$(kept_by "$SERVER_PID")" 2 "files that are kept"
    done
    stop_it
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "lighttpd that gives up root is upgraded" { upgrades_real lighttpd; }
@test "lighttpd that gives up root and then makes itself a daemon is upgraded" {
    # shellcheck disable=SC2317 # start_server calls it
    prepare_lighttpd_away() {
        prepare_lighttpd
        SERVER_COMMAND=(/usr/sbin/lighttpd -f "$APP_DIR/lighttpd.conf")
    }
    upgrades_real lighttpd_away
}
