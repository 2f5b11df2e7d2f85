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
    WATCH_PID=$LOAD_PID wait_until 10 grep -q '^running' "$LOAD_LOG"
}

# stop_load: ends the load; succeeds only if not one request failed.
# Sets LOAD_TALLY (its last lines) and LOAD_FAILURES.
stop_load() {
    local status=0
    kill -TERM "$LOAD_PID"
    wait "$LOAD_PID" || status=$?
    LOAD_TALLY=$(sed '/^running/,$!d; /^running/d; /^first /d' "$LOAD_LOG")
    LOAD_FAILURES=$(sed -n 's/^failures //p' "$LOAD_LOG" | tail -n 1)
    [[ $status == 0 && $LOAD_FAILURES == 0 ]] && return
    fail "load: exit status $status, failures '$LOAD_FAILURES'"$'\n'"$(tail -n 40 "$LOAD_LOG")"
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
    mapfile -d '' -t LOAD_TEXT <"$LOAD_LOG"
    LOAD_TEXT=$'\n'${LOAD_TEXT[0]:-}
}
