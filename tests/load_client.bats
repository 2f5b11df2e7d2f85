#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The load client is what all other tests trust, so it is tried on servers that fail on purpose:
# each kind of failure has to be counted, under its own name and no other.
# bats file_tags=ci:parallel

bats_require_minimum_version 1.8.0

setup() {
    : "${BUILD:=$BATS_TEST_DIRNAME/../build}"
    LOAD=$BUILD/tests/load
    HOLD=$BUILD/tests/hold
    PIDS=()
}

teardown() {
    local pid
    for pid in "${PIDS[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# spawn COMMAND...: runs it in the background. Sets SPAWNED_PID, and OUT to read its output from.
spawn() {
    exec {OUT}< <(exec "$@" 3>&- 2>&1)
    SPAWNED_PID=$!
    PIDS+=("$SPAWNED_PID")
}

# read_until WORD: reads the output of what was spawned last, up to the line that begins with WORD.
# Leaves that line in LINE.
read_until() {
    while read -r -t 60 LINE <&"$OUT"; do
        [[ $LINE != "$1"* ]] || return 0
    done
    echo "no line '$1'; the last one was: $LINE"
    return 1
}

# start PROGRAM [ARGUMENT...]: starts a server. Sets PORT and SERVER_PID.
start() {
    local program=$1
    shift
    spawn "$BUILD/tests/$program" "$@"
    read_until ready
    read -r _ PORT SERVER_PID <<<"$LINE"
}

# until_accepted COUNT: waits until SERVER_PID holds so many connections.
until_accepted() {
    for _ in {1..600}; do
        (( $(ss -Htnp state established "sport = :$PORT" | grep -c "pid=$SERVER_PID,") != $1 )) || return 0
        read -r -t 0.1 <> <(:) || true
    done
    echo "not $1 connections accepted"
    return 1
}

# assert_only KIND COUNT: of all failures only KIND was counted, COUNT times, in $output.
assert_only() {
    local found
    found=$(awk '$1 ~ /^(refused|refused_end|reset|eof|short|timeout|status|protocol|other|eof_reused|reset_reused|ended_idle)$/ &&
        $2 != 0 { print $1, $2 }' <<<"$output")
    [[ $found == "$1 $2" ]] && return
    echo "expected only '$1 $2', got '$found' in:"
    echo "$output"
    return 1
}

# assert_line TEXT: $output has it as a line.
assert_line() {
    grep -qxF -- "$1" <<<"$output" && return
    echo "no line '$1' in:"
    echo "$output"
    return 1
}

make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj /CN=localhost -keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/crt" 2>/dev/null
}

# fails_as KIND MODE: three requests to a server that misbehaves as MODE fail as KIND. Only where the client
# must run into its time limit is that limit short.
fails_as() {
    local limit=60000
    [[ $1 != timeout ]] || limit=300
    start misbehave "$2"
    run -1 "$LOAD" -n 3 -t "$limit" "http://127.0.0.1:$PORT/ping"
    assert_only "$1" 3
    assert_line "failures 3"
    assert_line "requests 3"
}

@test "an end before the answer is an eof" { fails_as eof close; }
# bats test_tags=fast
@test "a reset before the answer is a reset" { fails_as reset reset; }
@test "a reset after a complete answer is a reset" { fails_as reset late_reset; }
@test "a cut body is a short answer" { fails_as short short; }
@test "a missing last chunk is a short answer" { fails_as short short_chunked; }
@test "a cut head is a short answer" { fails_as short half_head; }
@test "a 500 is a status failure" { fails_as status status; }
@test "garbage is a protocol failure" { fails_as protocol garbage; }
@test "bytes after the body are a protocol failure" { fails_as protocol surplus; }
@test "no answer is a timeout" { fails_as timeout hang; }
@test "a connection that is not ended after its answer is a timeout" { fails_as timeout linger; }

@test "a port where nobody listens is refused" {
    start misbehave close
    kill "$SERVER_PID"
    # Its standard output ends when the process does.
    run cat <&"$OUT"
    run -1 "$LOAD" -c 2 -n 6 "http://127.0.0.1:$PORT/"
    assert_only refused 6
}

@test "a unix socket that is gone is refused" {
    run -1 "$LOAD" -n 2 "unix:$BATS_TEST_TMPDIR/none.sock:/ping"
    assert_only refused 2
}

@test "an address that cannot be connected to is another failure, named on stderr" {
    run -1 "$LOAD" -n 2 http://255.255.255.255:9/
    assert_only other 2
    [[ $output == *"connect: "* ]]
}

@test "the end of a kept connection is a failure even before the next answer begins" {
    start misbehave kept_close=2
    run -1 "$LOAD" -k -n 6 "http://127.0.0.1:$PORT/ping"
    assert_line "ok 4"
    assert_only eof_reused 2
}

@test "the reset of a kept connection is a failure even before the next answer begins" {
    start misbehave kept_reset=2
    run -1 "$LOAD" -k -n 6 "http://127.0.0.1:$PORT/ping"
    assert_line "ok 4"
    assert_only reset_reused 2
}

@test "the end of a kept connection while it rests is noticed" {
    start misbehave kept_close=1
    run -1 "$LOAD" -k -n 2 -p 1000 "http://127.0.0.1:$PORT/ping"
    assert_only eof_reused 1
}

@test "with -e an end that came while the connection rested is no failure, and is not sent into" {
    start misbehave kept_close=1
    run -0 "$LOAD" -k -e -n 3 -p 1000 "http://127.0.0.1:$PORT/ping"
    assert_line "ok 3"
    assert_line "requests 3"
    assert_only ended_idle 2
}

@test "with -e an end that comes after the request was sent is a failure all the same" {
    start misbehave kept_late_close=1
    run -1 "$LOAD" -k -e -n 2 -p 1000 "http://127.0.0.1:$PORT/ping"
    assert_only eof_reused 1
}

@test "with -e a reset while the connection rested is a failure all the same" {
    start misbehave kept_reset_idle=1
    run -1 "$LOAD" -k -e -n 2 -p 1000 "http://127.0.0.1:$PORT/ping"
    assert_only reset_reused 1
}

@test "with -e an end of TLS that came while the connection rested is seen" {
    # Within the time of the server's, also on a busy machine, the client sends its request.
    make_certificate
    start v1/ping_https -c "$BATS_TEST_TMPDIR/crt" -k "$BATS_TEST_TMPDIR/key" idle=400
    run -0 "$LOAD" -k -e -n 3 -p 1600 "https://127.0.0.1:$PORT/ping"
    assert_only ended_idle 2
    run -1 "$LOAD" -k -n 2 -p 1600 "https://127.0.0.1:$PORT/ping"
    assert_only eof_reused 1
}

@test "a body of another size than expected is a failure" {
    start v1/epoll
    run -1 "$LOAD" -n 1 -b 11 "http://127.0.0.1:$PORT/bytes?n=10"
    assert_only short 1
    run -1 "$LOAD" -n 1 -b 9 "http://127.0.0.1:$PORT/bytes?n=10"
    assert_only protocol 1
}

@test "one bad answer among good ones fails the run" {
    start misbehave kept_close=50
    run -1 "$LOAD" -k -n 51 "http://127.0.0.1:$PORT/ping"
    assert_line "ok 50"
    assert_line "failures 1"
}

# bats test_tags=fast
@test "a good server gives exit status 0 and names who answered" {
    start v1/threads
    run -0 "$LOAD" -c 4 -n 200 "http://127.0.0.1:$PORT/ping"
    assert_line "requests 200"
    assert_line "ok 200"
    assert_line "failures 0"
    assert_line "running"
    assert_line "first v1 $SERVER_PID"
    assert_line "answered v1 $SERVER_PID 200"
}

@test "a server that announces the end of a kept connection is no failure" {
    start v1/blocking
    run -0 "$LOAD" -k -n 50 "http://127.0.0.1:$PORT/ping"
    assert_line "answered v1 $SERVER_PID 50"
}

@test "versions are told from the body or the Server header when there is no header for them" {
    start misbehave kept_close=9
    run -0 "$LOAD" -k -n 2 "http://127.0.0.1:$PORT/"
    assert_line "answered v1 $SERVER_PID 2"
    start misbehave bare
    run -0 "$LOAD" -n 2 "http://127.0.0.1:$PORT/"
    assert_line "answered bare_one 0 2"
}

@test "200 workers are served" {
    start v2/epoll
    run -0 "$LOAD" -c 200 -n 1000 -k "http://127.0.0.1:$PORT/ping"
    assert_line "answered v2 $SERVER_PID 1000"
}

@test "chunked answers and long bodies are read to their end" {
    start v1/poll
    run -0 "$LOAD" -k -n 5 -b 18 "http://127.0.0.1:$PORT/chunks?n=3&ms=1"
    run -0 "$LOAD" -k -n 5 -b 300000 "http://127.0.0.1:$PORT/bytes?n=300000"
    assert_line "ok 5"
}

@test "HTTPS and unix sockets are served" {
    make_certificate
    local socket=$BATS_TEST_TMPDIR/s
    start v1/ping_https -c "$BATS_TEST_TMPDIR/crt" -k "$BATS_TEST_TMPDIR/key"
    run -0 "$LOAD" -c 2 -n 20 "https://127.0.0.1:$PORT/ping"
    run -0 "$LOAD" -c 2 -n 20 -k "https://127.0.0.1:$PORT/ping"
    assert_line "answered v1 $SERVER_PID 20"
    start v1/select -l 127.0.0.1:0 -u "$socket"
    run -0 "$LOAD" -n 20 "unix:$socket:/ping"
    assert_line "answered v1 $SERVER_PID 20"
}

@test "a dual-stack listener is reached by IPv6 and by IPv4" {
    [[ -e /proc/net/if_inet6 ]] && grep -q ' lo$' /proc/net/if_inet6 || skip "no IPv6 here"
    start v1/forker -l '[::]:0'
    run -0 "$LOAD" -n 20 "http://[::1]:$PORT/ping"
    assert_line "answered v1 $SERVER_PID 20"
    run -0 "$LOAD" -n 20 "http://127.0.0.1:$PORT/ping"
    assert_line "answered v1 $SERVER_PID 20"
}

@test "the stop signal lets requests under way finish" {
    start v1/threads
    spawn "$LOAD" -c 3 "http://127.0.0.1:$PORT/slow?ms=200"
    read_until running
    kill "$SPAWNED_PID"
    output=$(cat <&"$OUT")
    wait "$SPAWNED_PID"
    assert_line "failures 0"
    # The second round of each worker was under way.
    assert_line "ok 6"
}

@test "with -r the refusal that is waited for is no failure" {
    start v1/blocking
    spawn "$LOAD" -c 3 -r "http://127.0.0.1:$PORT/ping"
    read_until running
    # Killed in the middle of a load, the server fails requests: -r forgives only refusals.
    kill "$SERVER_PID"
    output=$(cat <&"$OUT")
    assert_line "refused_end 3"
    run -0 "$LOAD" -c 3 -r "http://127.0.0.1:$PORT/ping"
    assert_only refused_end 3
}

@test "a wrong command line has exit status 2" {
    run -2 "$LOAD" -c 1 ftp://127.0.0.1:1/
    run -2 "$LOAD"
    run -2 "$HOLD" -n 0 http://127.0.0.1:1/
}

@test "held connections are answered when the line on stdin comes" {
    start v1/threads
    run -0 "$HOLD" -n 30 "http://127.0.0.1:$PORT/ping" <<<""
    assert_line "connected 30"
    assert_line "sent 30"
    assert_line "answered 30"
    assert_line "failed 0"
    assert_line "answered v1 $SERVER_PID 30"
}

@test "held connections that fail are counted by kind" {
    start misbehave close
    run -1 "$HOLD" -n 5 -q "http://127.0.0.1:$PORT/ping"
    assert_line "answered 0"
    assert_line "failed 5"
    assert_only eof 5
}

@test "idle connections tell an end from a reset" {
    start v1/epoll
    spawn "$HOLD" -n 4 -i "http://127.0.0.1:$PORT/ping"
    read_until connected
    # What a server has not accepted yet is reset when it ends.
    until_accepted 4
    kill "$SERVER_PID"
    output=$(cat <&"$OUT")
    assert_line "ended 4"
    assert_line "reset 0"
}

@test "kept connections are answered, held, and asked again when the line on stdin comes" {
    start v1/epoll
    run -0 "$HOLD" -k -n 30 "http://127.0.0.1:$PORT/ping" <<<""
    assert_line "kept 30"
    assert_line "answered 30"
    assert_line "answered v1 $SERVER_PID 60"
}

@test "a connection whose answer announces its end is not kept" {
    start v1/blocking
    run -1 "$HOLD" -k -i -n 1 "http://127.0.0.1:$PORT/ping"
    assert_line "kept 0"
}

@test "kept connections tell an end from a reset" {
    start misbehave kept_reset_idle=1
    run -1 "$HOLD" -k -i -n 1 "http://127.0.0.1:$PORT/ping"
    assert_line "kept 1"
    assert_line "ended 0"
    assert_line "reset 1"
}
