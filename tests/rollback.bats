#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A new version that does not come to serve: the old one never stopped, the log says why in one line,
# nothing stays of the attempt, and the next one works. And new versions that come to serve other ports.

load helpers

# start_under_load NAME [SETTING=VALUE...]
start_under_load() {
    start_server "$@"
    wait_until_started
    FDS_BEFORE=$(fd_list "$SERVER_PID")
    GENERATION_BEFORE=$(generation_of "$SERVER_PID" | sort)
    start_load -c 4 -p 5
}

# put_binary FILE: what the next generation executes; the running one keeps its own.
put_binary() {
    cp "$1" "$APP_DIR/new"
    mv "$APP_DIR/new" "$APP_DIR/$EXAMPLE"
}

# put_script LINE...
put_script() {
    printf '%s\n' "$@" >"$APP_DIR/new"
    chmod +x "$APP_DIR/new"
    mv "$APP_DIR/new" "$APP_DIR/$EXAMPLE"
}

# An upgrade that must fail with a line that has TEXT, after PID.
upgrade_fails() {
    kill -HUP "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 grep -qF '[ERR]' "$OCTOPUS_LOG_FILE"
    # Long enough for several rounds of the load after the last process has been cleared away.
    holds_for 0.3 is_alive "$LOAD_PID"
    stop_load
    assert_eq "$(grep -cF '[ERR]' "$OCTOPUS_LOG_FILE")" 1 "[ERR] lines"
    run -0 grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    assert_regex "$output" "^[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} \[ERR\] $1\$"
    assert_untouched_since
}

# The old one is as it was before, and alone.
assert_untouched_since() {
    assert_eq "$(generation_of "$SERVER_PID" | sort)" "$GENERATION_BEFORE" "processes of the server"
    assert_only_generation "$SERVER_PID"
    assert_eq "$(zombies_of_test)" "" "zombies"
    wait_until 60 fds_are_as_before
    assert_eq "$(status_field "$SERVER_PID" SigBlk)" 0000000000000000 "blocked signals"
    assert_eq "$(answering_version)" v1 "version that answers"
}

fds_are_as_before() { diff <(fd_list "$SERVER_PID") - <<<"$FDS_BEFORE"; }

good_upgrade_follows() {
    start_load -c 4 -p 5
    upgrade HUP v2
    wait_until 60 load_saw_version v2
    stop_load
    assert_only_generation "$SERVER_PID"
    assert_eq "$(grep -cF '[ERR]' "$OCTOPUS_LOG_FILE")" "${1:-1}" "[ERR] lines"
}

@test "a new version that is missing" {
    start_under_load epoll
    rm "$APP_DIR/epoll"
    upgrade_fails "Unable to fork a child: $APP_DIR/\./epoll: no such file \(or its interpreter\)\."
    good_upgrade_follows
}

@test "a new version that is not executable" {
    start_under_load epoll
    chmod -x "$APP_DIR/epoll"
    upgrade_fails "Unable to fork a child: $APP_DIR/\./epoll: permission denied, expected an executable file\."
    rm "$APP_DIR/epoll"
    good_upgrade_follows
}

@test "a new version that exits at once" {
    start_under_load epoll
    put_binary "$BUILD/tests/faulty/exits_at_once"
    upgrade_fails "Child \([0-9]+\) exited with status 3 before it listened\. Master \($SERVER_PID\) serves on\."
    good_upgrade_follows
}

# bats test_tags=fast
@test "a new version that crashes before it listens" {
    start_under_load epoll
    put_binary "$BUILD/tests/faulty/crashes"
    upgrade_fails "Child \([0-9]+\) was killed by signal \"aborted\" \(6\) before it listened\. Master \($SERVER_PID\) serves on\."
    good_upgrade_follows
}

@test "a new version that hangs for ever" {
    start_under_load epoll OCTOPUS_READY_TIMEOUT=1s
    put_binary "$BUILD/tests/faulty/hangs"
    upgrade_fails "Child \([0-9]+\) was not ready within 1000 ms: killed\. Master \($SERVER_PID\) serves on\."
    good_upgrade_follows
}

@test "a new version that is statically linked" {
    start_under_load epoll
    put_binary "$BUILD/tests/faulty/static_ping"
    upgrade_fails "Unable to fork a child: $APP_DIR/\./epoll is statically linked: it would not load liboctopus\.so\."
    good_upgrade_follows
}

@test "a new version that is a text without #!" {
    start_under_load epoll
    put_script "exec ./other"
    upgrade_fails "Unable to fork a child: $APP_DIR/\./epoll: not a program or a #! script\."
    good_upgrade_follows
}

@test "a new version that is a script without its interpreter" {
    start_under_load epoll
    put_script "#!/no/such/interpreter" "exec ./other"
    upgrade_fails "Unable to fork a child: $APP_DIR/\./epoll: no such file \(or its interpreter\)\."
    good_upgrade_follows
}

@test "a new version that lacks a shared library" {
    start_under_load epoll
    LC_ALL=C sed 's/libc\.so\.6/libq.so.6/' "$BUILD/tests/v2/epoll" >"$BATS_TEST_TMPDIR/lacking"
    chmod +x "$BATS_TEST_TMPDIR/lacking"
    put_binary "$BATS_TEST_TMPDIR/lacking"
    upgrade_fails "Child \([0-9]+\) exited with status 127 before it had taken the hand-over\. Master \($SERVER_PID\) serves on\."
    good_upgrade_follows
}

@test "a new version that is still being written" {
    local writer
    start_under_load epoll
    put_binary "$BUILD/tests/v2/epoll"
    exec {writer}>>"$APP_DIR/epoll"
    upgrade_fails "Unable to fork a child: $APP_DIR/\./epoll: it is still being written\."
    exec {writer}>&-
    good_upgrade_follows
}

@test "a new version whose children outlive it, in sessions of their own" {
    start_under_load epoll OCTOPUS_READY_TIMEOUT=1s
    put_script '#!/bin/sh' 'setsid sleep 600 & setsid sh -c "trap : TERM HUP; sleep 600 & wait" &' 'exit 4'
    upgrade_fails "Child \([0-9]+\) .*\. Master \($SERVER_PID\) serves on\."
    good_upgrade_follows
}

@test "a new version that cannot bind its further port" {
    start_under_load epoll
    BARE=1 background "$BATS_TEST_TMPDIR/other.log" "$BUILD/tests/v1/epoll" -l 127.0.0.1:0
    wait_until 60 grep -q '^ready' "$BATS_TEST_TMPDIR/other.log"
    GENERATION_BEFORE=$(generation_of "$SERVER_PID" | sort)
    put_script '#!/bin/sh' \
        "exec $BUILD/tests/v2/epoll -l 127.0.0.1:$PORT -l 127.0.0.1:$(awk '/^ready/ { print $2 }' "$BATS_TEST_TMPDIR/other.log")"
    kill -HUP "$SERVER_PID"
    wait_until 60 grep -qF '[ERR]' "$OCTOPUS_LOG_FILE"
    kill -KILL "$BACKGROUND_PID"
    stop_load
    run -0 grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    assert_output --regexp "Child \([0-9]+\) exited with status 1 before it .*\. Master \($SERVER_PID\) serves on\."
    assert_untouched_since
    good_upgrade_follows
}

@test "a working directory that was deleted" {
    start_under_load epoll OCTOPUS_LOG=stderr
    mv "$APP_DIR" "$APP_DIR.away"
    mkdir "$APP_DIR.other"
    kill -HUP "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 grep -qF '[ERR]' "$OCTOPUS_LOG_FILE"
    stop_load
    run -0 grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    assert_output --regexp "\[ERR\] Unable to fork a child: working directory $APP_DIR: no such directory\.\$"
    mv "$APP_DIR.away" "$APP_DIR"
    assert_untouched_since
    good_upgrade_follows
}

@test "a broken configuration of nginx" {
    start_under_load nginx
    echo 'this is no directive;' >>"$APP_DIR/nginx.conf"
    kill -HUP "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 grep -qF '[ERR]' "$OCTOPUS_LOG_FILE"
    stop_load
    run -0 grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    assert_output --regexp "\[ERR\] Child \([0-9]+\) exited with status 1 before it listened\. Master \($SERVER_PID\) serves on\.\$"
    assert_eq "${#lines[@]}" 1 "[ERR] lines"
    assert_untouched_since
    good_upgrade_follows
}

@test "ten failures in a row leave nothing, and the eleventh works" {
    local round
    start_under_load epoll
    put_binary "$BUILD/tests/faulty/exits_at_once"
    for round in {1..10}; do
        kill -HUP "$SERVER_PID"
        WATCH_PID=$SERVER_PID wait_until 60 has_errors "$round"
    done
    stop_load
    assert_untouched_since
    good_upgrade_follows 10
}

has_errors() { (( $(grep -cF '[ERR]' "$OCTOPUS_LOG_FILE") == $1 )); }

answers_on() { curl --silent --show-error --fail --noproxy '*' --max-time 60 "http://127.0.0.1:$1/ping"; }

refuses_on() {
    run curl --silent --noproxy '*' --max-time 60 "http://127.0.0.1:$1/ping"
    # 7: could not connect.
    (( status == 7 ))
}

# upgrade_to_ports ADDRESS...: the next generation listens there, whatever its command line says: what is
# executed is a script, and what that executes is what a further generation will be.
upgrade_to_ports() {
    local old=$SERVER_PID next=epoll_$((++STAGE)) places=() place
    for place; do places+=(-l "127.0.0.1:$place"); done
    cp "$BUILD/tests/v2/epoll" "$APP_DIR/$next"
    put_script '#!/bin/sh' "exec ./$next ${places[*]}"
    EXAMPLE=$next
    kill -HUP "$old"
    wait_until 60 is_newest_leader_other_than "$old"
    wait_until 60 is_gone "$old"
    SERVER_PID=$NEWEST_LEADER
    assert_eq "$(answering_version)" v2 "version that answers"
}

# start_on_ports PORT...: the first generation. The load goes to the first port.
start_on_ports() {
    local place
    PORT=$1 STAGE=0 SERVER_ARGS=()
    for place; do SERVER_ARGS+=(-l "127.0.0.1:$place"); done
    start_server epoll OCTOPUS_SETTLE_TIMEOUT=1s
    wait_until_started
}

@test "a new version that no longer binds one of two ports ends that listener, and loses nothing there" {
    local kept dropped status=0
    kept=$(free_port) dropped=$(free_port)
    start_on_ports "$kept" "$dropped"
    start_load -c 4 -p 5
    "$BUILD/tests/load" -r -c 4 "http://127.0.0.1:$dropped/ping" >"$BATS_TEST_TMPDIR/dropped.log" 2>&1 3>&- &
    HELPER_PIDS+=($!)
    wait_until 60 grep -q '^first' "$BATS_TEST_TMPDIR/dropped.log"
    upgrade_to_ports "$kept"
    wait "${HELPER_PIDS[-1]}" || status=$?
    stop_load
    assert_eq "$status" 0 "exit status of the load on the dropped port, $(cat "$BATS_TEST_TMPDIR/dropped.log")"
    assert_eq "$(grep '^refused_end ' "$BATS_TEST_TMPDIR/dropped.log")" "refused_end 4"
    refuses_on "$dropped"
    answers_on "$kept"
    assert_eq "$(pids_listening_on "$dropped")" "" "who listens on the dropped port"
    assert_only_generation "$SERVER_PID"
    # What was dropped can be had again.
    upgrade_to_ports "$kept" "$dropped"
    answers_on "$dropped"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

@test "a new version that binds one more port has it" {
    local kept more
    kept=$(free_port) more=$(free_port)
    start_on_ports "$kept"
    assert_eq "$(grep -o 'Created a new listener on .*' "$OCTOPUS_LOG_FILE")" \
        "Created a new listener on 127.0.0.1:$kept." "log of the first"
    run ! grep -q 'Unable to import' "$OCTOPUS_LOG_FILE"
    start_load -c 4 -p 5
    upgrade_to_ports "$kept" "$more"
    answers_on "$more"
    stop_load
    assert_eq "$(sed -n 's/.*\[INFO\] \(.*listener.*\)/\1/p' "$OCTOPUS_LOG_FILE" | tail -n +2)" "Imported a listener from file.
Unable to import a listener from file: unable to find listener on 127.0.0.1:$more. Trying to create a new one.
Created a new listener on 127.0.0.1:$more." "log of the second"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    # From now on it is handed over like the other.
    start_load -c 4 -p 5
    upgrade_to_ports "$more" "$kept"
    answers_on "$more"
    stop_load
    assert_eq "$(grep -c 'Imported a listener from file\.' "$OCTOPUS_LOG_FILE")" 3 "listeners imported"
}

@test "nginx with one listener less and one more" {
    local dropped more old
    dropped=$(free_port) more=$(free_port) PORT=$(free_port)
    prepare_nginx() {
        SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
        write_nginx_config off "127.0.0.1:$PORT" "listen 127.0.0.1:$OTHER_PORT;"
    }
    OTHER_PORT=$dropped start_server nginx OCTOPUS_SETTLE_TIMEOUT=1s
    answers_on "$dropped"
    start_load -c 4 -p 5
    OTHER_PORT=$more upgrade HUP v2
    wait_until 60 load_saw_version v2
    stop_load
    answers_on "$more"
    refuses_on "$dropped"
    assert_only_generation "$SERVER_PID"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

# gate_successor: the next version waits before it becomes the server until open_gate.
gate_successor() {
    mkfifo "$APP_DIR/gate"
    put_script '#!/bin/sh' 'read -r line <gate' "exec $BUILD/tests/v2/epoll -l 127.0.0.1:$PORT"
}

open_gate() { echo >"$APP_DIR/gate"; }

being_born() {
    local pid
    pid=$(sed -n 's/.*Forked child (\([0-9]*\))\.$/\1/p' "$OCTOPUS_LOG_FILE" | tail -n 1)
    [[ -n $pid ]] && is_alive "$pid" && [[ $(<"/proc/$pid/comm") == epoll || $(<"/proc/$pid/comm") == sh ]]
}

cancelled_by() {
    local status=0
    start_server epoll
    wait_until_started
    start_load -r -c 4 -p 5
    gate_successor
    kill -HUP "$SERVER_PID"
    wait_until 60 being_born
    kill -"$1" "$SERVER_PID"
    status_of "$SERVER_PID"
    wait "$LOAD_PID" || status=$?
    assert_eq "$status" 0 "exit status of the load, $(cat "$LOAD_LOG")"
    assert_eq "$EXIT_STATUS" 0 "exit status of the server"
    assert_no_process_left
    assert_eq "$(grep -c "\[INFO\] Child ([0-9]*) was cancelled: the server is to stop\.\$" "$OCTOPUS_LOG_FILE")" 1 "cancelled"
    assert_eq "$(grep -c 'The server has shut down\.$' "$OCTOPUS_LOG_FILE")" 1 "shut down"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

@test "TERM while a successor starts cancels it, and the server drains" { cancelled_by TERM; }
@test "INT while a successor starts cancels it, and the server drains" { cancelled_by INT; }

@test "a second upgrade while a successor starts is refused with a line, and the first one goes on" {
    local old signal
    start_server epoll
    wait_until_started
    old=$SERVER_PID
    start_load -c 4 -p 5
    gate_successor
    kill -HUP "$old"
    wait_until 60 being_born
    for signal in HUP USR1 USR2; do
        kill -"$signal" "$old"
        wait_until 60 has_refused "$signal"
    done
    open_gate
    wait_until 60 is_gone "$old"
    wait_until 60 load_saw_version v2
    stop_load
    assert_eq "$(grep -c 'Forked child' "$OCTOPUS_LOG_FILE")" 1 "children forked"
    newest_leader
    assert_only_generation "$NEWEST_LEADER"
}

# has_refused SIGNAL: the last of HUP, USR1, USR2 has been answered.
has_refused() {
    local -A number=([HUP]=1 [USR1]=2 [USR2]=3)
    (( $(grep -c "\[ERR\] Refused to fork a child: Server ($SERVER_PID) is starting a successor\.\$" "$OCTOPUS_LOG_FILE") == number[$1] ))
}

@test "a server that is killed while a successor starts leaves its listener to the successor" {
    start_server epoll
    wait_until_started
    gate_successor
    kill -HUP "$SERVER_PID"
    wait_until 60 being_born
    kill -KILL "$SERVER_PID"
    status_of "$SERVER_PID"
    # This one waits in the queue until the new one comes.
    answers_on "$PORT" >"$BATS_TEST_TMPDIR/answer" &
    HELPER_PIDS+=($!)
    open_gate
    wait "${HELPER_PIDS[0]}"
    assert_eq "$(cut -d ' ' -f 2 "$BATS_TEST_TMPDIR/answer")" v2 "version that answers"
    wait_until 60 is_newest_leader_other_than "$SERVER_PID"
    SERVER_PID=$NEWEST_LEADER
    assert_only_generation "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}
