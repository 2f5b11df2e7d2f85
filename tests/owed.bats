#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# An answer that is owed is never cut before the deadline, however long its head or the request's, wherever it
# pauses, and whoever read the request. And what looks like HTTP in a body is none: it passes as it is.

load helpers
load helpers.drain

# cookie BYTES: a header of curl's.
cookie() { printf 'Cookie: s=%*s' "$1" '' | tr ' ' c | sed 's/^Cookie:c/Cookie: /'; }

# long_heads NAME SIGNAL COOKIE [HEAD]: the answer halts longer than any idle connection may rest.
long_heads() {
    start "$1"
    fetch "/chunks?n=2&ms=1500&head=${4:-0}" --header "$(cookie "$3")"
    wait_until 60 grep -q '^< HTTP/1.1 200' "$FETCH_LOG"
    begin_drain "$2"
    assert_fetched
    assert_eq "$(grep -c chunk "$FETCHED")" 2 "lines of the body"
    assert_drained
}

@test "a request with a cookie of 1,100 bytes is answered in full after HUP: the example epoll" { long_heads epoll HUP 1100; }
@test "a request with a cookie of 1,100 bytes is answered in full after TERM: the example epoll" { long_heads epoll TERM 1100; }
@test "a request with a cookie of 7,900 bytes is answered in full after HUP: the example epoll" { long_heads epoll HUP 7900; }
@test "a request with a cookie of 7,900 bytes is answered in full after TERM: the example epoll" { long_heads epoll TERM 7900; }
@test "a request with a cookie of 1,100 bytes is answered in full after HUP: node" { long_heads node_long HUP 1100; }
@test "a request with a cookie of 1,100 bytes is answered in full after TERM: node" { long_heads node_long TERM 1100; }
@test "a request with a cookie of 8 KiB is answered in full after HUP: node" { long_heads node_long HUP 8192; }
# bats test_tags=fast
@test "a request with a cookie of 8 KiB is answered in full after TERM: node" { long_heads node_long TERM 8192; }
@test "an answer with a head of 1,200 bytes is complete after HUP: node" { long_heads node_long HUP 10 1200; }
@test "an answer with a head of 8 KiB is complete after TERM: node" { long_heads node_long TERM 10 8192; }

# read_pong: reads an answer on CONNECTION to its last line.
read_pong() {
    while read_text_line; do
        [[ $LINE != pong* ]] || return 0
    done
    fail "no answer"
}

# idle_after_long_heads NAME: a kept connection that owes nothing is ended as soon as any other.
idle_after_long_heads() {
    start "$1"
    open_connection
    send_text "GET /ping HTTP/1.1\r\nHost: localhost\r\n$(cookie 5000)\r\n\r\n"
    read_pong
    begin_drain TERM
    wait_until 60 connection_has_ended
    assert_drained
}

@test "an idle connection whose last request had a cookie of 5,000 bytes is ended after TERM: node" { idle_after_long_heads node_long; }
@test "an idle connection whose last request had a cookie of 5,000 bytes is ended after TERM: the example epoll" { idle_after_long_heads epoll; }

# paused_rows SIGNAL: within a chunk whose first half ends like a last chunk, between chunks, and within the end.
paused_rows() {
    start node_long
    fetch '/rows?ms=1200'
    wait_until 60 fetched_more_than 1000
    begin_drain "$1"
    assert_fetched
    assert_eq "$(stat -c %s "$FETCHED")" 3021 "bytes of the body"
    assert_drained
}

@test "an answer that pauses within a chunk is complete after HUP: node" { paused_rows HUP; }
@test "an answer that pauses within a chunk is complete after TERM: node" { paused_rows TERM; }

# halting_record NAME SIGNAL: the TLS library has read a part of a request, and shown nothing of it.
halting_record() {
    local gate=$BATS_TEST_TMPDIR/gate answer=$BATS_TEST_TMPDIR/answer pid
    start "$1"
    mkfifo "$gate"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/client/halting_handshake.py" "$PORT" 20 kept <>"$gate" >"$answer" 2>&1 3>&- 4>&- &
    pid=$!
    HELPER_PIDS+=("$pid")
    WATCH_PID=$pid wait_until 60 grep -q '^begun' "$answer"
    wait_until 60 nothing_is_unread
    begin_drain "$2"
    holds_for 1.5 is_alive "$DRAINING_PID"
    echo 1<>"$gate"
    status_of "$pid"
    assert_eq "$EXIT_STATUS" 0 "exit status of the client ($(<"$answer"))"
    assert_drained
}

@test "a request whose TLS record halts is answered after TERM: the example ping" { halting_record ping_https TERM; }
@test "a request whose TLS record halts is answered after HUP: nginx" { halting_record nginx_https HUP; }

# lookalikes NAME MODE SIZE SIGNAL: see tests/client/lookalikes.py.
lookalikes() {
    local gate=$BATS_TEST_TMPDIR/gate log=$BATS_TEST_TMPDIR/lookalikes.log pid
    make_blob 0
    printf 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n%.0s' 1 2 3 >"$APP_DIR/blob"
    start "$1" OCTOPUS_IDLE_GRACE=120s
    mkfifo "$gate"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/client/lookalikes.py" "$PORT" "$2" "$3" <>"$gate" >"$log" 2>&1 3>&- 4>&- &
    pid=$!
    HELPER_PIDS+=("$pid")
    WATCH_PID=$pid wait_until 60 grep -qx begun "$log"
    begin_drain "$4"
    # By then every process of the generation has stopped accepting, and follows its connections.
    wait_until 60 log_has 'Draining: '
    echo 1<>"$gate"
    status_of "$pid"
    assert_eq "$EXIT_STATUS" 0 "exit status of the client ($(<"$log"))"
    assert_drained
}

@test "a body that looks like HTTP comes back as it was, after a head of 1,200 bytes and HUP: python's HTTPServer" { lookalikes python_long echoed 1200 HUP; }
@test "a body that looks like HTTP comes back as it was, after a head of 5,000 bytes and TERM: python's HTTPServer" { lookalikes python_long echoed 5000 TERM; }
@test "a body that looks like HTTP comes back as it was, after a short head and TERM: python's HTTPServer" { lookalikes python_long echoed 5 TERM; }
@test "a body that looks like HTTP comes back as it was, after a head of 1,200 bytes and TERM: node" { lookalikes node_long echoed 1200 TERM; }
@test "a body that is read after its answer proves no beginning, after HUP: node" { lookalikes node_long early 5 HUP; }
# bats test_tags=fast
@test "a body that is read after its answer proves no beginning, after TERM: node" { lookalikes node_long early 5 TERM; }
@test "a body that is read after its answer proves no beginning, after a long head and TERM: node" { lookalikes node_long early 1200 TERM; }
@test "an answer in halves with a request in between passes as it is after HUP: node" { lookalikes node_long stored 5 HUP; }
@test "an answer in halves with a request in between passes as it is after TERM: node" { lookalikes node_long stored 1200 TERM; }

# start_stdio [SETTING=VALUE...]: tests/servers/stdio.c in the mode $MODE.
start_stdio() {
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" ${MODE:+"$MODE"})
    start stdio "$@"
    open_connection
}

# unseen_reads SIGNAL: two requests are read at once, where no wrapper sees it. The kernel's clocks show one
# request and its answer, a moment later.
unseen_reads() {
    start_stdio
    send_text 'GET /slow/50 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /slow/1500 HTTP/1.1\r\nHost: localhost\r\n\r\n'
    read_pong
    begin_drain "$1"
    read_pong
    exec {CONNECTION}>&-
    assert_drained
}

@test "a request that libc's stdio has read is answered after HUP" { unseen_reads HUP; }
@test "a request that libc's stdio has read is answered after TERM" { unseen_reads TERM; }
@test "a request that libc's stdio has read is answered after TERM, where it writes the answers, too" { MODE=all unseen_reads TERM; }

# The drain has seen this connection idle, and its record whole, before the request comes.
@test "a request that libc's stdio reads in a drain is answered" {
    MODE=later start_stdio OCTOPUS_IDLE_GRACE=4s
    send_text 'GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n'
    read_pong
    begin_drain HUP
    holds_for 0.5 connection_is_open
    send_text 'GET /slow/6000 HTTP/1.1\r\nHost: localhost\r\n\r\n'
    read_pong
    exec {CONNECTION}>&-
    assert_drained
}

@test "a body whose head libc's stdio has written passes as it is" {
    MODE=never start_stdio OCTOPUS_IDLE_GRACE=120s
    send_text 'GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n'
    read_pong
    begin_drain HUP
    # By then every process of the generation has stopped accepting, and follows its connections.
    wait_until 60 log_has 'Draining: '
    send_text 'GET /split HTTP/1.1\r\nHost: localhost\r\n\r\n'
    read_text_head
    read_text_head
    assert_eq "$HEAD" $'HTTP/1.1 200 OK\nConnection: keep-alive\n' "beginning of the body"
    read_pong
    exec {CONNECTION}>&-
    assert_drained
}
