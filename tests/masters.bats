#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Masters that do not listen, and workers that do so for themselves: forked before any of them did, or executed anew
# with the master's socket. They are one server: one HUP replaces all of it, and one TERM stops all of it.

load helpers

setup() {
    common_setup
    make_public_dir
    PIDFILE=$PUBLIC_DIR/pidfile
}

prepare_python_apart() { SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/apart.py" "$PORT" 2 "${HABITS[@]}"); }
prepare_uvicorn() {
    SERVER_COMMAND=(/usr/bin/python3 -m uvicorn --app-dir "$SERVERS_DIR" --port "$PORT" --workers 2 --no-access-log
        asgi_app:application)
}
prepare_hypercorn() {
    SERVER_COMMAND=(env PYTHONPATH="$SERVERS_DIR" /usr/bin/python3 -m hypercorn --bind "127.0.0.1:$PORT" --workers 2
        asgi_app:application)
}

# start_master NAME [HABIT...]
start_master() {
    HABITS=("${@:2}") PORT=$(free_port)
    start_server "$1" OCTOPUS_PIDFILE="$PIDFILE"
    wait_until_started
    assert_eq "$(<"$PIDFILE")" "$SERVER_PID" "pid file"
}

# stops_whole: nothing is left of the server.
stops_whole() {
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    wait_until 60 nothing_is_left
    [[ ! -e $PIDFILE ]] || fail "the pid file is left"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    assert_eq "$(log_count 'serves on until it does')" 0 "upgrades whose workers were not seen to wait"
}
nothing_is_left() { [[ -z $(pids_of_test) ]]; }

# is_one_server LOAD-OPTIONS NAME [HABIT...]: three upgrades under load, and a stop.
is_one_server() {
    local load round
    read -r -a load <<<"$1"
    start_master "${@:2}"
    wait_until 60 all_listen
    start_load -c 8 "${load[@]}"
    for round in 1 2 3; do
        upgrade HUP
        assert_eq "$(<"$PIDFILE")" "$SERVER_PID" "pid file after upgrade $round"
        wait_until 60 only_generation_is_left
        wait_until 60 log_has 'Imported a listener from file.' $((round * ${LISTENERS:-1}))
    done
    stop_load
    assert_eq "$(log_count 'The server has started')" 4 "servers that have started"
    assert_eq "$(log_count 'The server has shut down')" 3 "servers that have shut down"
    assert_eq "$(log_count 'Imported a listener from file.')" $((3 * ${LISTENERS:-1})) "listeners imported"
    stops_whole
}
# all_listen: each worker has a socket of its own, if LISTENERS says so.
all_listen() { (( $(ss -Hltn "sport = :$PORT" | wc -l) == ${LISTENERS:-1} )); }
only_generation_is_left() { [[ -z $(strangers_to "$SERVER_PID") ]]; }

# bats test_tags=fast
@test "workers that bind with SO_REUSEPORT, forked before any of them does, are one server" {
    LISTENERS=2 is_one_server '-p 5' python_apart gentle
}
@test "so they are where the master has no handler for its stop" { LISTENERS=2 is_one_server '-p 5' python_apart plain; }
@test "so they are for clients that keep their connections" { LISTENERS=2 is_one_server -k python_apart gentle; }
@test "workers that listen on what their master has bound are one server" { is_one_server '-p 5' python_apart gentle bound; }
# bats test_tags=fast
@test "workers that are executed anew with their master's socket are one server: uvicorn" { is_one_server '-p 5' uvicorn; }
@test "so they are for clients that keep their connections: uvicorn" { is_one_server -k uvicorn; }
@test "workers that are executed anew with their master's socket are one server: hypercorn" { is_one_server '-p 5' hypercorn; }

# has_workers COUNT: the master has so many children, and so many processes listen.
has_workers() {
    workers_of "$SERVER_PID"
    (( ${#WORKERS[@]} == $1 + 1 )) && (( $(pids_listening_on "$PORT" | wc -l) == $1 ))
}

@test "a worker that is started later is one of them" {
    local before
    start_master python_apart gentle renews
    wait_until 60 has_workers 2
    before=${WORKERS[0]}
    start_load -c 4 -p 5
    kill -TERM "$before"
    wait_until 60 is_gone "$before"
    wait_until 60 has_workers 2
    upgrade HUP
    wait_until 60 only_generation_is_left
    stop_load
    stops_whole
}

@test "a worker's other signals are its own" {
    start_master python_apart gentle renews
    wait_until 60 has_workers 2
    kill -HUP "${WORKERS[0]}"
    wait_until 60 is_gone "${WORKERS[0]}"
    wait_until 60 has_workers 2
    assert_eq "$(log_count 'received signal')" 0 "signals that the server has received"
    stops_whole
}

@test "children that serve addresses of their own are servers of their own" {
    local pid
    HABITS=(gentle places) PORT=$(free_port)
    start_server python_apart
    wait_until 60 log_has 'The server has started' 2
    for pid in $(started_pids); do
        [[ $pid != "$SERVER_PID" ]] || fail "their parent leads"
        assert_eq "$(parent_of "$pid")" "$SERVER_PID" "parent of a server"
    done
}

@test "workers that give up root before they listen are servers of their own" {
    local pid
    (( EUID == 0 )) || skip "needs root"
    HABITS=(gentle other) PORT=$(free_port)
    start_server python_apart
    wait_until 60 log_has 'The server has started' 2
    for pid in $(started_pids); do
        assert_eq "$(parent_of "$pid")" "$SERVER_PID" "parent of a server"
    done
}
