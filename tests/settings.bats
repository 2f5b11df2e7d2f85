#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# What each variable changes, what a bad value of it leads to, and the lines of the log.

load helpers
load helpers.slow

STAMP='[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}'

# start NAME [SETTING=VALUE...]
start() {
    start_server "$@"
    wait_until_started
}

prepare_python_stop() { SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/python_stop.py" "$PORT" "$STOP_MODE"); }

# stopped_by SIGNAL: sets EXIT_STATUS and STOP_MS.
stopped_by() {
    local begin
    begin=$(now_ms)
    kill -"$1" "$SERVER_PID"
    status_of "$SERVER_PID"
    STOP_MS=$(( $(now_ms) - begin ))
}

refuses() { ! server_answers; }

# the_log: the library's lines, the stamps and the pids of the generations replaced by names.
the_log() {
    local pids=() pid script='s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}/DEADLINE/' number=0
    mapfile -t pids < <(sed -n 's/.*The server has started (\([0-9]*\))\.$/\1/p' "$OCTOPUS_LOG_FILE")
    for pid in "${pids[@]}"; do script+=";s/\\($pid\\)/(PID$((++number)))/g"; done
    sed -E "s|^$STAMP |STAMP |;s|127\\.0\\.0\\.1:$PORT|PLACE|;s|(liboctopus\\.so) [0-9.]+\\.$|\\1 VERSION.|;$script" "$OCTOPUS_LOG_FILE"
}

# Two processes write: who comes first where both have something to say at once is open.
assert_log_is() { diff <(LC_ALL=C sort) <(the_log | LC_ALL=C sort); }

# bats test_tags=fast
@test "the log tells an upgrade by HUP and a stop, word for word" {
    start epoll
    upgrade HUP
    stop_successor TERM
    assert_log_is <<'EOF2'
STAMP [INFO] Running under liboctopus.so VERSION.
STAMP [INFO] Created a new listener on PLACE.
STAMP [INFO] The server has started (PID1).
STAMP [INFO] Server (PID1) received signal "hangup".
STAMP [INFO] Forked child (PID2).
STAMP [INFO] Imported a listener from file.
STAMP [INFO] Running under liboctopus.so VERSION.
STAMP [INFO] The server has started (PID2).
STAMP [INFO] Master (PID1) was killed.
STAMP [INFO] Digesting requests will be timed out at DEADLINE
STAMP [INFO] The server has shut down.
STAMP [INFO] Server (PID2) received signal "terminated".
STAMP [INFO] Digesting requests will be timed out at DEADLINE
STAMP [INFO] The server has shut down.
EOF2
}

# Not a child of the test: its status is not to be had.
stop_successor() {
    kill -"$1" "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
}

@test "the log tells an upgrade by USR1, word for word" {
    local first
    start epoll
    first=$SERVER_PID
    upgrade_beside USR1
    wait_until 60 log_has 'is still alive'
    stopped_by INT
    SERVER_PID=$NEW_PID
    stop_successor INT
    assert_log_is <<'EOF2'
STAMP [INFO] Running under liboctopus.so VERSION.
STAMP [INFO] Created a new listener on PLACE.
STAMP [INFO] The server has started (PID1).
STAMP [INFO] Server (PID1) received signal "user defined signal 1".
STAMP [INFO] Forked child (PID2).
STAMP [INFO] Imported a listener from file.
STAMP [INFO] Running under liboctopus.so VERSION.
STAMP [INFO] The server has started (PID2).
STAMP [INFO] Master (PID1) is still alive.
STAMP [INFO] Server (PID1) received signal "interrupt".
STAMP [INFO] Digesting requests will be timed out at DEADLINE
STAMP [INFO] The server has shut down.
STAMP [INFO] Server (PID2) received signal "interrupt".
STAMP [INFO] Digesting requests will be timed out at DEADLINE
STAMP [INFO] The server has shut down.
EOF2
}

# Zones without rules, so that the test needs no zone files.
times_are_of_zone() {
    local before after line deadline
    before=$(TZ=$1 date '+%Y/%m/%d %H:%M:%S')
    start epoll TZ="$1" OCTOPUS_DRAIN_TIMEOUT=100s
    stopped_by TERM
    after=$(TZ=$1 date '+%Y/%m/%d %H:%M:%S')
    assert_eq "$(wc -l <"$OCTOPUS_LOG_FILE")" 6 "lines"
    while IFS= read -r line; do
        [[ ! ${line:0:19} < $before && ! ${line:0:19} > $after ]] || fail "not $before to $after: $line"
    done <"$OCTOPUS_LOG_FILE"
    deadline=$(sed -n 's/.*timed out at //p' "$OCTOPUS_LOG_FILE")
    assert_within "$(TZ=$1 date -d "$deadline" +%s)" $(( $(TZ=$1 date -d "$before" +%s) + 99 )) \
        $(( $(TZ=$1 date -d "$after" +%s) + 101 )) "the deadline"
}

@test "the log has local time: east" { times_are_of_zone XXX-5:45; }
@test "the log has local time: west" { times_are_of_zone XXX+11; }

# --- OCTOPUS_SIGNALS

@test "nginx gets HUP and USR1 itself when only USR2 is ours" {
    local workers
    start nginx OCTOPUS_SIGNALS=USR2=replace
    workers=$(generation_of "$SERVER_PID" | grep -vx "$SERVER_PID" | sort)
    mv "$APP_DIR/error.log" "$APP_DIR/error.log.1"
    kill -USR1 "$SERVER_PID"
    wait_until 60 test -e "$APP_DIR/error.log"
    assert_eq "$(generation_of "$SERVER_PID" | grep -vx "$SERVER_PID" | sort)" "$workers" "workers"
    deploy_version v2
    kill -HUP "$SERVER_PID"
    wait_until 60 version_is v2
    is_alive "$SERVER_PID"
    run ! log_has 'received signal'
    upgrade USR2
    assert_eq "$(log_count 'Forked child')" 1 "children forked"
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    run ! log_has 'signal "terminated"'
}

version_is() { [[ $(answering_version) == "$1" ]]; }

@test "a signal that is left to the server does what it does without us" {
    start epoll OCTOPUS_SIGNALS='USR2=replace TERM=stop'
    stopped_by HUP
    # 128 and the number of HUP: killed by it.
    assert_eq "$EXIT_STATUS" 129 "exit status"
}

@test "signals can change places" {
    local first
    start epoll OCTOPUS_SIGNALS='QUIT=replace,SIGWINCH=fork HUP=stop'
    upgrade QUIT
    first=$SERVER_PID
    upgrade_beside WINCH
    wait_until 60 log_has 'is still alive'
    is_alive "$first"
    kill -HUP "$first"
    wait_until 60 is_gone "$first"
    SERVER_PID=$NEW_PID
    server_answers
    assert_only_generation "$SERVER_PID"
}

# --- OCTOPUS_KILL_MASTER

replaces_or_stays() {
    local old
    start epoll OCTOPUS_KILL_MASTER="$2"
    old=$SERVER_PID
    upgrade_beside "$1"
    if [[ $2 == 1 ]]; then
        wait_until 60 is_gone "$old"
        log_has "[INFO] Master ($old) was killed."
        run ! log_has 'is still alive'
        assert_only_generation "$NEW_PID"
    else
        wait_until 60 log_has "[INFO] Master ($old) is still alive."
        holds_for 0.5 is_alive "$old"
        is_alive "$NEW_PID"
        run ! log_has 'was killed'
    fi
}

@test "USR1 with OCTOPUS_KILL_MASTER=1 replaces" { replaces_or_stays USR1 1; }
@test "USR2 with OCTOPUS_KILL_MASTER=1 replaces" { replaces_or_stays USR2 1; }
@test "USR1 with OCTOPUS_KILL_MASTER=0 stays" { replaces_or_stays USR1 0; }
@test "USR2 with OCTOPUS_KILL_MASTER=0 stays" { replaces_or_stays USR2 0; }
@test "HUP with OCTOPUS_KILL_MASTER=0 replaces all the same" {
    start epoll OCTOPUS_KILL_MASTER=0
    upgrade HUP
}

# --- durations

@test "OCTOPUS_DRAIN_TIMEOUT cuts what outlasts it" {
    start threads OCTOPUS_DRAIN_TIMEOUT=700ms
    start_slow 8000
    stopped_by TERM
    assert_within "$STOP_MS" 650 4900 "milliseconds"
    status_of "$SLOW_PID"
    # 52, 56: no answer.
    assert_regex "$EXIT_STATUS" '^5[26]$'
    assert_no_process_left
}

@test "OCTOPUS_DRAIN_TIMEOUT lets finish what does not" {
    start threads OCTOPUS_DRAIN_TIMEOUT=8s
    start_slow 6000
    stopped_by TERM
    assert_eq "$EXIT_STATUS" 0 "exit status of the server"
    run ! log_has 'The drain ends with'
    status_of "$SLOW_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status of the client"
}

@test "OCTOPUS_READY_TIMEOUT ends one that hangs, and lets one come that is only slow" {
    local begin
    start epoll OCTOPUS_READY_TIMEOUT=1500ms
    cp "$BUILD/tests/faulty/hangs" "$APP_DIR/new"
    mv "$APP_DIR/new" "$APP_DIR/epoll"
    begin=$(now_ms)
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has '[ERR]'
    assert_within $(( $(now_ms) - begin )) 1450 29000 "milliseconds"
    log_has "was not ready within 1500 ms: killed. Master ($SERVER_PID) serves on."
    printf '%s\n' '#!/bin/sh' 'sleep 0.7' "exec $BUILD/tests/v2/epoll \"\$@\"" >"$APP_DIR/new"
    chmod +x "$APP_DIR/new"
    mv "$APP_DIR/new" "$APP_DIR/epoll"
    kill -HUP "$SERVER_PID"
    wait_until 60 version_is v2
    wait_until 60 is_gone "$SERVER_PID"
    assert_eq "$(log_count '[ERR]')" 1 "[ERR] lines"
}

@test "OCTOPUS_LAME_DUCK goes on accepting after TERM, for that long" {
    local begin
    start epoll OCTOPUS_LAME_DUCK=1200ms
    begin=$(now_ms)
    kill -TERM "$SERVER_PID"
    wait_until 60 log_has 'received signal "terminated"'
    while server_answers; do :; done
    assert_within $(( $(now_ms) - begin )) 1150 60000 "milliseconds"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
}

@test "a second TERM cuts OCTOPUS_LAME_DUCK short" {
    start epoll OCTOPUS_LAME_DUCK=20s
    kill -TERM "$SERVER_PID"
    wait_until 60 log_has 'received signal "terminated"'
    server_answers
    stopped_by TERM
    assert_within "$STOP_MS" 0 19000 "milliseconds"
    assert_eq "$EXIT_STATUS" 0 "exit status"
}

@test "without OCTOPUS_LAME_DUCK nothing is accepted after TERM" {
    start epoll "$HELD_SETTING"
    begin_held_request
    kill -TERM "$SERVER_PID"
    end_held_request_in_drain refuses
}

# --- OCTOPUS_STOP_SIGNAL, OCTOPUS_STOP_TIMEOUT

@test "nginx is stopped gracefully with OCTOPUS_STOP_SIGNAL=QUIT" {
    prepare_nginx() {
        SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
        write_nginx_config off "127.0.0.1:$PORT"
        sed -i 's/^error_log .*/error_log error.log notice;/' "$APP_DIR/nginx.conf"
    }
    start nginx OCTOPUS_STOP_SIGNAL=QUIT
    stopped_by TERM
    assert_eq "$EXIT_STATUS" 0 "exit status"
    grep -q 'signal 3 (SIGQUIT) received' "$APP_DIR/error.log"
    run ! grep -q 'signal 15' "$APP_DIR/error.log"
    assert_no_process_left
}

@test "a server's own stop handler runs once, and its exit status stays" {
    STOP_MODE=leave start python_stop
    stopped_by TERM
    assert_eq "$EXIT_STATUS" 7 "exit status"
    assert_eq "$(grep '^got' "$SERVER_LOG")" "got 15"
}

@test "OCTOPUS_STOP_SIGNAL is what the server's own handler gets" {
    STOP_MODE=leave start python_stop OCTOPUS_STOP_SIGNAL=QUIT
    stopped_by INT
    assert_eq "$EXIT_STATUS" 7 "exit status"
    assert_eq "$(grep '^got' "$SERVER_LOG")" "got 3"
}

@test "a server that ignores TERM exits with 0 when it is drained" {
    STOP_MODE=ignore start python_stop
    stopped_by TERM
    assert_eq "$EXIT_STATUS" 0 "exit status"
    assert_within "$STOP_MS" 0 9900 "milliseconds"
}

@test "a server whose handler does not stop it is killed after OCTOPUS_STOP_TIMEOUT, with one line" {
    STOP_MODE=stay start python_stop OCTOPUS_STOP_TIMEOUT=1s
    stopped_by TERM
    assert_eq "$EXIT_STATUS" 137 "exit status"
    assert_within "$STOP_MS" 950 9900 "milliseconds"
    assert_eq "$(grep '^got' "$SERVER_LOG")" "got 15"
    assert_eq "$(the_log | grep -F '[ERR]')" \
        'STAMP [ERR] Server (PID1) did not stop within 1000 ms of its signal "terminated": killed.'
    assert_no_process_left
}

@test "one that does not stop after its successor has come is killed all the same" {
    STOP_MODE=stay start python_stop OCTOPUS_STOP_TIMEOUT=1s OCTOPUS_STOP_SIGNAL=QUIT
    kill -HUP "$SERVER_PID"
    wait_until 60 is_newest_leader_other_than "$SERVER_PID"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 137 "exit status"
    assert_eq "$(the_log | grep -F '[ERR]')" \
        'STAMP [ERR] Server (PID1) did not stop within 1000 ms of its signal "quit": killed.'
    server_answers
    assert_only_generation "$NEWEST_LEADER"
}

# --- OCTOPUS_PIDFILE

pidfile_is() { [[ -f $APP_DIR/run/pid && $(<"$APP_DIR/run/pid") == "$1" ]]; }
no_pidfile() { [[ -z $(ls -A "$APP_DIR/run") ]]; }

# start_with_pidfile NAME [SETTING=VALUE...]
start_with_pidfile() {
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app
    mkdir -p "$APP_DIR/run"
    chmod 1777 "$APP_DIR" "$APP_DIR/run"
    start "$@"
}

@test "OCTOPUS_PIDFILE names each generation in turn, and goes with the last" {
    start_with_pidfile epoll OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$SERVER_PID"
    upgrade HUP
    pidfile_is "$SERVER_PID"
    upgrade HUP
    pidfile_is "$SERVER_PID"
    assert_eq "$(ls -A "$APP_DIR/run")" pid "files"
    stop_successor TERM
    no_pidfile
}

@test "OCTOPUS_PIDFILE names the old one until the new one is ready, and is not the old one's to remove" {
    local old
    make_public_dir
    start_with_pidfile threads OCTOPUS_PIDFILE="$PUBLIC_DIR/app/run/pid"
    old=$SERVER_PID
    mkfifo "$APP_DIR/gate"
    printf '%s\n' '#!/bin/sh' 'read -r line <gate' "exec $BUILD/tests/v2/threads \"\$@\"" >"$APP_DIR/new"
    chmod +x "$APP_DIR/new"
    mv "$APP_DIR/new" "$APP_DIR/threads"
    start_slow 2000
    kill -HUP "$old"
    wait_until 60 log_has 'Forked child'
    pidfile_is "$old"
    echo >"$APP_DIR/gate"
    wait_until 60 is_newest_leader_other_than "$old"
    pidfile_is "$NEWEST_LEADER"
    is_alive "$old"
    wait_until 60 is_gone "$old"
    pidfile_is "$NEWEST_LEADER"
    status_of "$SLOW_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status of the client"
}

@test "OCTOPUS_PIDFILE is whole at every moment of ten upgrades" {
    local round reader wrong=$BATS_TEST_TMPDIR/wrong
    start_with_pidfile epoll OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$SERVER_PID"
    while [[ ! -e $BATS_TEST_TMPDIR/done ]]; do
        read -r line <"$APP_DIR/run/pid" && [[ $line =~ ^[0-9]+$ ]] || echo "'$line'" >>"$wrong"
    done 3>&- &
    reader=$!
    HELPER_PIDS+=("$reader")
    for round in {1..10}; do upgrade HUP; done
    touch "$BATS_TEST_TMPDIR/done"
    wait "$reader"
    [[ ! -e $wrong ]] || fail "read: $(cat "$wrong")"
    assert_eq "$(ls -A "$APP_DIR/run")" pid "files"
}

@test "OCTOPUS_PIDFILE survives a failed upgrade" {
    start_with_pidfile epoll OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$SERVER_PID"
    rm "$APP_DIR/epoll"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has '[ERR]'
    pidfile_is "$SERVER_PID"
}

@test "OCTOPUS_PIDFILE names the older of two generations again when the newer leaves" {
    start_with_pidfile epoll OCTOPUS_PIDFILE=run/pid
    upgrade_beside USR1
    wait_until 60 pidfile_is "$NEW_PID"
    wait_until 60 log_has 'is still alive'
    kill -TERM "$NEW_PID"
    wait_until 60 is_gone "$NEW_PID"
    wait_until 60 pidfile_is "$SERVER_PID"
    stopped_by TERM
    no_pidfile
}

@test "OCTOPUS_PIDFILE that somebody else has written since is not handed back either" {
    start_with_pidfile epoll OCTOPUS_PIDFILE=run/pid
    upgrade_beside USR1
    wait_until 60 log_has 'is still alive'
    echo 1 >"$APP_DIR/run/pid"
    kill -TERM "$NEW_PID"
    wait_until 60 is_gone "$NEW_PID"
    pidfile_is 1
}

@test "OCTOPUS_PIDFILE stays with the newer of two generations when the older leaves" {
    start_with_pidfile epoll OCTOPUS_PIDFILE=run/pid
    upgrade_beside USR1
    wait_until 60 log_has 'is still alive'
    stopped_by TERM
    pidfile_is "$NEW_PID"
}

@test "OCTOPUS_PIDFILE goes with a server that leaves of its own accord" {
    STOP_MODE=stay start_with_pidfile python_stop OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$SERVER_PID"
    run request /leave
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 8 "exit status"
    no_pidfile
}

@test "OCTOPUS_PIDFILE goes with a server that was stopped by its own handler" {
    STOP_MODE=leave start_with_pidfile python_stop OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$SERVER_PID"
    stopped_by TERM
    assert_eq "$EXIT_STATUS" 7 "exit status"
    no_pidfile
}

@test "OCTOPUS_PIDFILE that somebody else has written since is not ours to remove" {
    start_with_pidfile epoll OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$SERVER_PID"
    echo 1 >"$APP_DIR/run/pid"
    stopped_by TERM
    pidfile_is 1
}

@test "OCTOPUS_PIDFILE of a killed server is written over by the next start" {
    start_with_pidfile epoll OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$SERVER_PID"
    stopped_by KILL
    pidfile_is "$SERVER_PID"
    : >"$SERVER_LOG"
    start epoll OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$SERVER_PID"
}

@test "OCTOPUS_PIDFILE names the daemon, not the process that started it" {
    start_with_pidfile nginx_daemon OCTOPUS_PIDFILE=run/pid
    wait_until 60 pidfile_is "$(<"$APP_DIR/server.pid")"
    upgrade HUP
    pidfile_is "$SERVER_PID"
    stop_successor TERM
    no_pidfile
}

@test "OCTOPUS_PIDFILE that cannot be written costs one line per generation, not the service" {
    start epoll OCTOPUS_PIDFILE=no/such/directory/pid
    assert_eq "$(log_count '[ERR]')" 1 "[ERR] lines"
    log_has "OCTOPUS_PIDFILE"
    log_has "$APP_DIR/no/such/directory/pid"
    upgrade HUP
    assert_eq "$(log_count '[ERR]')" 2 "[ERR] lines"
}

# --- OCTOPUS_LOG

# start_plainly [SETTING=VALUE...]: without the log file that start_server names. OCTOPUS_LOG_FILE is stderr,
# SERVER_LOG stdout.
start_plainly() {
    SERVER_LOG=$BATS_TEST_TMPDIR/out.log
    OCTOPUS_LOG_FILE=$BATS_TEST_TMPDIR/err.log
    PROTOCOL=http PORT=$(free_port)
    # shellcheck disable=SC2016 # that sh expands it
    background "$SERVER_LOG" LD_PRELOAD="$LIB" "$@" sh -c 'exec "$@" 2>"$0"' "$OCTOPUS_LOG_FILE" \
        "$BUILD/tests/v1/epoll" -l "127.0.0.1:$PORT"
    WATCH_PID=$BACKGROUND_PID wait_until 60 test -s "$OCTOPUS_LOG_FILE"
    WATCH_PID=$BACKGROUND_PID wait_until 60 log_has 'The server has started'
}

@test "OCTOPUS_LOG is stderr by default" {
    start_plainly
    run ! grep -F '[INFO]' "$SERVER_LOG"
    assert_eq "$(grep -cvE "^$STAMP \[INFO\] " "$OCTOPUS_LOG_FILE")" 0 "other lines"
}

@test "OCTOPUS_LOG=stderr" {
    start epoll OCTOPUS_LOG=stderr
    grep -qE "^$STAMP \[INFO\] The server has started \($SERVER_PID\)\.$" "$SERVER_LOG"
}

@test "OCTOPUS_LOG with an absolute path, and one that is rotated" {
    start epoll OCTOPUS_LOG="$BATS_TEST_TMPDIR/own.log"
    run ! grep -F '[INFO]' "$SERVER_LOG"
    mv "$BATS_TEST_TMPDIR/own.log" "$BATS_TEST_TMPDIR/own.old"
    upgrade HUP
    grep -qF 'received signal "hangup"' "$BATS_TEST_TMPDIR/own.log"
    run ! grep -F 'received signal' "$BATS_TEST_TMPDIR/own.old"
}

@test "OCTOPUS_LOG with a relative path starts at the directory of the start" {
    start epoll OCTOPUS_LOG=own.log
    grep -qF "The server has started ($SERVER_PID)." "$APP_DIR/own.log"
    run ! grep -F '[INFO]' "$SERVER_LOG"
}

@test "OCTOPUS_LOG=none" {
    start_server epoll OCTOPUS_LOG=none
    kill -HUP "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    server_answers
    assert_eq "$(grep -cv -e '^listening' -e '^ready' "$SERVER_LOG")" 0 "other lines"
    assert_eq "$(find "$APP_DIR" -name '*none*')" "" "files"
}

@test "OCTOPUS_LOG that cannot be opened: one line, and stderr is used" {
    start_plainly OCTOPUS_LOG=/no/such/directory/log
    assert_eq "$(log_count '[ERR]')" 1 "[ERR] lines"
    log_has 'OCTOPUS_LOG="/no/such/directory/log": '
    log_has 'Using the default, stderr.'
}

# --- bad values

# is_bad VARIABLE VALUE EXPECTED: one line for each generation, and the service goes on.
is_bad() {
    start epoll OCTOPUS_LOG=stderr "$1=$2"
    assert_bad_line 1 "$@"
    upgrade HUP
    assert_bad_line 2 "$@"
    stop_successor TERM
}

assert_bad_line() {
    local line
    assert_eq "$(log_count '[ERR]')" "$1" "[ERR] lines"
    line=$(grep -F '[ERR]' "$OCTOPUS_LOG_FILE" | tail -n 1)
    assert_regex "$line" "^$STAMP \[ERR\] "
    [[ $line == *"[ERR] $2=\"$3\": expected $4"* ]] || fail "$line"
}

# bats test_tags=fast
@test "a bad OCTOPUS_SIGNALS" { is_bad OCTOPUS_SIGNALS 'HUP=reload' 'SIGNAL=replace, SIGNAL=fork or SIGNAL=stop'; }
@test "a bad OCTOPUS_KILL_MASTER" { is_bad OCTOPUS_KILL_MASTER yes '0 or 1. Using the default, 0.'; }
@test "a bad OCTOPUS_DRAIN_TIMEOUT" { is_bad OCTOPUS_DRAIN_TIMEOUT 5x 'a duration'; }
@test "a bad OCTOPUS_READY_TIMEOUT" { is_bad OCTOPUS_READY_TIMEOUT -1 'a duration'; }
@test "a bad OCTOPUS_SETTLE_TIMEOUT" { is_bad OCTOPUS_SETTLE_TIMEOUT never 'a duration'; }
@test "a bad OCTOPUS_LAME_DUCK" { is_bad OCTOPUS_LAME_DUCK 'one second' 'a duration'; }
@test "a bad OCTOPUS_IDLE_GRACE" { is_bad OCTOPUS_IDLE_GRACE soon 'a duration'; }
@test "a bad OCTOPUS_HTTP_CLOSE" { is_bad OCTOPUS_HTTP_CLOSE yes 'auto or off'; }
@test "a bad OCTOPUS_STOP_TIMEOUT" { is_bad OCTOPUS_STOP_TIMEOUT '' 'a duration'; }
@test "a bad OCTOPUS_STOP_SIGNAL" { is_bad OCTOPUS_STOP_SIGNAL GRACEFUL 'the name of a signal, like TERM or QUIT. Using the default, TERM.'; }
@test "a bad OCTOPUS_PIDFILE" { is_bad OCTOPUS_PIDFILE '' 'a path. No pid file is written.'; }

@test "bad values in a process that never listens cost not a line" {
    run -0 env LD_PRELOAD="$LIB" OCTOPUS_SIGNALS=x OCTOPUS_DRAIN_TIMEOUT=x OCTOPUS_KILL_MASTER=x /bin/true
    assert_output ""
}
