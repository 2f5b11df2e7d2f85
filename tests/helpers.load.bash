# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The strict load client, run beside a test. No function here forgives a failure.

# start_load CLIENT-OPTION...: starts the load client on $LOAD_URL and waits until it runs.
# Sets LOAD_PID and LOAD_LOG, which are all that the other functions go by.
start_load() {
    LOADS=$((${LOADS:-0} + 1))
    LOAD_LOG=$BATS_TEST_TMPDIR/load$LOADS.log
    : >"$LOAD_LOG"
    "$BUILD/tests/load" "$@" "$LOAD_URL" </dev/null >>"$LOAD_LOG" 2>&1 3>&- 4>&- &
    LOAD_PID=$!
    HELPER_PIDS+=("$LOAD_PID")
    WATCH_PID=$LOAD_PID wait_until 60 grep -q '^running' "$LOAD_LOG"
}

# stop_load: ends the load; succeeds only if not one request failed.
# Sets LOAD_TALLY (its last lines) and LOAD_FAILURES.
stop_load() {
    kill -TERM "$LOAD_PID"
    finish_load
}

# finish_load: the same for a load that ends by itself, as one started with -r does when it is refused.
finish_load() {
    local status=0
    wait "$LOAD_PID" || status=$?
    LOAD_TALLY=$(sed '/^running/,$!d; /^running/d; /^first /d' "$LOAD_LOG")
    LOAD_FAILURES=$(sed -n 's/^failures //p' "$LOAD_LOG" | tail -n 1)
    [[ $status == 0 && $LOAD_FAILURES == 0 ]] && return
    fail "load: exit status $status, failures '$LOAD_FAILURES'"$'\n'"$(tail -n 40 "$LOAD_LOG")"
}

# generation_answers_load: a process of the present generation has answered the load; those before it
# are gone. Servers that tell no pid answer a probe.
generation_answers_load() {
    if [[ $SERVER_NAME == python_module ]]; then
        server_answers
        return
    fi
    local pid
    workers_of "$SERVER_PID"
    for pid in "${WORKERS[@]}"; do
        ! load_saw_pid "$pid" || return 0
    done
    return 1
}

# start_slow MS: asks the server for an answer that takes MS, and waits until it has read the request.
# Sets SLOW_PID; several may run at a time.
start_slow() {
    local before
    before=$(requests_taken)
    request "/slow?ms=$1" --max-time 150 --output "$BATS_TEST_TMPDIR/slow$1" >"$BATS_TEST_TMPDIR/slow$1.log" 2>&1 3>&- 4>&- &
    SLOW_PID=$!
    HELPER_PIDS+=("$SLOW_PID")
    wait_until 60 more_requests_taken_than "$before"
}

# requests_taken: connections to PORT of which all that came has been read, and something came.
requests_taken() { ss -HtniO state established "sport = :$PORT" | awk '$1 == 0 && / bytes_received:/ { n++ } END { print n + 0 }'; }
more_requests_taken_than() { (( $(requests_taken) > $1 )); }

# finish_slow PID MS: waits for what start_slow has begun; succeeds if it was answered in full. Sets
# SLOW_ANSWER.
finish_slow() {
    status_of "$1"
    SLOW_ANSWER=$(cat "$BATS_TEST_TMPDIR/slow$2" 2>/dev/null || true)
    [[ $EXIT_STATUS == 0 && $SLOW_ANSWER == pong* ]] && return
    fail "slow request of $2 ms: exit status $EXIT_STATUS, answer '$SLOW_ANSWER', $(cat "$BATS_TEST_TMPDIR/slow$2.log")"
}

# start_hold CLIENT-OPTION...: opens connections to LOAD_URL and holds them until release_hold. Sets
# HOLD_PID and HOLD_LOG.
start_hold() {
    HOLD_LOG=$BATS_TEST_TMPDIR/hold.log
    HOLD_GATE=$BATS_TEST_TMPDIR/hold.gate
    mkfifo "$HOLD_GATE"
    # Opened for both, so that neither side waits for the other.
    "$BUILD/tests/hold" "$@" "$LOAD_URL" <>"$HOLD_GATE" >"$HOLD_LOG" 2>&1 3>&- 4>&- &
    HOLD_PID=$!
    HELPER_PIDS+=("$HOLD_PID")
    WATCH_PID=$HOLD_PID wait_until 60 grep -q '^connected' "$HOLD_LOG"
}

# release_hold: lets it go on; opened for both again, for one that does not wait has gone by now.
release_hold() { echo 1<>"$HOLD_GATE"; }

# finish_hold COUNT: succeeds if every one of COUNT connections was answered.
finish_hold() {
    status_of "$HOLD_PID"
    [[ $EXIT_STATUS == 0 ]] && grep -qx "answered $1" "$HOLD_LOG" && return
    fail "hold: exit status $EXIT_STATUS"$'\n'"$(cat "$HOLD_LOG")"
}

# first_pids: the pids that have answered the load so far, in order.
first_pids() { awk '$1 == "first" { print $3 }' "$LOAD_LOG"; }

# load_saw_version VERSION, load_saw_pid PID: one of them has answered the load.
load_saw_version() {
    load_text
    [[ $LOAD_TEXT == *$'\nfirst '"$1 "* ]]
}
load_saw_pid() {
    load_text
    [[ $LOAD_TEXT == *$'\nfirst '+([^ ])" $1"$'\n'* ]]
}

# load_text: sets LOAD_TEXT to what the client has said so far, each line with a newline on either side.
load_text() {
    local said=()
    mapfile -d '' -t said <"$LOAD_LOG"
    LOAD_TEXT=$'\n'${said[0]:-}
}
