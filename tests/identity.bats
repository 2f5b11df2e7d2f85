#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Who is the server, and who only looks like it: helpers that listen, and new versions that were not handed
# anything. The pid file and the log name the one that serves.

load helpers
load helpers.faults

setup() {
    common_setup
    make_public_dir
    PIDFILE=$PUBLIC_DIR/pidfile
    HELPERS=$PUBLIC_DIR/helpers
}

prepare_python_with_helper() {
    SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/with_helper.py" "$PORT" "${HELPER_PORT:-0}" "$HELPERS" "$WHEN" "${SETTINGS[@]}")
}
prepare_python_binds_anyhow() { SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/binds_anyhow.py" "$PORT" "$WAY"); }

# start_with_helper WHEN [SETTING=VALUE...]: the settings are the helper's.
start_with_helper() {
    WHEN=$1 SETTINGS=("${@:2}") PORT=$(free_port)
    start_server python_with_helper OCTOPUS_PIDFILE="$PIDFILE"
    wait_until_started
    await_helper 1
}

# await_helper COUNT: so many have been started and are ready; sets HELPER to the last one.
await_helper() {
    wait_until 60 has_helpers "$1"
    HELPER=$(tail -n 1 "$HELPERS" | cut -d ' ' -f 1)
    wait_until 60 log_says_of_helper "$HELPER"
}
has_helpers() { [[ -e $HELPERS ]] && (( $(wc -l <"$HELPERS") >= $1 )); }
log_says_of_helper() { log_has "has started ($1)."; }

assert_pidfile_names() { assert_eq "$(cat "$PIDFILE")" "$1" "pid file"; }

is_replaced_and_stopped() {
    local first=$HELPER
    assert_pidfile_names "$SERVER_PID"
    log_has "A helper of Server ($SERVER_PID) has started ($HELPER)." || fail "the log does not tell of the helper"
    replace
    await_helper 2
    assert_pidfile_names "$SERVER_PID"
    is_alive "$first" || fail "the first server's helper was ended"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    is_alive "$HELPER" || fail "the second server's helper was ended"
    assert_eq "$(started_pids | wc -l)" 2 "servers that have started"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    [[ ! -e $PIDFILE ]] || fail "the pid file is left"
}

# bats test_tags=fast
@test "a helper that listens is no part of the server" {
    start_with_helper after
    is_replaced_and_stopped
}

@test "a helper that listens before its server does is no part of it" {
    start_with_helper before
    # The first server leads only after its helper does.
    assert_pidfile_names "$SERVER_PID"
    replace
    await_helper 2
    assert_pidfile_names "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    is_alive "$HELPER" || fail "the helper was ended"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "a helper that is upgraded stays a helper" {
    local round helper
    HELPER_PORT=$(free_port)
    start_with_helper after
    for round in 1 2; do
        helper=$HELPER
        kill -HUP "$HELPER"
        await_helper $((round + 1))
        wait_until 60 is_gone "$helper"
        assert_pidfile_names "$SERVER_PID"
    done
    kill -TERM "$HELPER"
    wait_until 60 is_gone "$HELPER"
    assert_pidfile_names "$SERVER_PID"
    server_answers
    assert_eq "$(started_pids)" "$SERVER_PID" "servers that have started"
}

@test "a helper with a pid file of its own writes that" {
    start_with_helper after OCTOPUS_PIDFILE="$PUBLIC_DIR/helper.pid"
    assert_pidfile_names "$SERVER_PID"
    assert_eq "$(<"$PUBLIC_DIR/helper.pid")" "$HELPER" "the helper's pid file"
    assert_eq "$(started_pids | wc -l)" 2 "servers that have started"
}

# The port is known once the first server has told it.
server_answers() {
    [[ ${WAY:-} != any || -n ${PORT_IS_KNOWN:-} ]] || { read_ready_line && PORT_IS_KNOWN=1; } || return
    http_answers
}

# is_handed_nothing WAY: the new version cannot read its page, and binds all the same.
is_handed_nothing() {
    local stranger
    WAY=$1 PORT=$(free_port)
    start_with_failpoints python_binds_anyhow OCTOPUS_PIDFILE="$PIDFILE" OCTOPUS_READY_TIMEOUT=3s PYTHONUNBUFFERED=1
    plan "1 map 1"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'cannot take over'
    assert_pidfile_names "$SERVER_PID"
    stranger=$(sed -n 's/.*This new version (\([0-9]*\)) .*/\1/p' "$OCTOPUS_LOG_FILE")
    log_has "This new version ($stranger) was not handed anything by Server ($SERVER_PID), which keeps the pid file: it cannot take over." ||
        fail "the new version does not say what it lacks"
    wait_until 60 log_has "Child ($stranger) was not ready within 3000 ms, has loaded liboctopus.so, and has not taken the hand-over: killed. Master ($SERVER_PID) serves on."
    assert_serves_alone "$SERVER_PID"
    assert_pidfile_names "$SERVER_PID"
    assert_eq "$(started_pids)" "$SERVER_PID" "servers that have started"
    plan
    replace
    assert_pidfile_names "$SERVER_PID"
}

@test "who was not handed anything is no successor: it binds with SO_REUSEPORT" { is_handed_nothing reuseport; }
@test "who was not handed anything is no successor: it binds to port 0" { is_handed_nothing any; }
