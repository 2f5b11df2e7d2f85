#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# What a drain does with each kind of connection: idle ones end at once and in the server's own way, one
# on which something is owed is let be until that is done, and what never ends has until the deadline.

load helpers
load helpers.drain
load helpers.slow

# --- servers of this file

prepare_nginx_long() { write_nginx_long "127.0.0.1:$PORT"; }
prepare_nginx_https_long() {
    PROTOCOL=https
    make_certificate
    write_nginx_long "127.0.0.1:$PORT ssl" "ssl_certificate server.crt; ssl_certificate_key server.key;"
}
write_nginx_long() {
    SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
    write_nginx_config off "$1" "${2:-}
        sendfile on;
        location = /blob { root $APP_DIR; }
        location = /unmodified { return 304; }"
    sed -i 's/worker_connections [0-9]*/worker_connections 12000/' "$APP_DIR/nginx.conf"
}

prepare_redis_unix() { prepare_on_unix_socket redis /usr/bin/redis-server --port 0 --unixsocket "$SOCKET" --save ''; }
prepare_memcached_unix() { prepare_on_unix_socket memcached /usr/bin/memcached -u root -s "$SOCKET"; }
prepare_on_unix_socket() {
    PROTOCOL=$1
    shift
    SERVER_COMMAND=("$@")
}

# assert_not_before MS WHAT: WHAT has just happened, MS after the drain was asked for or later.
assert_not_before() { assert_within $(( $(now_ms) - DRAIN_BEGIN )) "$1" 100000 "milliseconds until $2"; }

# --- idle connections

# keep_idle COUNT HOLD-OPTION...: opens connections that say nothing more, having been answered once with -k.
keep_idle() {
    local count=$1
    shift
    start_hold -i -n "$count" "$@"
    IDLE_PID=$HOLD_PID IDLE_LOG=$HOLD_LOG IDLE_COUNT=$count
    [[ $* != *-k* ]] || WATCH_PID=$HOLD_PID wait_until 60 grep -qx "kept $count" "$IDLE_LOG"
}

# assert_idle_ended: each came to an orderly end, long before the deadline of `start`.
assert_idle_ended() {
    wait_until 60 is_gone "$IDLE_PID"
    status_of "$IDLE_PID"
    assert_eq "$(grep -E '^(ended|reset)' "$IDLE_LOG" | xargs)" "ended $IDLE_COUNT reset 0" "ends of idle connections"
    assert_eq "$EXIT_STATUS" 0 "exit status of their client"
}

# idle_end_before_held NAME COUNT: the request is answered by a process that leaves right then.
idle_end_before_held() {
    start "$1"
    keep_idle "$2" -k
    begin_held_request
    begin_drain TERM
    assert_idle_ended
    is_alive "$SERVER_PID" || fail "the server did not wait for the request"
    end_held_request
    assert_drained
}

@test "TERM ends 200 idle connections at once and completes a request under way: nginx" { idle_end_before_held nginx 200; }
@test "TERM ends 200 idle connections at once and completes a request under way: node" { idle_end_before_held node_long 200; }
@test "TERM ends 200 idle connections at once and completes a request under way: the example epoll" { idle_end_before_held epoll 200; }
@test "TERM ends 8 idle connections at once and completes a request under way: gunicorn, threaded workers" { idle_end_before_held gunicorn_gthread 8; }
@test "TERM ends 50 idle connections at once and completes a request under way: the example forker" { idle_end_before_held forker 50; }

# idle_end_at_once NAME HOLD-OPTION...: also in a protocol of which nobody knows anything.
idle_end_at_once() {
    start "$1"
    shift
    keep_idle 20 "$@"
    begin_drain TERM
    assert_idle_ended
    assert_drained
}

@test "TERM ends idle connections at once: nginx with HTTPS" { idle_end_at_once nginx_https -k; }
@test "TERM ends idle connections at once: python's HTTPServer" { idle_end_at_once python_long -k; }
@test "TERM ends idle connections at once: the example ping over HTTPS" { idle_end_at_once ping_https -k; }
# bats test_tags=fast
@test "TERM ends idle connections at once: redis" { idle_end_at_once redis -k; }
@test "TERM ends idle connections at once: memcached" { idle_end_at_once memcached -k; }
@test "TERM ends connections that never said a word at once: redis" { idle_end_at_once redis; }
@test "TERM ends connections that never said a word at once: the example threads" { idle_end_at_once threads; }

# start_on_unix_socket NAME: LOAD_URL leads to its unix socket, which is all that it listens on.
start_on_unix_socket() {
    SERVER_NAME=$1
    make_public_dir
    SOCKET=$PUBLIC_DIR/socket
    APP_DIR=$PUBLIC_DIR/app
    PORT=
    mkdir -p "$APP_DIR"
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    "prepare_$1"
    launch_server OCTOPUS_DRAIN_TIMEOUT=120s
    LOAD_URL=$PROTOCOL+unix:$SOCKET
    wait_until_started
}

idle_end_at_once_on_unix_socket() {
    start_on_unix_socket "$1"
    shift
    keep_idle 20 "$@"
    begin_drain TERM
    assert_idle_ended
    assert_drained
}

@test "TERM ends idle connections of a unix socket at once: redis" { idle_end_at_once_on_unix_socket redis_unix -k; }
@test "TERM ends idle connections of a unix socket at once: memcached" { idle_end_at_once_on_unix_socket memcached_unix -k; }
@test "TERM ends idle connections of a unix socket at once: the example epoll" {
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" -u "$BATS_TEST_TMPDIR/socket")
    start epoll
    LOAD_URL=unix:$BATS_TEST_TMPDIR/socket:/ping
    keep_idle 20 -k
    begin_drain TERM
    assert_idle_ended
    assert_drained
}

# idle_end_after_grace NAME: an upgrade gives them OCTOPUS_IDLE_GRACE; long before the deadline all are gone.
idle_end_after_grace() {
    start "$1"
    keep_idle 50 -k
    begin_drain HUP
    assert_idle_ended
    assert_drained
}

@test "an upgrade ends idle connections after a grace: nginx" { idle_end_after_grace nginx; }
@test "an upgrade ends idle connections after a grace: node" { idle_end_after_grace node_long; }
@test "an upgrade ends idle connections after a grace: redis" { idle_end_after_grace redis; }
@test "an upgrade ends idle connections after a grace: the example epoll" { idle_end_after_grace epoll; }

@test "OCTOPUS_IDLE_GRACE is how long an upgrade lets idle connections be" {
    local begin
    start epoll OCTOPUS_IDLE_GRACE=3s
    begin=$(now_ms)
    keep_idle 5 -k
    begin_drain HUP
    assert_idle_ended
    assert_within $(( $(now_ms) - begin )) 3000 100000 "milliseconds that they were let be"
    assert_drained
}

# are_accepted COUNT: so many connections to PORT have a process.
are_accepted() { (( $(ss -Htnp state established "sport = :$PORT" | grep -c users:) >= $1 )); }

# A client may take its time between connect() and its first request, or have no processor.
@test "an upgrade answers a first request that comes later than the grace: the example epoll" {
    local fresh line
    start epoll OCTOPUS_IDLE_GRACE=100ms
    keep_idle 5 -k
    exec {fresh}<>"/dev/tcp/127.0.0.1/$PORT"
    wait_until 60 are_accepted 6
    begin_drain HUP
    assert_idle_ended 4
    printf 'GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&"$fresh"
    line=$(timeout 30 cat <&"$fresh" | tr -d '\r')
    exec {fresh}>&-
    assert_regex "$line" "X-Pid: $DRAINING_PID"
    assert_drained
}

@test "idle connections that use the grace are answered, and asked to close" {
    start epoll OCTOPUS_IDLE_GRACE=120s
    start_hold -k -n 5
    wait_until 60 grep -qx 'kept 5' "$HOLD_LOG"
    begin_drain HUP
    release_hold
    finish_hold 5
    assert_drained
}

# ten_thousand_idle NAME: all come to an orderly end, in a small part of the time that they have.
ten_thousand_idle() {
    ulimit -Sn 12000 2>/dev/null || skip "needs 12,000 descriptors"
    start "$1"
    keep_idle 10000 -k
    begin_drain TERM
    assert_idle_ended
    assert_drained
}

@test "TERM ends 10,000 idle connections: nginx" { ten_thousand_idle nginx_long; }
@test "TERM ends 10,000 idle connections: the example epoll" { ten_thousand_idle epoll; }

# --- answers that take long

# slow_generator NAME SIGNAL: a chunk every 300 ms.
slow_generator() {
    start "$1"
    fetch '/chunks?n=7&ms=300'
    wait_until 60 fetched_more_than 0
    begin_drain "$2"
    assert_fetched
    case $1 in
    epoll) assert_eq "$(cat "$FETCHED")" "$(printf 'chunk\n%.0s' {1..7})" "body" ;;
    *) assert_eq "$(cat "$FETCHED")" "$(printf 'chunk %d\n' {0..6})" "body" ;;
    esac
    assert_drained
}

@test "an answer that comes in pieces is complete after TERM: node" { slow_generator node_long TERM; }
@test "an answer that comes in pieces is complete after TERM: python's HTTPServer" { slow_generator python_long TERM; }
# bats test_tags=fast
@test "an answer that comes in pieces is complete after HUP: the example epoll" { slow_generator epoll HUP; }

# An answer that has only its head so far has been quiet since.
slow_after_head() {
    start "$1"
    fetch '/chunks?n=2&ms=1200'
    wait_until 60 grep -q '^< HTTP/1.1 200' "$FETCH_LOG"
    begin_drain "$2"
    assert_fetched
    assert_eq "$(cat "$FETCHED")" "$(printf 'chunk %d\n' 0 1)" "body"
    assert_drained
}

@test "an answer that halts after its head is complete after TERM: node" { slow_after_head node_long TERM; }
@test "an answer that halts after its head is complete after HUP: node" { slow_after_head node_long HUP; }

# slow_reader NAME SIGNAL: 50 MB at 20 MB/s.
slow_reader() {
    make_blob 50000000
    start "$1"
    fetch /blob --limit-rate 20M
    wait_until 60 fetched_more_than 1000000
    begin_drain "$2"
    assert_fetched
    cmp "$FETCHED" "$APP_DIR/blob"
    assert_drained
}

@test "a download of 50 MB by a slow reader is complete after TERM: nginx" { slow_reader nginx_long TERM; }
@test "a download of 50 MB by a slow reader is complete after TERM: node" { slow_reader node_long TERM; }
@test "a download of 50 MB by a slow reader is complete after HUP: nginx" { slow_reader nginx_long HUP; }

# stalled_reader NAME SIGNAL: it reads nothing for as long as it takes an idle connection to be ended.
stalled_reader() {
    make_blob 50000000
    start "$1"
    fetch /blob --limit-rate 20M
    wait_until 60 fetched_more_than 1000000
    kill -STOP "$FETCH_PID"
    begin_drain "$2"
    holds_for 1.2 is_alive "$DRAINING_PID"
    kill -CONT "$FETCH_PID"
    assert_fetched
    cmp "$FETCHED" "$APP_DIR/blob"
    assert_drained
}

@test "a download whose reader stalls is complete after TERM: nginx" { stalled_reader nginx_long TERM; }
@test "a download whose reader stalls is complete after HUP: nginx" { stalled_reader nginx_long HUP; }

# events_go_on NAME SIGNAL: server-sent events come until the deadline.
events_go_on() {
    start "$1" OCTOPUS_DRAIN_TIMEOUT=2s
    fetch '/events?ms=200'
    wait_until 60 fetched_more_than 0
    begin_drain "$2"
    wait_until 60 is_gone "$FETCH_PID"
    assert_not_before 2000 "the end of the events"
    run ! grep -vxE '|data: tick' "$FETCHED"
    assert_within "$(grep -c tick "$FETCHED")" 6 40 "events"
    assert_drained
}

@test "events come until the deadline after TERM: node" { events_go_on node_long TERM; }
@test "events come until the deadline after HUP: python's HTTPServer" { events_go_on python_long HUP; }

# tunnel_stays NAME SIGNAL: after a 101 nobody knows whether it is anybody's turn. It is quiet for a while before the drain, too.
tunnel_stays() {
    start "$1" OCTOPUS_DRAIN_TIMEOUT=2s
    open_connection
    send_text 'GET /tunnel HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
    read_text_head
    # shellcheck disable=SC2153 # the helper sets it
    assert_regex "$HEAD" '^HTTP/1.1 101 '
    send_text 'one\n'
    read_text_line
    # shellcheck disable=SC2153 # the helper sets it
    assert_eq "$LINE" one "what comes back"
    holds_for 0.6 connection_is_open
    begin_drain "$2"
    send_text 'two\n'
    read_text_line
    assert_eq "$LINE" two "what comes back while draining"
    wait_until 60 connection_has_ended
    assert_not_before 2000 "the end of the tunnel"
    assert_drained
}

@test "an idle tunnel has until the deadline after TERM: node" { tunnel_stays node_long TERM; }
@test "an idle tunnel has until the deadline after HUP: python's HTTPServer" { tunnel_stays python_long HUP; }

# --- requests that take long

# slow_upload NAME SIGNAL: 400 kB at 200 kB/s, after a 100 Continue.
slow_upload() {
    make_blob 400000
    start "$1"
    fetch /upload --upload-file "$APP_DIR/blob" --limit-rate 200k --header 'Expect: 100-continue' --expect100-timeout 10
    wait_until 60 grep -q '100 Continue' "$FETCH_LOG"
    begin_drain "$2"
    is_alive "$FETCH_PID" || fail "the upload was over too soon"
    assert_fetched
    assert_eq "$(cat "$FETCHED")" "400000 $(sha256sum <"$APP_DIR/blob" | cut -d ' ' -f 1)" "answer to the upload"
    assert_drained
}

@test "an upload after 100 Continue is complete after TERM: node" { slow_upload node_long TERM; }
@test "an upload after 100 Continue is complete after HUP: python's HTTPServer" { slow_upload python_long HUP; }

# halting_request NAME SIGNAL FIRST-PART SECOND-PART: the client takes its time between the two.
halting_request() {
    start "$1"
    open_connection
    send_text "$3"
    [[ $3 != *100-continue* ]] || read_text_head
    wait_until 60 nothing_is_unread
    begin_drain "$2"
    holds_for 1.2 connection_is_open
    send_text "$4"
    read_text_head
    assert_regex "$HEAD" '^HTTP/1.1 200 '
    assert_drained
}

# after_100_continue NAME SIGNAL
after_100_continue() {
    halting_request "$1" "$2" 'PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n' 0123456789
}

@test "a body that halts is waited for after TERM: node" {
    halting_request node_long TERM 'PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n01234' 56789
}
@test "a head that halts is waited for after TERM: nginx" {
    halting_request nginx TERM 'GET /ping HTTP/1.1\r\nHos' 't: localhost\r\n\r\n'
}
@test "a head that halts is waited for after HUP: the example epoll" {
    halting_request epoll HUP 'GET /ping HTTP/1.1\r\nHos' 't: localhost\r\n\r\n'
}
@test "a body that halts before its first byte is waited for after TERM: node" { after_100_continue node_long TERM; }
@test "a body that halts before its first byte is waited for after TERM: python's HTTPServer" { after_100_continue python_long TERM; }

# slow_on_kept NAME SIGNAL: not the first request of the connection.
slow_on_kept() {
    start "$1"
    LOAD_URL="$URL/slow?ms=1000"
    start_hold -k -n 8
    wait_until 60 grep -qx 'kept 8' "$HOLD_LOG"
    release_hold
    wait_until 60 grep -qx 'sent 8' "$HOLD_LOG"
    begin_drain "$2"
    finish_hold 8
    assert_drained
}

@test "requests of 1 s on kept connections are answered after TERM: nginx" { slow_on_kept nginx TERM; }
@test "requests of 1 s on kept connections are answered after TERM: node" { slow_on_kept node_long TERM; }
@test "requests of 1 s on kept connections are answered after TERM: the example ping over HTTPS" { slow_on_kept ping_https TERM; }
@test "requests of 1 s on kept connections are answered after TERM: the example forker" { slow_on_kept forker TERM; }
@test "requests of 1 s on kept connections are answered after HUP: the example epoll" { slow_on_kept epoll HUP; }

# two_at_once NAME SIGNAL: the second request is under way although the last that was seen is an answer.
two_at_once() {
    start "$1"
    open_connection
    send_text 'GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\nGET /slow?ms=1500 HTTP/1.1\r\nHost: localhost\r\n\r\n'
    read_text_head
    assert_regex "$HEAD" '^HTTP/1.1 200 '
    begin_drain "$2"
    until [[ $LINE == HTTP/1.1* ]]; do read_text_line; done
    assert_eq "$LINE" 'HTTP/1.1 200 OK' "second answer"
    until [[ $LINE == pong* ]]; do read_text_line; done
    assert_drained
}

@test "the second of two requests sent at once is answered after TERM: nginx" { two_at_once nginx TERM; }
@test "the second of two requests sent at once is answered after TERM: node" { two_at_once node_long TERM; }
@test "the second of two requests sent at once is answered after HUP: the example epoll" { two_at_once epoll HUP; }

@test "requests of 1 s on a unix socket are answered after TERM: the example epoll" {
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" -u "$BATS_TEST_TMPDIR/socket")
    start epoll
    LOAD_URL="unix:$BATS_TEST_TMPDIR/socket:/slow?ms=1000" start_hold -q -n 8
    wait_until 60 grep -qx 'sent 8' "$HOLD_LOG"
    begin_drain TERM
    finish_hold 8
    assert_drained
}

# blocking_command SIGNAL SECONDS: a reply that is owed for longer than it takes an idle connection to be ended.
blocking_command() {
    start redis
    open_connection
    send_text 'PING\r\n'
    read_text_line
    assert_eq "$LINE" +PONG "first reply"
    send_text "BLPOP nothing $2\r\n"
    wait_until 60 nothing_is_unread
    begin_drain "$1"
    read_text_line
    assert_eq "$LINE" '*-1' "reply of the command that blocks"
    assert_drained
}

@test "a command that blocks is replied to after TERM: redis" { blocking_command TERM 0.8; }
@test "a command that blocks is replied to after HUP: redis" { blocking_command HUP 1.5; }

# --- pipelines

# pipeline MODE NAME SIGNAL: each of 10,000 commands is replied to; see tests/client/pipeline.py.
pipeline() {
    local gate=$BATS_TEST_TMPDIR/gate log=$BATS_TEST_TMPDIR/pipeline.log pid
    if [[ $2 == *_unix ]]; then start_on_unix_socket "$2"; else start "$2"; fi
    mkfifo "$gate"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/client/pipeline.py" "$1" "$PROTOCOL" 10000 "${SOCKET:-$PORT}" <>"$gate" >"$log" 2>&1 3>&- 4>&- &
    pid=$!
    HELPER_PIDS+=("$pid")
    WATCH_PID=$pid wait_until 60 grep -q 'under way' "$log"
    begin_drain "$3"
    if [[ $1 == stalled ]]; then
        holds_for 1.2 is_alive "$DRAINING_PID"
        echo 1<>"$gate"
    fi
    status_of "$pid"
    assert_eq "$EXIT_STATUS" 0 "exit status of the pipeline ($(<"$log"))"
    grep -qx 'replied 10000' "$log"
    assert_drained
}

@test "a pipeline of 10,000 is answered after TERM: redis" { pipeline paced redis TERM; }
@test "a pipeline of 10,000 is answered after HUP: memcached" { pipeline paced memcached HUP; }
@test "a pipeline of 10,000 whose reader stalls is answered after TERM: redis" { pipeline stalled redis TERM; }
@test "a pipeline of 10,000 whose reader stalls is answered after TERM: memcached" { pipeline stalled memcached TERM; }
@test "a pipeline of 10,000 whose reader stalls is answered after HUP: redis" { pipeline stalled redis HUP; }

@test "a pipeline of 10,000 on a unix socket whose reader stalls is answered after TERM: redis" { pipeline stalled redis_unix TERM; }
@test "a pipeline of 10,000 on a unix socket whose reader stalls is answered after TERM: memcached" { pipeline stalled memcached_unix TERM; }

# --- workers

# pid_of_connection: the process that holds the connection of the slow request.
pid_of_connection() { ss -Htnp state established "sport = :$PORT" | sed -n 's/.*users:.*pid=\([0-9]*\),.*/\1/p' | head -n 1; }

# killed_worker_is_not_waited_for NAME SIGNAL: its request is lost with it, and nobody else's time.
killed_worker_is_not_waited_for() {
    local worker
    start "$1"
    start_slow 90000
    worker=$(pid_of_connection)
    [[ $worker != "$SERVER_PID" ]] || fail "the leader serves"
    begin_drain "$2"
    holds_for 0.3 is_alive "$DRAINING_PID"
    kill -KILL "$worker"
    run ! finish_slow "$SLOW_PID" 90000
    wait_until 60 is_gone "$DRAINING_PID"
    if [[ $2 == TERM ]]; then
        assert_no_process_left
    else
        assert_only_generation "$SERVER_PID"
    fi
}

@test "a worker that is killed while it drains is not waited for after TERM: nginx" { killed_worker_is_not_waited_for nginx TERM; }
@test "a worker that is killed while it drains is not waited for after TERM: gunicorn, threaded workers" { killed_worker_is_not_waited_for gunicorn_gthread TERM; }
@test "a worker that is killed while it drains is not waited for after TERM: the example forker" { killed_worker_is_not_waited_for forker TERM; }
@test "a worker that is killed while it drains is not waited for after TERM: the example prefork" { killed_worker_is_not_waited_for prefork TERM; }
@test "a worker that is killed while it drains is not waited for after HUP: nginx" { killed_worker_is_not_waited_for nginx HUP; }

# --- what the log says meanwhile

PROGRESS='Draining: ([0-9]+) connections? left \(([0-9]+) idle\), ([0-9]+)\.([0-9]) s to go\.$'

# progress_lines: stamp, connections, idle ones and tenths of a second to go of each.
progress_lines() {
    sed -nE "s#^([0-9/]+ [0-9:]+) \[INFO\] $PROGRESS#\1 \2 \3 \4\5#p" "$OCTOPUS_LOG_FILE"
}

# assert_progress CONNECTIONS IDLE TENTHS: of each line, at most one a second, the time going down from TENTHS.
assert_progress() {
    local day time connections idle tenths before=$(( $3 + 10 )) stamps
    assert_eq "$(log_count 'Draining: ')" "$(progress_lines | wc -l)" "progress lines that are well formed"
    assert_within "$(progress_lines | wc -l)" 2 $(( $3 / 10 + 1 )) "progress lines"
    stamps=$(progress_lines | cut -d ' ' -f 1,2)
    assert_eq "$(uniq <<<"$stamps")" "$stamps" "stamps of progress lines, of which no two are of one second"
    while read -r day time connections idle tenths; do
        assert_eq "$connections" "$1" "connections left"
        assert_eq "$idle" "$2" "idle ones"
        assert_within "$((10#$tenths))" 0 $(( before - 9 )) "tenths of a second to go"
        before=$((10#$tenths))
    done < <(progress_lines)
}

# ports_of PID: the ports of a client's connections to the server.
ports_of() { ss -Htnp state established "dport = :$PORT" | grep "pid=$1," | awk '{ sub(/.*:/, "", $3); print $3 }'; }

@test "each second of a drain is logged, and in the end who was left" {
    local port ports
    start node_long OCTOPUS_DRAIN_TIMEOUT=3s OCTOPUS_IDLE_GRACE=120s
    keep_idle 3 -k
    fetch '/events?ms=100'
    wait_until 60 fetched_more_than 0
    ports=$(ports_of "$IDLE_PID"; ports_of "$FETCH_PID")
    assert_eq "$(wc -l <<<"$ports")" 4 "connections"
    begin_drain HUP
    assert_drained
    assert_progress 4 3 30
    for port in $ports; do
        log_has "127.0.0.1:$port" || fail "port $port is not named in the log"
    done
    assert_within "$(wc -l <"$OCTOPUS_LOG_FILE")" 10 20 "lines in the log"
}

@test "of many connections that are left a few are named" {
    local ports
    start epoll OCTOPUS_DRAIN_TIMEOUT=2s OCTOPUS_IDLE_GRACE=120s
    keep_idle 300 -k
    mapfile -t ports < <(ports_of "$IDLE_PID")
    begin_drain HUP
    assert_drained
    log_has "300 connections" || fail "no line says how many"
    assert_within "$(grep -cFf <(printf '127.0.0.1:%s\n' "${ports[@]}") "$OCTOPUS_LOG_FILE")" 1 10 "lines that name peers"
    assert_within "$(wc -l <"$OCTOPUS_LOG_FILE")" 10 25 "lines in the log"
}

@test "connections of all workers are counted" {
    start nginx OCTOPUS_DRAIN_TIMEOUT=3s OCTOPUS_IDLE_GRACE=120s
    keep_idle 40 -k
    begin_drain HUP
    assert_drained
    assert_progress 40 40 30
}

@test "a drain that is over at once tells no progress" {
    start epoll
    begin_drain TERM
    assert_drained
    assert_eq "$(log_count Draining)" 0 "progress lines"
}

@test "connections that end are not counted any more" {
    start threads
    begin_held_request
    keep_idle 10 -k
    begin_drain TERM
    wait_until 60 last_progress_is "1 0"
    end_held_request
    assert_drained
}

# last_progress_is 'CONNECTIONS IDLE'
last_progress_is() { [[ $(progress_lines | tail -n 1 | cut -d ' ' -f 3,4) == "$1" ]]; }

# --- what a drain does to the bytes

# exchange_twice REQUEST...: makes each before the drain and in it, on one connection, with tests/client/exchanges.py.
# Leaves the answers in ANSWERS, as N.first and N.second.
exchange_twice() {
    local gate=$BATS_TEST_TMPDIR/gate log=$BATS_TEST_TMPDIR/exchanges.log arguments=() pid number=0 request
    ANSWERS=$BATS_TEST_TMPDIR
    for request; do arguments+=("$((++number))" "$request"); done
    mkfifo "$gate"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/client/exchanges.py" "$URL" "$ANSWERS" "${arguments[@]}" \
        <>"$gate" >"$log" 2>&1 3>&- 4>&- &
    pid=$!
    HELPER_PIDS+=("$pid")
    WATCH_PID=$pid wait_until 60 grep -qx "kept $number" "$log"
    begin_drain HUP
    # By then every process of the generation has stopped accepting, and follows its connections.
    wait_until 60 log_has 'Draining: '
    echo 1<>"$gate"
    status_of "$pid"
    assert_eq "$EXIT_STATUS" 0 "exit status of the client ($(<"$log"))"
}

# without_date FILE, without_connection FILE: the answer without what may differ.
without_date() { LC_ALL=C sed '1,/^\r$/{/^Date: /Id}' "$1"; }
without_connection() { without_date "$1" | LC_ALL=C sed '1,/^\r$/{/^\(Connection\|Keep-Alive\): /Id}'; }

# announces_close FILE: its head says so, once. Blanks after a value are no part of it (RFC 9110, 5.5).
announces_close() {
    local head
    head=$(sed '/^\r$/q' "$1" | tr -d '\r' | sed 's/ *$//')
    assert_eq "$(grep -ic '^connection:' <<<"$head")" 1 "Connection headers of ${1##*/}"
    assert_eq "$(grep -i '^connection:' <<<"$head" | tr '[:upper:]' '[:lower:]')" "connection: close" "header of ${1##*/}"
}

# answers_differ_only_in_connection NAME REQUEST...
answers_differ_only_in_connection() {
    local number
    make_blob 300000
    start "$1" OCTOPUS_IDLE_GRACE=120s
    shift
    exchange_twice "$@"
    for (( number = 1; number <= $#; number++ )); do
        announces_close "$ANSWERS/$number.second"
        cmp <(without_connection "$ANSWERS/$number.first") <(without_connection "$ANSWERS/$number.second")
    done
    assert_drained
}

# answers_are_the_same NAME REQUEST...: with OCTOPUS_HTTP_CLOSE=off.
answers_are_the_same() {
    local number
    make_blob 300000
    start "$1" OCTOPUS_IDLE_GRACE=120s OCTOPUS_HTTP_CLOSE=off
    shift
    exchange_twice "$@"
    for (( number = 1; number <= $#; number++ )); do
        cmp <(without_date "$ANSWERS/$number.first") <(without_date "$ANSWERS/$number.second")
    done
    assert_drained
}

REQUESTS=('GET /ping' 'GET /blob' 'HEAD /blob' 'GET /unmodified' 'GET /ping|Connection: keep-alive' 'GET /slow?ms=100')
LONG_REQUESTS=("${REQUESTS[@]}" 'GET /chunks?n=5&ms=10' 'GET /none')

@test "answers in a drain differ in the Connection header only: nginx" {
    answers_differ_only_in_connection nginx_long "${REQUESTS[@]}" 'GET /blob|Range: bytes=100-200'
}
@test "answers in a drain differ in the Connection header only: apache" {
    answers_differ_only_in_connection apache_event 'GET /ping' 'GET /blob' 'HEAD /blob' 'GET /none'
}
@test "answers in a drain differ in the Connection header only: node" { answers_differ_only_in_connection node_long "${LONG_REQUESTS[@]}"; }
@test "answers in a drain differ in the Connection header only: python's HTTPServer" { answers_differ_only_in_connection python_long "${LONG_REQUESTS[@]}"; }
@test "answers in a drain differ in the Connection header only: the example epoll" { answers_differ_only_in_connection epoll 'GET /ping' 'GET /bytes?n=200000' 'GET /chunks?n=5&ms=10' 'GET /none'; }
@test "answers in a drain differ in the Connection header only: nginx with HTTPS" { answers_differ_only_in_connection nginx_https_long "${REQUESTS[@]}"; }
@test "answers in a drain differ in the Connection header only: the example ping over HTTPS" { answers_differ_only_in_connection ping_https 'GET /ping' 'GET /bytes?n=200000' 'GET /chunks?n=5&ms=10'; }
@test "with OCTOPUS_HTTP_CLOSE=off answers in a drain are the same: nginx" { answers_are_the_same nginx_long "${REQUESTS[@]}"; }
@test "with OCTOPUS_HTTP_CLOSE=off answers in a drain are the same: node" { answers_are_the_same node_long "${LONG_REQUESTS[@]}"; }

# halting_handshake NAME BYTES: of a connection that is accepted, but has agreed on nothing when the drain begins.
halting_handshake() {
    local gate=$BATS_TEST_TMPDIR/gate answer=$BATS_TEST_TMPDIR/answer pid
    start "$1" OCTOPUS_IDLE_GRACE=120s
    mkfifo "$gate"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/client/halting_handshake.py" "$PORT" "$2" <>"$gate" >"$answer" 2>&1 3>&- 4>&- &
    pid=$!
    HELPER_PIDS+=("$pid")
    WATCH_PID=$pid wait_until 60 grep -q '^begun' "$answer"
    wait_until 60 are_accepted 1
    (( $2 == 0 )) || wait_until 60 more_requests_taken_than 0
    begin_drain HUP
    # By then every process of the generation has stopped accepting, and follows its connections.
    wait_until 60 log_has 'Draining: '
    echo 1<>"$gate"
    status_of "$pid"
    assert_eq "$EXIT_STATUS" 0 "exit status of the client ($(<"$answer"))"
    assert_regex "$(tr -d '\r' <"$answer")" $'\nConnection: close *($|\n)'
    assert_drained
}


@test "a client in the middle of its TLS handshake is asked to close, too: nginx" { halting_handshake nginx_https 40; }
@test "a client that has not begun its TLS handshake is asked to close, too: nginx" { halting_handshake nginx_https 0; }
@test "a client in the middle of its TLS handshake is asked to close, too: the example ping" { halting_handshake ping_https 40; }
@test "a client that has not begun its TLS handshake is asked to close, too: the example ping" { halting_handshake ping_https 0; }

# What looks like a head inside of a body is none.
@test "a body that holds an HTTP head is left alone" {
    make_blob 10
    printf 'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc%.0s' {1..500} >"$APP_DIR/blob"
    start node_long OCTOPUS_IDLE_GRACE=120s
    exchange_twice 'GET /blob'
    cmp <(sed '1,/^\r$/d' "$ANSWERS/1.first") <(sed '1,/^\r$/d' "$ANSWERS/1.second")
    assert_drained
}
