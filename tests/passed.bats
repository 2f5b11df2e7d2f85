#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Servers that accept in one process and pass the connections to others (SCM_RIGHTS), as node's cluster module does:
# to programs executed anew, which never listen. What these hold counts as the server's own.

load helpers
load helpers.drain

prepare_node_cluster() { SERVER_COMMAND=(node "$SERVERS_DIR/node_cluster.js" "$PORT" "${HABITS[@]}"); }
prepare_python_passes() {
    SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/python_passes.py" "$PORT" "${HABITS[@]}")
}

# start_passing NAME [HABIT...]
start_passing() {
    HABITS=("${@:2}")
    start "$1"
    wait_until 60 workers_answer
}
# workers_answer: both of them have.
declare -A ANSWERED=()
workers_answer() {
    read_answer || return
    ANSWERED[$ANSWER_PID]=1
    (( ${#ANSWERED[@]} >= 2 ))
}

# is_answered SIGNAL: a request that is under way in a worker is, and then the generation leaves.
is_answered() {
    start_slow 2000
    begin_drain "$1"
    finish_slow "$SLOW_PID" 2000
    assert_drained
    assert_eq "$(log_count 'The drain ends with')" 0 "drains that did not end by themselves"
}

# keep_connection: opens one on which a request has been answered.
keep_connection() {
    open_connection
    send_text 'GET /ping HTTP/1.1\r\nHost: h\r\n\r\n'
    read_text_head
    read_text_line
    connection_is_open
}

# idle_ones_are_ended SIGNAL: the kept connections of workers are, by their processes.
idle_ones_are_ended() {
    keep_connection
    begin_drain "$1"
    wait_until 60 connection_has_ended
    assert_drained
    assert_eq "$(log_count 'The drain ends with')" 0 "drains that did not end by themselves"
}

# loses_nothing LOAD-OPTION...: three upgrades under load, and a stop.
loses_nothing() {
    local round
    start_load -c 8 "$@"
    for round in 1 2 3; do
        upgrade HUP
        wait_until 60 generation_has_answered_load
    done
    stop_load
    assert_only_generation "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    assert_eq "$(log_count 'The drain ends with')" 0 "drains that did not end by themselves"
}
generation_has_answered_load() { load_saw_version "$NEXT_VERSION"; }

# bats test_tags=fast
@test "a request under way in a worker of node's cluster is answered at an upgrade" {
    start_passing node_cluster
    is_answered HUP
}
# bats test_tags=fast
@test "so it is at a stop" {
    start_passing node_cluster
    is_answered TERM
}
@test "so it is where the server has a stop of its own" {
    start_passing node_cluster own
    is_answered TERM
}
@test "an idle kept connection of such a worker is ended at an upgrade" {
    start_passing node_cluster
    idle_ones_are_ended HUP
}
@test "so is one at a stop" {
    start_passing node_cluster
    idle_ones_are_ended TERM
}
# bats test_tags=slow
@test "upgrades of node's cluster lose no connection" {
    start_passing node_cluster
    loses_nothing -p 5
}
# bats test_tags=slow
@test "nor a request of clients that keep their connections" {
    start_passing node_cluster
    loses_nothing -k
}

# bats test_tags=fast
@test "a request under way in a worker in Python is answered" {
    start_passing python_passes executed
    is_answered HUP
    is_answered TERM
}
@test "so it is in a worker that was only forked" {
    start_passing python_passes forked
    is_answered HUP
    is_answered TERM
}
@test "so it is in a worker without the library: it is waited for" {
    start_passing python_passes bare
    is_answered HUP
    is_answered TERM
}
@test "an idle kept connection of a worker in Python is ended" {
    start_passing python_passes executed
    idle_ones_are_ended HUP
    idle_ones_are_ended TERM
}
@test "so it is in a worker that was only forked: its own" {
    start_passing python_passes forked
    idle_ones_are_ended TERM
}
@test "upgrades of such a server lose no request of clients that keep their connections" {
    start_passing python_passes executed
    loses_nothing -k
}

@test "a helper's connection to somewhere else holds no drain, nor does one of the successor's" {
    start_passing python_passes helped
    start_slow 2000
    begin_drain HUP
    keep_connection
    finish_slow "$SLOW_PID" 2000
    assert_drained
    connection_is_open
}

# on_its_way: nobody but the socket of a stopped worker has the connection.
on_its_way() {
    local pid
    for pid in "${!ANSWERED[@]}"; do
        ! grep -qs '^scm_fds:[[:space:]]*[1-9]' "/proc/$pid/fdinfo/"* || return 0
    done
    return 1
}
# An earlier connection that is just being closed would count, too.
has_no_connection() { [[ $(ss -Htnp "sport = :$PORT") != *pid=* ]]; }
@test "a connection that a worker has not taken yet is waited for" {
    start_passing python_passes executed
    wait_until 60 has_no_connection
    kill -STOP "${!ANSWERED[@]}"
    fetch /ping
    wait_until 60 on_its_way
    begin_drain TERM
    wait_until 60 log_has 'Draining: 1 connection left'
    kill -CONT "${!ANSWERED[@]}"
    assert_fetched
    assert_drained
}
