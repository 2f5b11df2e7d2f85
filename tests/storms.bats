#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Too much of everything: signals, upgrades, listeners, threads, generations. No request fails, and
# afterwards there is one generation that needs no more than the first.

load helpers
load helpers.faults

# storm COUNT SIGNAL...: COUNT signals in about a second, each to the leader of the day.
storm() {
    local count=$1 signals=("${@:2}") sent target=$SERVER_PID
    for (( sent = 0; sent < count; sent++ )); do
        (( sent % 10 != 0 )) || target=$(last_started)
        kill -"${signals[sent % ${#signals[@]}]}" "$target" 2>/dev/null || true
    done
}

# nginx_workers LEADER: while a successor is being born its leader is among the descendants, too.
nginx_workers() {
    local pid
    while read -r pid; do
        ! grep -qa '^nginx: worker' "/proc/$pid/cmdline" 2>/dev/null || echo "$pid"
    done < <(generation_of "$1")
}

# storm_on_workers COUNT SIGNAL...: each to all workers of the newest generation.
storm_on_workers() {
    local count=$1 signals=("${@:2}") sent leader workers=()
    for (( sent = 0; sent < count; sent++ )); do
        if (( sent % 50 == 0 )); then
            leader=$(last_started)
            mapfile -t workers < <(nginx_workers "$leader")
        fi
        (( ${#workers[@]} == 0 )) || kill -"${signals[sent % ${#signals[@]}]}" "${workers[@]}" 2>/dev/null || true
    done
}

# settles: what the storm has begun is over: one generation is left, and it answers.
settles() {
    wait_until 60 is_alone
    SERVER_PID=$(leader_pid)
    assert_serves_alone "$SERVER_PID"
}
is_alone() {
    local leader
    leader=$(leader_pid)
    [[ -n $leader && -z $(strangers_to "$leader") ]]
}

fds_of_generation() {
    local pid
    while read -r pid; do fd_count "$pid"; done < <(generation_of "$1") | sort -n | xargs
}
has_fds_of() { assert_eq "$(fds_of_generation "$1")" "$2" "descriptors"; }

# memory_of PID: kB resident in its whole generation.
memory_of() {
    local pid sum=0
    while read -r pid; do sum=$((sum + $(status_field "$pid" VmRSS))); done < <(generation_of "$1")
    echo "$sum"
}

survives_storm() {
    local name=$1 fds
    shift
    start_server "$name" OCTOPUS_KILL_MASTER=1
    wait_until_started
    fds=$(fds_of_generation "$SERVER_PID")
    start_load -c 2 -p 2
    storm 500 "$@"
    settles
    stop_load
    wait_until 60 has_fds_of "$SERVER_PID" "$fds"
    upgrade HUP
    assert_serves_alone "$SERVER_PID"
}

@test "500 HUP: the example epoll" { survives_storm epoll HUP; }
@test "500 HUP, USR1 and USR2: the example epoll" { survives_storm epoll HUP USR1 USR2; }
@test "500 HUP, USR1 and USR2: the example blocking" { survives_storm blocking HUP USR1 USR2; }
@test "500 HUP, USR1 and USR2: the example prefork" { survives_storm prefork HUP USR1 USR2; }
@test "500 HUP, USR1 and USR2: nginx" { survives_storm nginx HUP USR1 USR2; }
@test "500 HUP, USR1 and USR2: redis" { survives_storm redis HUP USR1 USR2; }

# nginx's workers ignore HUP and USR2 and open their logs at a USR1: signals for the leader only.
@test "500 signals to nginx's workers, while its leader is upgraded" {
    start_server nginx
    wait_until_started
    start_load -c 2 -p 2
    kill -HUP "$SERVER_PID"
    storm_on_workers 500 HUP USR1 USR2
    settles
    stop_load
    assert_eq "$(log_count '[ERR]')" 0 "[ERR] lines"
    assert_eq "$(log_count 'Forked child')" 1 "children forked"
}

# ends_in_storm NAME: at the end comes TERM. Until nobody listens any more, every request is answered.
ends_in_storm() {
    local status=0
    start_server "$1" OCTOPUS_KILL_MASTER=1
    wait_until_started
    start_load -r -c 2 -p 2
    storm 500 HUP USR1 USR2
    wait_until 60 storm_is_ended
    wait "$LOAD_PID" || status=$?
    assert_eq "$status" 0 "exit status of the load, $(tail -n 20 "$LOAD_LOG")"
    assert_no_process_left
}

# One TERM for each that may have come to lead since the last.
storm_is_ended() {
    local pid
    for pid in $(started_pids); do
        [[ " $STOPPED " == *" $pid "* ]] || ! is_alive "$pid" || { kill -TERM "$pid"; STOPPED+=" $pid"; }
    done
    [[ -z $(pids_of_test) ]]
}

@test "500 signals, then TERM: the example epoll" { ends_in_storm epoll; }
@test "500 signals, then TERM: the example prefork" { ends_in_storm prefork; }
@test "500 signals, then TERM: nginx" { ends_in_storm nginx; }

# One TERM: a second would cut the drain short, as it should.
# bats test_tags=fast
@test "HUP, TERM and HUP in one breath: nothing stays" {
    local status=0
    start_server epoll
    wait_until_started
    start_load -r -c 2 -p 2
    STOPPED=$SERVER_PID
    # A breath may be long enough for an upgrade on a busy machine: then its TERM is for the new one.
    {
        for _ in {1..10}; do kill -HUP "$SERVER_PID" || true; done
        kill -TERM "$SERVER_PID" || true
        for _ in {1..10}; do kill -HUP "$SERVER_PID" || true; done
    } 2>/dev/null
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    wait_until 60 storm_is_ended
    wait "$LOAD_PID" || status=$?
    assert_eq "$status" 0 "exit status of the load, $(tail -n 20 "$LOAD_LOG")"
    assert_no_process_left
}

# many_upgrades COUNT NAME: needs no more in the end than after the first of them.
many_upgrades() {
    local fds memory round
    start_server "$2"
    wait_until_started
    start_load -c 2 -p 2
    upgrade HUP
    fds=$(fds_of_generation "$SERVER_PID")
    memory=$(memory_of "$SERVER_PID")
    for (( round = 0; round < $1; round++ )); do upgrade HUP; done
    stop_load
    wait_until 60 has_fds_of_or_less "$SERVER_PID" "$fds"
    assert_within "$(memory_of "$SERVER_PID")" 0 $((memory + memory / 10 + 512)) "kB resident, after $memory"
    assert_serves_alone "$SERVER_PID"
    assert_eq "$(log_count '[ERR]')" 0 "[ERR] lines"
}

# A connection of the load may have been open at the first look.
has_fds_of_or_less() { (( $(fds_of_generation "$1" | tr ' ' + ) <= $(tr ' ' + <<<"$2") )); }

@test "50 upgrades as fast as they go: the example epoll" { many_upgrades 50 epoll; }
@test "15 upgrades as fast as they go: the example prefork" { many_upgrades 15 prefork; }
@test "15 upgrades as fast as they go: nginx" { many_upgrades 15 nginx; }

@test "64 listeners of nginx, upgraded five times under load" {
    local fds
    PORTS=()
    while (( ${#PORTS[@]} < 64 )); do PORTS+=("$(free_port)"); done
    PORT=${PORTS[0]}
    prepare_nginx() {
        SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
        write_nginx_config off "127.0.0.1:$PORT" "$(printf 'listen 127.0.0.1:%s; ' "${PORTS[@]:1}")"
    }
    start_server nginx
    wait_until_started
    fds=$(fds_of_generation "$SERVER_PID")
    start_load -c 2 -p 2
    for _ in {1..5}; do upgrade HUP; done
    stop_load
    for PORT in "${PORTS[@]}"; do
        set_url
        server_answers || fail "port $PORT"
    done
    wait_until 60 has_fds_of "$SERVER_PID" "$fds"
    assert_eq "$(log_count '[ERR]')" 0 "[ERR] lines"
    assert_eq "$(log_count 'Imported a listener')" $((5 * 64)) "listeners imported"
}

# hold_idle COUNT: that many connections, of which nobody says a word. Sets HOLDER.
hold_idle() {
    ( ulimit -n $(($1 + 64)); exec "$BUILD/tests/hold" -n "$1" -i "$URL" ) >"$BATS_TEST_TMPDIR/hold.log" 2>&1 3>&- &
    HOLDER=$!
    HELPER_PIDS+=("$HOLDER")
    wait_until 60 grep -qx "connected $1" "$BATS_TEST_TMPDIR/hold.log"
}

hold_ended_well() {
    local status=0
    wait "$HOLDER" || status=$?
    assert_eq "$status" 0 "exit status of hold: $(cat "$BATS_TEST_TMPDIR/hold.log")"
}

prepare_wide_threads() {
    prepare_example threads
    SERVER_COMMAND=(prlimit --nofile=2048: "${SERVER_COMMAND[@]}")
}
threads_are() { (( $(status_field "$SERVER_PID" Threads) >= $1 )); }

@test "1,000 threads, each with an idle connection: HUP, then TERM" {
    start_server wide_threads
    wait_until_started
    hold_idle 1000
    wait_until 60 threads_are 1000
    start_load -c 2 -p 2
    upgrade HUP
    stop_load
    hold_ended_well
    assert_serves_alone "$SERVER_PID"
    hold_idle 1000
    wait_until 60 threads_are 1000
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    hold_ended_well
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "[ERR] lines"
}

@test "six generations at a time, each with requests under way: all are answered" {
    local holder holders=()
    start_server threads OCTOPUS_DRAIN_TIMEOUT=30s
    wait_until_started
    start_load -c 2 -p 2
    for _ in {1..5}; do
        "$BUILD/tests/hold" -q -n 10 -t 30000 "$URL/slow?ms=4000" >"$BATS_TEST_TMPDIR/hold${#holders[@]}.log" 2>&1 3>&- &
        holders+=($!)
        HELPER_PIDS+=($!)
        wait_until 60 grep -qx 'sent 10' "$BATS_TEST_TMPDIR/hold$(( ${#holders[@]} - 1 )).log"
        upgrade_beside HUP
        SERVER_PID=$NEW_PID
    done
    assert_eq "$(pids_of_test | wc -l)" 6 "generations at a time"
    for holder in "${holders[@]}"; do
        wait "$holder" || fail "a request under way was lost: $(cat "$BATS_TEST_TMPDIR"/hold?.log)"
    done
    stop_load
    settles
}

@test "generations beside each other by USR2: each serves, and each leaves by its own TERM" {
    local pid
    start_server epoll
    wait_until_started
    start_load -c 2 -p 2
    for _ in {1..5}; do
        upgrade_beside USR2
        SERVER_PID=$NEW_PID
    done
    assert_eq "$(pids_of_test | wc -l)" 6 "generations at a time"
    for pid in $(started_pids | head -n 5); do
        kill -TERM "$pid"
    done
    for pid in $(started_pids | head -n 5); do
        wait_until 60 is_gone "$pid"
    done
    stop_load
    assert_serves_alone "$SERVER_PID"
    assert_eq "$(log_count '[ERR]')" 0 "[ERR] lines"
}
