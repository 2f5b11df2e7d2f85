# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Two generations that serve side by side, and who of them answers.

# fresh_load [CLIENT-OPTION...]: a new load, so that its first lines tell who answers from now on.
# shellcheck disable=SC2119,SC2120 # tests pass options
fresh_load() { start_load -p 5 -c "$(connections_for "$SERVER_NAME")" "$@"; }

# generation_seen PID: it, or a worker of its, has answered the load.
generation_seen() {
    local pid
    workers_of "$1"
    for pid in "${WORKERS[@]}"; do
        ! load_saw_pid "$pid" || return 0
    done
    return 1
}

# assert_serving PID...: under a load of its own each of these generations answers.
assert_serving() {
    local pid
    fresh_load
    for pid; do wait_until 60 generation_seen "$pid"; done
    stop_load
}

# stop_generation PID: stops it under load: it leaves, and no request fails.
stop_generation() {
    fresh_load
    kill -TERM "$1"
    wait_until 60 is_gone "$1"
    stop_load
}

# await_answer: on the connection KEPT, which stays; sets ANSWER_PID to who answers.
await_answer() {
    local line
    ANSWER_PID=
    while IFS= read -r -t 30 -u "$KEPT" line; do
        case $line in
        X-Pid:*) ANSWER_PID=${line//[!0-9]/} ;;
        pong*) return ;;
        esac
    done
    fail "no answer on a kept connection"
}

# converse: one exchange on the connection KEPT.
converse() {
    printf 'GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' >&"$KEPT"
    await_answer
}

# keep_connection_to PID: one that PID has answered on.
keep_connection_to() {
    exec {KEPT}<>"/dev/tcp/127.0.0.1/$PORT"
    converse
    [[ $ANSWER_PID == "$1" ]] && return
    exec {KEPT}>&-
    return 1
}
