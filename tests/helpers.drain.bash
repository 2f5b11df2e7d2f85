# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A drain from begin to end, and connections and downloads that are under way in it.

# start NAME [SETTING=VALUE...]: with a deadline beyond every limit of the tests, unless it says its own.
start() {
    local name=$1
    shift
    start_server "$name" OCTOPUS_DRAIN_TIMEOUT=120s "$@"
    wait_until_started
}

# begin_drain SIGNAL: returns when the drain has begun. Sets DRAINING_PID and DRAIN_BEGIN; SERVER_PID is the successor's after HUP.
begin_drain() {
    DRAINING_PID=$SERVER_PID
    DRAIN_BEGIN=$(now_ms)
    case $1 in
    HUP)
        upgrade_beside HUP
        SERVER_PID=$NEW_PID
        ;;
    *) kill -"$1" "$SERVER_PID" ;;
    esac
    wait_until 60 log_has 'Digesting requests'
}

# assert_drained: the old one leaves, long before the deadline of `start`, and had nothing to complain about.
assert_drained() {
    wait_until 60 is_gone "$DRAINING_PID"
    if [[ $DRAINING_PID == "$LAUNCHED_PID" ]]; then
        status_of "$DRAINING_PID"
        assert_eq "$EXIT_STATUS" 0 "exit status of the server"
    fi
    if [[ $SERVER_PID == "$DRAINING_PID" ]]; then
        assert_no_process_left
    else
        assert_only_generation "$SERVER_PID"
    fi
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# make_blob BYTES: a file that the servers of this file serve as /blob.
make_blob() {
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app
    mkdir -p "$APP_DIR"
    head -c "$1" /dev/urandom >"$APP_DIR/blob"
    backdate "$APP_DIR/blob"
}

# fetch PATH CURL-OPTION...: requests it in the background, into FETCHED; what curl says is in FETCH_LOG. Sets FETCH_PID.
fetch() {
    FETCHED=$BATS_TEST_TMPDIR/fetched
    FETCH_LOG=$BATS_TEST_TMPDIR/fetch.log
    : >"$FETCHED"
    # Not by way of `request`, for FETCH_PID to be curl itself.
    curl --silent --show-error --fail --noproxy '*' --max-time 60 --no-buffer --verbose --output "$FETCHED" \
        "${@:2}" "$URL$1" 2>"$FETCH_LOG" 3>&- 4>&- &
    FETCH_PID=$!
    HELPER_PIDS+=("$FETCH_PID")
}

fetched_more_than() { (( $(stat -c %s "$FETCHED") > $1 )); }

assert_fetched() {
    status_of "$FETCH_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status of curl ($(tail -n 5 "$FETCH_LOG"))"
}

# open_connection: sets CONNECTION to a new one to the server.
open_connection() { exec {CONNECTION}<>"/dev/tcp/127.0.0.1/$PORT"; }

# send_text TEXT, read_text_line [SECONDS]: on it; the line is in LINE. The status of `read` tells an end (1) from silence (>128).
send_text() { printf '%b' "$1" >&"$CONNECTION"; }
read_text_line() {
    local status=0
    LINE=
    IFS= read -r -t "${1:-60}" -u "$CONNECTION" LINE || status=$?
    LINE=${LINE%$'\r'}
    return $status
}

# read_text_head: sets HEAD to the lines of a head.
read_text_head() {
    HEAD=
    while read_text_line && [[ -n $LINE ]]; do HEAD+=$LINE$'\n'; done
    [[ -n $HEAD ]] || fail "no head"
}

connection_is_open() {
    local status=0
    read_text_line 0.01 || status=$?
    (( status > 128 ))
}
connection_has_ended() { ! connection_is_open; }

# nothing_is_unread: the server has taken in what was sent.
nothing_is_unread() { [[ -z $(ss -Htn state established "sport = :$PORT" | awk '$1 > 0') ]]; }
