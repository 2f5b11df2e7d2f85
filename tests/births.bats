#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A birth hands over to the born. A helper that a new version starts before it listens has nothing that it has
# not in the first generation; a server that a wrapper starts asks for what it inherits, and nobody else gets it.

load helpers

setup() {
    common_setup
    make_public_dir
    mkdir -m 777 "$PUBLIC_DIR/helpers"
    PIDS=$PUBLIC_DIR/helpers/pids
}

teardown() {
    touch "$PIDS.end"
    common_teardown
}

prepare_python_helped() { SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/helped.py" "$PORT" "$PIDS" "${WAYS[@]}"); }

# has PID: its descriptors and where they lead, its shared mappings, and the library's variables.
has() {
    find "/proc/$1/fd" -mindepth 1 -printf 'descriptor %f: %l\n' | sed 's/\[[0-9]*\]/[]/' | LC_ALL=C sort
    awk '$2 ~ /s$/ { print "shared mapping: " $2 " " $6 }' "/proc/$1/maps" | LC_ALL=C sort
    tr '\0' '\n' <"/proc/$1/environ" | grep '^OCTOPUS_' | LC_ALL=C sort || true
}

# of_helpers: what each helper of the present generation has.
of_helpers() {
    local pid number=0
    for pid in $(tail -n +2 "$PIDS"); do
        echo "helper $((++number))"
        has "$pid"
    done
}

nobody_listens() { [[ -z $(pids_listening_on "$PORT") ]]; }

# gain_nothing WAY...: such helpers.
gain_nothing() {
    local first
    WAYS=("$@") PORT=$(free_port)
    start_server python_helped
    wait_until_started
    first=$(of_helpers)
    assert_eq "$(grep -c '^helper' <<<"$first")" $# "helpers"
    replace
    assert_eq "$(head -n 1 "$PIDS")" "$SERVER_PID" "whose helpers"
    diff <(of_helpers) - <<<"$first" || fail "the second generation's helpers have more"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    nobody_listens || fail "somebody listens on"
    diff <(of_helpers) - <<<"$first" || fail "they have more after the stop"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "helpers that a new version starts gain nothing: fork" { gain_nothing fork; }
@test "helpers that a new version starts gain nothing: fork and exec" { gain_nothing exec; }
@test "helpers that a new version starts gain nothing: subprocess" { gain_nothing vfork; }
@test "helpers that a new version starts gain nothing: posix_spawn" { gain_nothing spawn; }
@test "helpers that a new version starts gain nothing: system" { gain_nothing shell; }
# bats test_tags=fast
@test "helpers that a new version starts gain nothing: another user" { gain_nothing other; }
@test "helpers that a new version starts gain nothing: six at once" { gain_nothing fork exec vfork spawn shell other; }

# asks_in_birth COMMAND...: the new version executes this before the server; sets ANSWER to what the broker said.
asks_in_birth() {
    start_server epoll
    wait_until_started
    deploy_script "$* /usr/bin/python3 '$SERVERS_DIR/asker.py' '$PUBLIC_DIR/helpers/answer'" 'exec ./real "$@"'
    replace
    ANSWER=$(<"$PUBLIC_DIR/helpers/answer")
}

@test "the broker gives a process of the birth what it asks for" {
    asks_in_birth
    assert_eq "$ANSWER" "3 descriptors"
}

# bats test_tags=fast
@test "the broker gives a helper of another user nothing" {
    asks_in_birth setpriv --reuid=65534 --regid=65534 --clear-groups
    assert_eq "$ANSWER" "none: turned away"
}

# bats test_tags=fast
@test "the broker gives a process of the same user that is not of the birth nothing" {
    local old
    start_server epoll
    wait_until_started
    mkfifo "$APP_DIR/gate"
    # shellcheck disable=SC2016
    deploy_script 'read -r line <gate' 'exec ./real "$@"'
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'Forked child ('
    /usr/bin/python3 "$SERVERS_DIR/asker.py" "$PUBLIC_DIR/helpers/answer" "$SERVER_PID" 3>&-
    assert_eq "$(<"$PUBLIC_DIR/helpers/answer")" "none: turned away"
    echo >"$APP_DIR/gate"
    old=$SERVER_PID
    follow_successor "$old"
    /usr/bin/python3 "$SERVERS_DIR/asker.py" "$PUBLIC_DIR/helpers/answer" "$old" 3>&-
    assert_eq "$(<"$PUBLIC_DIR/helpers/answer")" "none: no broker" "after the birth"
}

# As scripts do, since a bind() to a path that is there fails.
@test "a script that removes the path of a unix socket, and starts the server" {
    APP_DIR=$PUBLIC_DIR/app PORT=$(free_port)
    # shellcheck disable=SC2034 # the helpers use it
    SERVER_ARGS=(-l "127.0.0.1:$PORT" -u "$APP_DIR/socket")
    start_server epoll
    wait_until_started
    # shellcheck disable=SC2016
    deploy_script 'rm -f socket' './real "$@"' 'exit $?'
    start_load -c 4 -p 5
    replace
    stop_load
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
    curl --silent --fail --unix-socket "$APP_DIR/socket" http://localhost/ping >/dev/null
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# asks_at_listen WAY: the new version's server, which a script starts, binds beside the old one, and listens on what
# that one has.
asks_at_listen() {
    BOUND=$PUBLIC_DIR/helpers/port APP_DIR=$PUBLIC_DIR/app SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    mkdir "$APP_DIR"
    echo v1 >"$APP_DIR/version"
    ln -s /usr/bin/python3 "$APP_DIR/python"
    # shellcheck disable=SC2034 # the helpers use them
    SERVER_NAME=python_binding PROTOCOL=http \
        SERVER_COMMAND=("$APP_DIR/python" "$SERVERS_DIR/binds_beside.py" "$1" "$(free_port)" "$BOUND")
    launch_server
    wait_until 60 test -e "$BOUND"
    PORT=$(<"$BOUND")
    set_url
    wait_until_started
    rm "$APP_DIR/python"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' '/usr/bin/python3 "$@"' 'exit $?' >"$APP_DIR/python"
    chmod +x "$APP_DIR/python"
    start_load -c 4 -p 5
    replace
    stop_load
    assert_eq "$(<"$BOUND")" "$PORT" "port"
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "a server that a script starts, and that binds with SO_REUSEPORT" { asks_at_listen reuseport; }
@test "a server that a script starts, and that binds to port 0" { asks_at_listen any; }

prepare_epoll_without_unix() {
    prepare_example epoll
    SERVER_COMMAND=("$BUILD/tests/confined" unix_socket -- "${SERVER_COMMAND[@]}")
}

# systemd's RestrictAddressFamilies= answers so.
@test "where no unix socket may be had, all that the new version starts inherit" {
    start_server epoll_without_unix
    wait_until_started
    # shellcheck disable=SC2016
    deploy_script 'for i in 1 2; do :; done' './real "$@"' 'exit $?'
    start_load -c 4 -p 5
    replace
    stop_load
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
    # That is about another unix socket.
    assert_eq "$(log_count "[ERR]")" "$(log_count "Unable to stop accepting at once")" "error lines"
}
