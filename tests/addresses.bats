#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# How servers come by their addresses, and a new version that wants others: what the server's own reload can do, an
# upgrade can do, and what nobody can do fails with a line that says why.

load helpers

setup() {
    common_setup
    make_public_dir
    # What a version drops is given up so soon, and not after half a minute.
    export OCTOPUS_SETTLE_TIMEOUT=4s
    APP_DIR=$PUBLIC_DIR/app
    SOCKET=$APP_DIR/socket
    mkdir "$APP_DIR"
}

prepare_python_addresses() {
    SERVER_COMMAND=("${PYTHON:-/usr/bin/python3}" "$SERVERS_DIR/addresses.py")
    (( $# == 0 )) || printf '%s\n' "$@" >"$APP_DIR/addresses"
}

# start_at LINE...: serves these addresses; LOAD_URL leads to the first one.
start_at() {
    SERVER_NAME=python_addresses PROTOCOL=http
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    echo v1 >"$APP_DIR/version"
    prepare_python_addresses "$@"
    launch_server
    wait_until_started
    lead_to "$1"
}

# lead_to LINE: sets LOAD_URL, for which only a unix socket has a place of its own.
lead_to() {
    local words
    read -ra words <<<"$1"
    if [[ ${words[0]} == unix ]]; then
        LOAD_URL=unix:${words[1]}:/ping
    elif [[ ${words[0]} == *:* ]]; then
        LOAD_URL="http://[${words[0]/#::/::}]:${words[1]}/ping"
    else
        LOAD_URL=http://${words[0]}:${words[1]}/ping
    fi
}

# deploy_at LINE...: where the next version listens.
deploy_at() {
    echo "v$((++DEPLOYED))" >"$APP_DIR/version"
    prepare_python_addresses "$@"
}

# replace_at LINE...: upgrades to such a version.
replace_at() {
    deploy_at "$@"
    replace
    wait_until 60 generation_answers_load
}

# files_at: what is in the directory of the socket, by name and kind.
files_at() { find "$APP_DIR" -mindepth 1 -printf '%f %y\n' | LC_ALL=C sort; }

inode_of_socket() { stat --format=%i "$SOCKET"; }

# stop_removes_all: TERM ends the load without a failure, and removes the path as the server does.
stop_removes_all() {
    stop_load
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_eq "$(files_at)" "$(printf '%s\n' 'addresses f' 'octopus.log f' 'version f')" "files"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# habit_is_upgraded HABIT: three times by HUP, then by USR2 and a TERM to the older one, under load. The path leads to
# the same file all the time.
habit_is_upgraded() {
    local line="unix $SOCKET habit=$1" inode
    start_at "$line"
    inode=$(inode_of_socket)
    start_load -c 4
    for _ in 1 2 3; do
        replace_at "$line"
        assert_eq "$(inode_of_socket)" "$inode" "file at the path"
    done
    beside_is_upgraded
    assert_eq "$(inode_of_socket)" "$inode" "file at the path"
    assert_eq "$(log_count 'Imported a listener from file.')" 4 "listeners imported"
    assert_eq "$(files_at | grep -cE 'tmp|bak')" 0 "temporary files"
    stop_removes_all
}

beside_is_upgraded() {
    local old=$SERVER_PID
    kill -USR2 "$old"
    WATCH_PID='' wait_until 60 is_newest_leader_other_than "$old"
    SERVER_PID=$NEWEST_LEADER
    wait_until 60 generation_answers_load
    # A stop before that cancels the new one.
    wait_until 60 log_has "Master ($old) is still alive."
    kill -TERM "$old"
    WATCH_PID='' wait_until 60 is_gone "$old"
}

@test "a unix socket: the server removes the path, and binds it" { habit_is_upgraded plain; }
# bats test_tags=fast
@test "a unix socket: the server asks by connect() whether its path is taken" { habit_is_upgraded asks; }
@test "a unix socket: the server asks once bind() has failed" { habit_is_upgraded taken; }
# bats test_tags=fast
@test "a unix socket: the server binds another name, and renames it" { habit_is_upgraded renames; }
@test "a unix socket: the server binds a name with its pid in it, and renames it" { habit_is_upgraded renames_pid; }
@test "a unix socket: the server links the old file, binds another name, and renames it" { habit_is_upgraded linked; }
@test "a unix socket: the server's event loop waits before the rename" { habit_is_upgraded polled; }

# behind_a_script HABIT: in later versions a script that stays runs the server.
behind_a_script() {
    local line="unix $SOCKET habit=$1" inode
    ln -s /usr/bin/python3 "$APP_DIR/python"
    PYTHON=$APP_DIR/python start_at "$line"
    inode=$(inode_of_socket)
    rm "$APP_DIR/python"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' '/usr/bin/python3 "$@"' 'exit $?' >"$APP_DIR/python"
    chmod +x "$APP_DIR/python"
    start_load -c 4
    for _ in 1 2; do replace_at "$line"; done
    rm "$APP_DIR/python"
    assert_eq "$(inode_of_socket)" "$inode" "file at the path"
    stop_removes_all
}

@test "a unix socket behind a script: the server binds another name, and renames it" { behind_a_script renames_pid; }
@test "a unix socket behind a script: the server's event loop waits before the rename" { behind_a_script polled; }

@test "a unix socket: each version has another habit" {
    local habit
    start_at "unix $SOCKET habit=renames"
    start_load -c 4
    for habit in plain renames_pid asks renames taken polled plain renames; do
        replace_at "unix $SOCKET habit=$habit"
    done
    assert_eq "$(log_count 'Imported a listener from file.')" 8 "listeners imported"
    stop_removes_all
}

@test "a unix socket: by another name for the same path" {
    ln -s "$APP_DIR" "$BATS_TEST_TMPDIR/link"
    start_at "unix $SOCKET habit=asks"
    start_load -c 4
    replace_at "unix socket habit=asks"
    replace_at "unix $BATS_TEST_TMPDIR/link/socket habit=asks"
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
    stop_removes_all
}

@test "an abstract unix socket, and a server that asks by connect()" {
    local name=@octopus-$TEST_MARK
    start_at "unix $name habit=asks"
    replace_at_once "unix $name habit=asks"
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}
replace_at_once() {
    deploy_at "$@"
    replace
}

@test "the new version's mode of the path, where it is renamed" {
    start_at "unix $SOCKET habit=renames mode=666"
    replace_at_once "unix $SOCKET habit=renames mode=600"
    assert_eq "$(stat --format=%a "$SOCKET")" 600 "mode"
}

# fails_after HABIT: a new version that ends when it has listened leaves the path to the old one.
fails_after() {
    local inode
    start_at "unix $SOCKET habit=$1"
    inode=$(inode_of_socket)
    start_load -c 4
    deploy_at "unix $SOCKET habit=$1" exits
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'exited with status 1'
    assert_eq "$(inode_of_socket)" "$inode" "file at the path"
    replace_at "unix $SOCKET habit=$1"
    stop_load
}

@test "a new version that fails leaves the path: renamed" { fails_after renames; }
@test "a new version that fails leaves the path: removed and bound" { fails_after plain; }

@test "a path that somebody has removed: the new version makes it anew, and the old one leaves it there" {
    start_at "unix $SOCKET"
    rm "$SOCKET"
    replace_at_once "unix $SOCKET"
    start_load -c 4
    wait_until 60 generation_answers_load
    assert_eq "$(log_count 'Imported a listener from file.')" 0 "listeners imported"
    replace_at "unix $SOCKET"
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
    stop_removes_all
}

# outlives_its_successor HABIT: the first version still has a request when the third serves, and then removes its path.
outlives_its_successor() {
    local first
    start_at "unix $SOCKET habit=$1"
    first=$SERVER_PID
    /usr/bin/python3 -c 'import socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    client.sendall(b"GET /ping HTTP/1.1\r\n")
    print("sent", flush=True)
    sys.stdin.readline()
    client.sendall(b"\r\n")
    print(client.recv(1000).decode())' "$SOCKET" <>"$GATE" >"$BATS_TEST_TMPDIR/client.log" 2>&1 3>&- &
    HELPER_PIDS+=($!)
    wait_until 60 grep -q sent "$BATS_TEST_TMPDIR/client.log"
    for _ in 2 3; do
        deploy_at "unix $SOCKET habit=$1"
        kill -HUP "$SERVER_PID"
        WATCH_PID='' wait_until 60 is_newest_leader_other_than "$SERVER_PID"
        [[ $SERVER_PID == "$first" ]] || WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
        SERVER_PID=$NEWEST_LEADER
    done
    start_load -c 4
    is_alive "$first" || fail "the first one has gone too early"
    echo 1<>"$GATE"
    WATCH_PID='' wait_until 60 is_gone "$first"
    grep -q 'pong v1' "$BATS_TEST_TMPDIR/client.log" || fail "its client was not answered"
    wait_until 60 generation_answers_load
    stop_removes_all
}

@test "a version that outlives its successor leaves the path to the next one" {
    GATE=$BATS_TEST_TMPDIR/gate
    mkfifo "$GATE"
    outlives_its_successor plain
}

@test "a rename behind a thread that accepts already is the server's own" {
    start_at "unix $SOCKET habit=late"
    wait_until 60 test -e "$SOCKET"
    start_load -c 4
    replace_at "unix $SOCKET habit=late"
    replace_at "unix $SOCKET habit=late"
    assert_eq "$(log_count 'Imported a listener from file.')" 0 "listeners imported"
    stop_removes_all
}

@test "a unix socket that the new version does not want is removed by the old one" {
    start_at "unix $SOCKET" "unix $SOCKET.2"
    start_load -c 4
    replace_at "unix $SOCKET"
    assert_eq "$(files_at | grep -c 'socket.2')" 0 "the other one"
    stop_removes_all
}

# bats test_tags=fast
@test "a server that asks by connect() whether its port is taken" {
    PORT=$(free_port)
    start_at "127.0.0.1 $PORT habit=asks"
    start_load -c 4
    replace_at "127.0.0.1 $PORT habit=asks"
    replace_at "127.0.0.1 $PORT habit=asks"
    stop_load
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# sockets_listening: how many sockets listen on PORT.
sockets_listening() { ss -Hltn "sport = :$PORT" | wc -l; }

# sharing_are COUNT: so many of the server's sockets share their port.
sharing_are() {
    kill -WINCH "$SERVER_PID"
    wait_until 60 grep -q "^share $SERVER_PID" "$SERVER_LOG"
    assert_eq "$(sed -n "s/^share $SERVER_PID //p" "$SERVER_LOG")" "$1" "sockets that share their port"
}

# changed_under_load LINE...: versions with one such line each, under load.
changed_under_load() {
    local line
    PORT=${PORT:-$(free_port)}
    start_at "127.0.0.1 $PORT $1"
    start_load -c "${CLIENTS:-8}"
    shift
    for line; do replace_at "127.0.0.1 $PORT $line"; done
    stop_load
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "SO_REUSEPORT added, and taken away" {
    changed_under_load '' reuseport=3 ''
    assert_eq "$(sockets_listening)" 1 "sockets"
    sharing_are 0
}

# The queues of those that leave are never empty under this load, as long as clients get into them. And in the end
# the kernel spreads new connections over all that are left.
@test "a group of SO_REUSEPORT that shrinks, and grows, and shrinks" {
    local counts count
    CLIENTS=32 changed_under_load 'reuseport=4 pause=10' 'reuseport=2 pause=10' 'reuseport=6 pause=10' reuseport=3
    assert_eq "$(sockets_listening)" 3 "sockets"
    sharing_are 3
    for _ in {1..150}; do http_answers; done
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    mapfile -t counts < <(sed -n "s/^accepted $SERVER_PID //p" "$SERVER_LOG")
    assert_eq "${#counts[@]}" 3 "sockets"
    for count in "${counts[@]}"; do assert_within "$count" 15 150 "accepted"; done
}

@test "another backlog" {
    local pending
    changed_under_load backlog=5 backlog=50
    pending=$(ss -Hltn "sport = :$PORT" | awk '{ print $3 }')
    assert_eq "$pending" 50 "backlog"
}

@test "a port that moved" {
    local other
    PORT=$(free_port) other=$(free_port)
    start_at "127.0.0.1 $PORT"
    LOAD_URL=http://127.0.0.1:$PORT/ping
    replace_at_once "127.0.0.1 $other"
    curl --silent --fail "http://127.0.0.1:$other/ping" >/dev/null
    assert_eq "$(sockets_listening)" 0 "sockets at the old port"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# cannot_have HAS WANTS [TEXT TEXT]: HOSTs. The upgrade fails, and a line says why.
cannot_have() {
    PORT=$(free_port)
    start_at "$1 $PORT"
    start_load -c 4
    deploy_at "$2 $PORT"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'before it listened'
    stop_load
    log_has "could not bind $4:$PORT (EADDRINUSE): Master ($SERVER_PID) listens on $3:$PORT," ||
        fail "no line that says why"
    assert_eq "$(log_count '[ERR]')" 2 "error lines"
    replace_at_once "$1 $PORT"
}

# bats test_tags=fast
@test "one address to all of them: fails, and says why" { cannot_have 127.0.0.1 0.0.0.0 127.0.0.1 0.0.0.0; }
@test "all addresses to one: fails, and says why" { cannot_have 0.0.0.0 127.0.0.1 0.0.0.0 127.0.0.1; }
@test "one IPv6 address to all of them: fails, and says why" { cannot_have ::1 :: '[::1]' '[::]'; }
@test "one IPv4 address to both families: fails, and says why" { cannot_have 127.0.0.1 :: 127.0.0.1 '[::]'; }

# families_change LINE... --: versions that listen on PORT at such lines each, under load in both families.
families_change() {
    local lines=() first='' line load loads=()
    for line; do
        if [[ $line != -- ]]; then
            lines+=("${line/ / $PORT }")
        elif [[ -z $first ]]; then
            first=yes
            start_at "${lines[@]}"
            lines=()
            for LOAD_URL in "http://127.0.0.1:$PORT/ping" "http://[::1]:$PORT/ping"; do
                start_load -c 4
                loads+=("$LOAD_PID $LOAD_LOG")
            done
        else
            deploy_at "${lines[@]}"
            lines=()
            replace
            for load in "${loads[@]}"; do
                read -r LOAD_PID LOAD_LOG <<<"$load"
                wait_until 60 generation_answers_load
            done
        fi
    done
    for load in "${loads[@]}"; do
        read -r LOAD_PID LOAD_LOG <<<"$load"
        stop_load
    done
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "IPV6_V6ONLY: one socket for both families, and one for each" {
    PORT=$(free_port)
    families_change ':: v6only=0' -- ':: v6only=1' '0.0.0.0 ' -- ':: v6only=0' -- '0.0.0.0 ' ':: v6only=1' --
    sharing_are 0
}

@test "IPV6_V6ONLY: a version that takes both families in, and fails" {
    PORT=$(free_port)
    start_at ":: $PORT v6only=1" "0.0.0.0 $PORT"
    LOAD_URL=http://127.0.0.1:$PORT/ping start_load -c 4
    deploy_at ":: $PORT v6only=0" exits
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'exited with status 1'
    stop_load
}

FPM=$(compgen -G '/usr/sbin/php-fpm*' | head -n 1 || true)

# write_fpm_config PATH LINE...
write_fpm_config() {
    local user=
    (( EUID != 0 )) || user=$'user = www-data\ngroup = www-data'
    cat >"$APP_DIR/fpm.conf" <<CONFIG
[global]
error_log = $APP_DIR/fpm.log
pid = $APP_DIR/fpm.pid
[www]
$user
listen = $1
pm = static
pm.max_children = 2
$(printf '%s\n' "${@:2}")
CONFIG
}

prepare_php_fpm() { :; }

# php_fpm_is_upgraded [OPTION...]: twice by HUP, under FastCGI requests.
php_fpm_is_upgraded() {
    local root=()
    (( EUID != 0 )) || root=(--allow-to-run-as-root)
    SERVER_NAME=${SERVER_NAME:-php_fpm} PROTOCOL=http SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    SERVER_COMMAND=("$FPM" "${root[@]}" --fpm-config "$APP_DIR/fpm.conf" "$@")
    echo '<?php echo "pong ", posix_getppid();' >"$APP_DIR/ping.php"
    chmod 755 "$APP_DIR"
    launch_server
    wait_until_started
    /usr/bin/python3 "$BATS_TEST_DIRNAME/client/fastcgi.py" "$SOCKET" "$APP_DIR/ping.php" >"$BATS_TEST_TMPDIR/client.log" 2>&1 3>&- &
    LOAD_PID=$!
    HELPER_PIDS+=("$LOAD_PID")
    for _ in 1 2; do
        replace
        wait_until 60 grep -qx "first pong $SERVER_PID" "$BATS_TEST_TMPDIR/client.log"
    done
    assert_eq "$(stat --format=%a "$SOCKET")" 640 "mode"
    kill -TERM "$LOAD_PID"
    status_of "$LOAD_PID"
    assert_eq "$EXIT_STATUS" 0 "$(tail -n 3 "$BATS_TEST_TMPDIR/client.log")"
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    [[ ! -e $SOCKET ]] || fail "the path is left"
}

@test "php-fpm on a unix socket" {
    write_fpm_config "$SOCKET" 'listen.mode = 0640'
    php_fpm_is_upgraded --nodaemonize
}

@test "php-fpm on a unix socket, as a daemon" {
    write_fpm_config "$SOCKET" 'listen.mode = 0640'
    SERVER_NAME=php_fpm_daemon
    ln -s fpm.pid "$APP_DIR/server.pid"
    php_fpm_is_upgraded --daemonize
}

# nginx_changes LISTEN...: versions that listen so on PORT, under load.
nginx_changes() {
    local listen
    PORT=$(free_port)
    prepare_nginx() {
        SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
        write_nginx_config off "127.0.0.1:$PORT $LISTEN"
    }
    LISTEN=$1
    start_server nginx
    wait_until_started
    start_load -c 8
    shift
    for listen; do
        LISTEN=$listen
        upgrade HUP
        wait_until 60 generation_answers_load
    done
    stop_load
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "nginx: reuseport added, and taken away" { nginx_changes '' reuseport ''; }
@test "nginx: another backlog, and deferred" { nginx_changes 'backlog=64' 'backlog=512' 'backlog=128 deferred' ''; }
