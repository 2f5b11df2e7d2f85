# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Starts servers: those of Debian's packages, unmodified, and our examples. Each runs in the
# foreground in $APP_DIR, its configuration and its `version` file there, and reads both afresh
# when it starts, so that deploy_version decides what the next generation answers.

SERVERS_DIR=$BATS_TEST_DIRNAME/servers
REAL_SERVERS=(nginx nginx_daemon nginx_https redis memcached node python_http python_module
    gunicorn_sync gunicorn_gthread)
EXAMPLE_SERVERS=(ping ping_https blocking threads epoll poll select forker)

# start_server NAME [SETTING=VALUE...]: starts one of REAL_SERVERS, or the example server NAME, and
# waits until it answers. LD_PRELOAD goes on its command line only; BARE=1 leaves it out.
# Sets SERVER_PID (the leader), PORT, PROTOCOL (http, https, redis, memcached), URL, LOAD_URL,
# SERVER_LOG (its stdout and stderr), OCTOPUS_LOG_FILE (the library's log lines) and APP_DIR.
start_server() {
    SERVER_NAME=$1
    shift
    make_public_dir
    APP_DIR=${APP_DIR:-$PUBLIC_DIR/app}
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    PROTOCOL=http
    mkdir -p "$APP_DIR"
    [[ -e $APP_DIR/version ]] || echo v1 >"$APP_DIR/version"
    if [[ $(type -t "prepare_$SERVER_NAME") == function ]]; then
        PORT=${PORT:-$(free_port)}
        "prepare_$SERVER_NAME"
        launch_server "$@"
        WATCH_PID=$LAUNCHED_PID wait_until 60 server_answers
    else
        prepare_example "$SERVER_NAME"
        launch_server "$@"
        WATCH_PID=$LAUNCHED_PID wait_until 60 read_ready_line
    fi
}

# connections_for NAME: how many clients at a time it stands. http.server's backlog is 5, and a SYN
# beyond it is dropped, with or without us.
connections_for() {
    case $1 in
    python_*) echo 4 ;;
    *) echo 16 ;;
    esac
}

# launch_server [SETTING=VALUE...]: runs SERVER_COMMAND, as it is, in APP_DIR.
launch_server() {
    local preload=("LD_PRELOAD=$LIB")
    prepare_log "$@"
    [[ -z $OCTOPUS_LOG_FILE ]] || preload+=("OCTOPUS_LOG=$OCTOPUS_LOG_FILE")
    [[ ${BARE:-0} != 1 ]] || preload=(--unset=LD_PRELOAD)
    set_url
    background "$SERVER_LOG" --chdir="$APP_DIR" "${preload[@]}" PYTHONDONTWRITEBYTECODE=1 "$@" "${SERVER_COMMAND[@]}"
    SERVER_PID=$BACKGROUND_PID
    LAUNCHED_PID=$BACKGROUND_PID
    [[ $SERVER_NAME != *_daemon ]] || follow_daemon
}

# prepare_log [SETTING=VALUE...]: where the library's lines are found: in a file that a server which has
# dropped root can still write to, unless a setting of the test says otherwise.
prepare_log() {
    local setting
    OCTOPUS_LOG_FILE=$APP_DIR/octopus.log
    for setting; do
        case $setting in
        OCTOPUS_LOG=stderr) OCTOPUS_LOG_FILE=$SERVER_LOG ;;
        OCTOPUS_LOG=none) OCTOPUS_LOG_FILE= ;;
        OCTOPUS_LOG=/*) OCTOPUS_LOG_FILE=${setting#*=} ;;
        OCTOPUS_LOG=*) OCTOPUS_LOG_FILE=$APP_DIR/${setting#*=} ;;
        esac
    done
    [[ -n $OCTOPUS_LOG_FILE && ${BARE:-0} != 1 ]] || return 0
    : >>"$OCTOPUS_LOG_FILE"
    chmod a+w "$OCTOPUS_LOG_FILE"
}

set_url() {
    URL=$PROTOCOL://127.0.0.1:$PORT
    LOAD_URL=$URL
    [[ $PROTOCOL != http* ]] || LOAD_URL=$URL/ping
}

# A daemonizing server's first process ends with 0; the pid file names the one that stays.
follow_daemon() {
    status_of "$LAUNCHED_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status of the daemonizing process"
    wait_until 60 test -s "$APP_DIR/server.pid"
    SERVER_PID=$(<"$APP_DIR/server.pid")
    LAUNCHED_PID=$SERVER_PID
}

# deploy_version VERSION: what generations started from now on answer as their version.
deploy_version() {
    if [[ -n ${EXAMPLE:-} ]]; then
        cp "$BUILD/tests/$1/$EXAMPLE" "$APP_DIR/$EXAMPLE.new"
        mv "$APP_DIR/$EXAMPLE.new" "$APP_DIR/$EXAMPLE"
        return
    fi
    echo "$1" >"$APP_DIR/version.new"
    mv "$APP_DIR/version.new" "$APP_DIR/version"
    [[ $SERVER_NAME != nginx* ]] || "prepare_$SERVER_NAME"
}

# prepare_example NAME: our own, built twice over, with SERVER_ARGS instead of the usual listener.
# The copy in APP_DIR is the deployed binary; deploy_version v2 replaces it by a rename.
prepare_example() {
    EXAMPLE=$1
    PORT=${PORT:-$(free_port)}
    [[ $EXAMPLE != *https* ]] || PROTOCOL=https
    # A server that was killed may still execute the one that is there: its threads end after its leader (ETXTBSY).
    cp "$BUILD/tests/v1/$EXAMPLE" "$APP_DIR/$EXAMPLE.new"
    mv "$APP_DIR/$EXAMPLE.new" "$APP_DIR/$EXAMPLE"
    SERVER_COMMAND=("./$EXAMPLE")
    if [[ $PROTOCOL == https ]]; then
        make_certificate
        SERVER_COMMAND+=(-c server.crt -k server.key)
    fi
    if [[ -n ${SERVER_ARGS+set} ]]; then
        SERVER_COMMAND+=("${SERVER_ARGS[@]}")
    else
        SERVER_COMMAND+=(-l "127.0.0.1:$PORT")
    fi
}

# Examples say `ready PORT PID` once they listen.
read_ready_line() {
    local word port pid
    [[ -e $SERVER_LOG ]] || return
    # A line that is still being written has no end yet.
    while read -r word port pid; do
        [[ $word == ready ]] || continue
        PORT=$port SERVER_PID=$pid
        set_url
        return
    done <"$SERVER_LOG"
    return 1
}

# backdate FILE: a file that was changed a moment ago has a weak ETag for apache.
backdate() { touch --date='1 hour ago' "$1"; }

prepare_apache_event() { prepare_apache event; }
prepare_apache_prefork() { prepare_apache prefork; }

prepare_apache() {
    local user=''
    SERVER_COMMAND=(/usr/sbin/apache2 -DFOREGROUND -d "$APP_DIR" -f "$APP_DIR/apache.conf")
    (( EUID != 0 )) || user='User www-data
Group www-data'
    cat >"$APP_DIR/apache.conf" <<CONFIG
LoadModule mpm_$1_module /usr/lib/apache2/modules/mod_mpm_$1.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
$user
ServerName localhost
Listen 127.0.0.1:$PORT
PidFile $APP_DIR/apache.pid
ErrorLog $APP_DIR/error.log
DocumentRoot $APP_DIR
Mutex pthread
KeepAlive On
KeepAliveTimeout 60
StartServers 2
CONFIG
    # In one step: the version before still serves it, and must not find it empty.
    cp "$APP_DIR/version" "$APP_DIR/ping.new"
    backdate "$APP_DIR/ping.new"
    mv "$APP_DIR/ping.new" "$APP_DIR/ping"
}

prepare_nginx() {
    SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
    write_nginx_config off "127.0.0.1:$PORT"
}

prepare_nginx_daemon() {
    SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
    write_nginx_config on "127.0.0.1:$PORT"
}

prepare_nginx_https() {
    PROTOCOL=https
    make_certificate
    SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
    write_nginx_config off "127.0.0.1:$PORT ssl" "ssl_certificate server.crt; ssl_certificate_key server.key;"
}

# write_nginx_config DAEMON LISTEN [MORE]. /slow?ms=N takes N ms.
write_nginx_config() {
    cat >"$APP_DIR/nginx.conf.new" <<EOF
load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
daemon $1;
master_process on;
worker_processes 2;
pid server.pid;
error_log error.log;
events { worker_connections 512; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path tmp_body;
    proxy_temp_path tmp_proxy;
    fastcgi_temp_path tmp_fastcgi;
    uwsgi_temp_path tmp_uwsgi;
    scgi_temp_path tmp_scgi;
    map \$arg_ms \$slow_seconds {
        default 1;
        "~^(?<whole>\d*)(?<part>\d\d\d)\$" "0\$whole.\$part";
    }
    server {
        listen $2;
        ${3:-}
        default_type text/plain;
        add_header X-Pid \$pid always;
        add_header X-Version $(<"$APP_DIR/version") always;
        location / { return 200 "pong $(<"$APP_DIR/version") \$pid\n"; }
        location /slow { echo_sleep \$slow_seconds; echo "pong $(<"$APP_DIR/version") \$pid"; }
    }
}
EOF
    mv "$APP_DIR/nginx.conf.new" "$APP_DIR/nginx.conf"
}

make_certificate() {
    [[ -e $APP_DIR/server.crt ]] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
        -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$APP_DIR/server.key" -out "$APP_DIR/server.crt" 2>/dev/null
}

prepare_redis() {
    PROTOCOL=redis
    SERVER_COMMAND=(/usr/bin/redis-server --bind 127.0.0.1 --port "$PORT" --save '' --appendonly no)
}

prepare_memcached() {
    PROTOCOL=memcached
    SERVER_COMMAND=(/usr/bin/memcached -l 127.0.0.1 -p "$PORT" -U 0 -t 4)
    (( EUID != 0 )) || SERVER_COMMAND+=(-u nobody)
}

prepare_node() {
    SERVER_COMMAND=(node "$SERVERS_DIR/node_http.js" "$PORT")
}

# The same, with answers that take long: see the two servers.
prepare_node_long() {
    SERVER_COMMAND=(node "$SERVERS_DIR/node_long.js" "$PORT")
}

prepare_python_long() {
    SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/python_long.py" "$PORT")
}

# Debian's interpreter, whatever else PATH offers: it is the one that gunicorn is installed for.
prepare_python_http() {
    SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/python_http.py" "$PORT")
}

# Serves the file `ping` and tells no pid: only leader_pid knows which generation answers.
prepare_python_module() {
    SERVER_COMMAND=(/usr/bin/python3 -m http.server --bind 127.0.0.1 "$PORT")
    cp "$APP_DIR/version" "$APP_DIR/ping"
}

prepare_gunicorn_sync() { prepare_gunicorn --worker-class sync; }
# gunicorn closes a kept connection after 2 s by default, whatever is on its way: a client or a server that has no
# processor for so long loses a request to it, with or without us.
prepare_gunicorn_gthread() { prepare_gunicorn --worker-class gthread --threads 8 --keep-alive 75; }
prepare_gunicorn() {
    SERVER_COMMAND=(/usr/bin/gunicorn --bind "127.0.0.1:$PORT" --workers 2 "$@"
        --pythonpath "$SERVERS_DIR" wsgi_app:application)
}

# request PATH [CURL-OPTION...]: prints the body; fails unless it came whole with a good status.
request() {
    local path=$1
    shift
    curl --silent --show-error --fail --insecure --noproxy '*' --max-time 60 "$@" "$URL$path"
}

# answering_pid: the pid of the process that answers a fresh connection.
answering_pid() {
    case $PROTOCOL in
    redis) exchange 'INFO server' process_id: | sed 's/^process_id://' ;;
    memcached) exchange stats 'STAT pid ' | sed 's/^STAT pid //' ;;
    *) request /ping --output /dev/null --dump-header - | tr -d '\r' | sed -n 's/^[Xx]-[Pp]id: //p' ;;
    esac
}

# answering_version
answering_version() {
    request /ping --output /dev/null --dump-header - | tr -d '\r' | sed -n 's/^[Xx]-[Vv]ersion: //p'
}

# read_answer: asks /ping on a fresh connection; sets ANSWER_VERSION and ANSWER_PID.
read_answer() {
    local line connection
    ANSWER_VERSION='' ANSWER_PID=''
    if [[ $PROTOCOL == https ]]; then
        line=$(request /ping --output /dev/null --write-out '%header{x-version} %header{x-pid}') || return
        read -r ANSWER_VERSION ANSWER_PID <<<"$line"
        return
    fi
    exec {connection}<>"/dev/tcp/127.0.0.1/$PORT" || return
    printf 'GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&"$connection"
    while IFS= read -r -t 60 -u "$connection" line && [[ $line != $'\r' ]]; do
        line=${line%$'\r'}
        case ${line,,} in
        x-version:*) ANSWER_VERSION=${line#*: } ;;
        x-pid:*) ANSWER_PID=${line#*: } ;;
        esac
    done
    exec {connection}>&-
}

# exchange LINE PREFIX: sends LINE on a fresh connection, prints the first line of the answer that begins with PREFIX.
exchange() {
    local line connection
    { exec {connection}<>"/dev/tcp/127.0.0.1/$PORT"; } 2>/dev/null || return
    printf '%s\r\n' "$1" >&"$connection"
    while IFS= read -r -t 60 line <&"$connection"; do
        line=${line%$'\r'}
        [[ $line != "$2"* ]] || break
        line=
    done
    exec {connection}>&-
    [[ -n $line ]] && echo "$line"
}

server_answers() {
    case $PROTOCOL in
    redis) [[ $(exchange PING +PONG) == +PONG ]] ;;
    memcached) [[ $(exchange version VERSION) == VERSION* ]] ;;
    http) http_answers ;;
    *) request /ping >/dev/null 2>&1 ;;
    esac
}

# http_answers: /ping is answered well and in full. The same as `request /ping`, without a process of its own.
http_answers() {
    local line connection length='' status=
    { exec {connection}<>"/dev/tcp/127.0.0.1/$PORT"; } 2>/dev/null || return
    # The server may be about to go.
    trap '' PIPE
    printf 'GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&"$connection" || true
    trap - PIPE
    while IFS= read -r -t 20 -u "$connection" line && [[ $line != $'\r' ]]; do
        line=${line%$'\r'}
        case ${line,,} in
        http/1.*) status=${line#* } ;;
        content-length:*) length=${line#*:} ;;
        esac
    done
    line=
    LC_ALL=C IFS= read -r -d '' -t 20 -u "$connection" line || true
    exec {connection}>&-
    [[ $status == 200* && -n $line ]] && (( ${length:-${#line}} == ${#line} ))
}

# leader_pid: the topmost process of the newest generation that holds a listener of PORT.
leader_pid() {
    local pid parent start newest=-1 leader=
    local -A marked=()
    while read -r pid; do marked[$pid]=1; done < <(pids_of_test)
    while read -r pid; do
        while parent=$(parent_of "$pid") && [[ -n ${marked[$parent]:-} ]]; do pid=$parent; done
        start=$(start_time "$pid")
        # Both started in the same hundredth of a second: the higher pid is the later, but for a wrap.
        if (( ${start:--1} > newest )) || (( ${start:--1} == newest && pid > leader )); then
            newest=$start
            leader=$pid
        fi
    done < <(pids_listening_on "$PORT")
    echo "$leader"
}

# started_pids: the leaders of all generations so far, in order, by the library's log.
started_pids() { sed -n 's/.*\[INFO\] The server has started (\([0-9]*\))\.$/\1/p' "$OCTOPUS_LOG_FILE"; }

# newest_leader: sets NEWEST_LEADER to the one that was ready last.
newest_leader() {
    local log
    mapfile -d '' -t log <"$OCTOPUS_LOG_FILE"
    NEWEST_LEADER=${log[0]##*The server has started (}
    NEWEST_LEADER=${NEWEST_LEADER%%)*}
}

# is_newest_leader_other_than PID
is_newest_leader_other_than() {
    newest_leader
    [[ $NEWEST_LEADER != "$1" ]]
}

# log_count TEXT: how many lines of the library's log hold TEXT.
log_count() { grep -cF -- "$1" "$OCTOPUS_LOG_FILE" || true; }

# log_has TEXT: a line of the library's log holds TEXT.
log_has() {
    local log
    if (( ${2:-1} > 1 )); then
        (( $(log_count "$1") >= $2 ))
        return
    fi
    mapfile -d '' -t log <"$OCTOPUS_LOG_FILE"
    [[ ${log[0]:-} == *"$1"* ]]
}

# wait_until_started: the library says so a moment after the first connection is possible.
wait_until_started() {
    WATCH_PID=$SERVER_PID wait_until 60 log_has "The server has started ($SERVER_PID)." || return
    wait_until_workers_hear "$SERVER_PID"
}

# wait_until_workers_hear LEADER: gunicorn loses a signal to a worker that it has just forked, which inherits its
# handler, and at a stop waits 30 s for that worker, with or without us. The last handler that a worker sets is
# that of ABRT.
wait_until_workers_hear() {
    [[ $SERVER_NAME != gunicorn_* ]] || WATCH_PID='' wait_until 60 has_hearing_workers "$1"
}
has_hearing_workers() {
    local pid count=0
    workers_of "$1"
    for pid in "${WORKERS[@]}"; do
        (( 16#0$(status_field "$pid" SigCgt) >> 5 & 1 )) && count=$((count + 1))
    done
    (( count == 2 ))
}

# next_version: a name for the next version. Our examples are built as v1 and v2 only.
next_version() {
    DEPLOYED=$((DEPLOYED + 1))
    [[ -z ${EXAMPLE:-} ]] || DEPLOYED=$(( (DEPLOYED - 1) % 2 + 1 ))
    NEXT_VERSION=v$DEPLOYED
}

# upgrade SIGNAL [VERSION]: deploys VERSION (a new one if none is named), sends SIGNAL to the leader, waits
# until a new leader is ready and the old one is gone. Sets SERVER_PID to the new leader.
upgrade() {
    upgrade_beside "$@" || return
    follow_upgrade
}

# follow_upgrade: what `upgrade` does after upgrade_beside.
follow_upgrade() {
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID" || return
    SERVER_PID=$NEW_PID
    [[ $PROTOCOL != http* || $SERVER_NAME == python_module ]] && return
    read_answer || return
    assert_eq "$ANSWER_VERSION" "$NEXT_VERSION" "version that answers"
}

# upgrade_beside SIGNAL [VERSION]: the same, but does not wait for the old one to leave, and lets SERVER_PID
# be. Sets NEW_PID to the new leader.
upgrade_beside() {
    local newest
    newest_leader
    newest=$NEWEST_LEADER
    if [[ -n ${2:-} ]]; then NEXT_VERSION=$2; else next_version; fi
    deploy_version "$NEXT_VERSION"
    kill -"$1" "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_newest_leader_other_than "$newest" || return
    NEW_PID=$NEWEST_LEADER
    wait_until_workers_hear "$NEW_PID"
}

# deploy_script LINE...: the next generation is this script, which can execute ./real.
deploy_script() {
    cp "$BUILD/tests/v2/$EXAMPLE" "$APP_DIR/real"
    printf '%s\n' '#!/bin/sh' "$@" >"$APP_DIR/$EXAMPLE.new"
    chmod +x "$APP_DIR/$EXAMPLE.new"
    mv "$APP_DIR/$EXAMPLE.new" "$APP_DIR/$EXAMPLE"
}

# follow_successor PID: waits until another leads, and PID is gone. Sets SERVER_PID.
follow_successor() {
    WATCH_PID='' wait_until 60 is_newest_leader_other_than "$1"
    WATCH_PID='' wait_until 60 is_gone "$1"
    SERVER_PID=$NEWEST_LEADER
}

# replace: upgrades to what is deployed already. Sets SERVER_PID.
replace() {
    kill -HUP "$SERVER_PID"
    follow_successor "$SERVER_PID"
}
