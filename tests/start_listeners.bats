#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Listeners that a server was started with, as a service manager passes them: they are handed over like those
# that were bound, and whoever else holds them keeps them.

load helpers

setup() {
    common_setup
    make_public_dir
    KEEPER=$PUBLIC_DIR/keeper
}

teardown() {
    rm -f "$KEEPER"
    common_teardown
}

# prepare_activated COMMAND...: what the manager starts.
prepare_activated() {
    SERVER_COMMAND=(env -u LD_PRELOAD PRELOAD_LATER="$LIB" /usr/bin/python3 "$SERVERS_DIR/activate.py"
        "$PORT" "${NUMBER:-3}" "$KEEPER" "$@")
}
prepare_gunicorn_activated() {
    prepare_activated /usr/bin/gunicorn --workers 2 --worker-class sync --pythonpath "$SERVERS_DIR" wsgi_app:application
}
prepare_node_activated() { prepare_activated /usr/bin/node "$APP_DIR/activated.js"; }
prepare_accepting() { prepare_activated /usr/bin/python3 "$SERVERS_DIR/accepts_only.py" "${NUMBER:-3}" "$WAY"; }

# variable_of PID NAME: in the environment with which it was executed.
variable_of() { tr '\0' '\n' <"/proc/$1/environ" | sed -n "s/^$2=//p"; }

# The manager's listener takes connections, whether or not a server does.
assert_manager_listens() {
    assert_eq "$(pids_listening_on "$PORT")" "$(<"$KEEPER")" "who listens"
    exec {CONNECTION}<>"/dev/tcp/127.0.0.1/$PORT" || fail "nobody accepts"
    exec {CONNECTION}>&-
}

# is_upgraded NAME: five times under load, then a stop.
is_upgraded() {
    local round
    PORT=$(free_port)
    start_server "$1"
    wait_until_started
    start_load -c 4 -p 5
    for round in 1 2 3 4 5; do
        upgrade HUP
        [[ -z ${NUMBER:-} ]] || continue
        assert_eq "$(variable_of "$SERVER_PID" LISTEN_PID)" "$SERVER_PID" "LISTEN_PID"
        assert_eq "$(variable_of "$SERVER_PID" LISTEN_FDS)" 1 "LISTEN_FDS"
    done
    stop_load
    assert_eq "$(log_count 'Imported a listener from file.')" 6 "listeners imported"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_manager_listens
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "a listener from a service manager: gunicorn" { is_upgraded gunicorn_activated; }
@test "a listener from a service manager: node" {
    APP_DIR=$PUBLIC_DIR/app
    mkdir -p "$APP_DIR"
    # shellcheck disable=SC2016
    printf '%s\n' 'const fs = require("fs");' \
        'const version = fs.readFileSync("version", "ascii").trim();' \
        'require("http").createServer((request, response) => {' \
        '    response.writeHead(200, {"X-Version": version, "X-Pid": String(process.pid)});' \
        '    response.end(`pong ${version} ${process.pid}\n`);' \
        '}).listen({fd: 3});' >"$APP_DIR/activated.js"
    is_upgraded node_activated
}
# bats test_tags=fast
@test "a listener from a service manager, and no listen(): a server that blocks in accept" { WAY=accept is_upgraded accepting; }
# bats test_tags=fast
@test "a listener from a service manager, and no listen(): a server that polls" { WAY=poll is_upgraded accepting; }
@test "a listener as standard input: a server that blocks in accept" { NUMBER=0 WAY=accept is_upgraded accepting; }
@test "a listener as descriptor 7, of which no variable tells" { NUMBER=7 WAY=poll is_upgraded accepting; }

# The worker is a program of its own, with the master's listener.
@test "a worker that is executed anew with its master's listener is no server of its own" {
    PORT=$(free_port) WAY=worker
    start_server accepting
    read_answer
    [[ $ANSWER_PID != "$SERVER_PID" ]] || fail "the master has answered"
    assert_eq "$(log_count 'Running under')" 1 "servers"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}
