#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Helpers that each version starts before it listens, and that turn on everybody (servers/hostile_helper.c): the
# leader and its successor live, the upgrades and the stop succeed, and no helper gets anything.

load helpers

# start WAYS [SETTING=VALUE...]
start() {
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$1")
    start_server "${SERVER:-hostile_helper}" "${@:2}"
    wait_until_started
}

stop() {
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
}

# has_asked COUNT: so many helpers have asked a broker.
has_asked() {
    local count
    count=$(awk '$1 == "hostile" && $3 == "asked" && $4 > 0 { print $2 }' "$SERVER_LOG" | sort -u | wc -l)
    (( count >= $1 ))
}

assert_nothing_gained() {
    assert_eq "$(grep -c '^hostile .* gained by' "$SERVER_LOG")" 0 \
        "gains ($(grep '^hostile .* gained by' "$SERVER_LOG" | head -3))"
    run ! grep -E 'Sanitizer|runtime error' "$SERVER_LOG"
    assert_eq "$(log_count '[ERR]')" "${1:-0}" "error lines"
}

# The library's lines, without what differs each time.
lines() { sed 's/^[^[]*//; s/[0-9][0-9]*/N/g' "$OCTOPUS_LOG_FILE" | LC_ALL=C sort | uniq -c; }

# Of three generations.
usual_lines() {
    cat <<'END'
      1 [INFO] Created a new listener on N.N.N.N:N.
      3 [INFO] Digesting requests will be timed out at N-N-N N:N:N
      2 [INFO] Forked child (N).
      2 [INFO] Imported a listener from file.
      2 [INFO] Master (N) was killed.
      3 [INFO] Running under liboctopus.so N.N.N.
      2 [INFO] Server (N) received signal "hangup".
      1 [INFO] Server (N) received signal "terminated".
      3 [INFO] The server has shut down.
      3 [INFO] The server has started (N).
END
}

# gain_nothing WAYS ASKED [SETTING=VALUE...]: so many helpers of the first two versions ask.
gain_nothing() {
    start "$1" "${@:3}"
    replace
    WATCH_PID='' wait_until 60 has_asked "$2"
    replace
    stop
    assert_nothing_gained
    diff <(lines) <(usual_lines) || fail "the log has other lines"
}

# bats test_tags=fast
@test "hostile helpers gain nothing: another user, after an exec" { gain_nothing other 2; }
@test "hostile helpers gain nothing: another user, after a fork alone" { gain_nothing nobody 2; }
@test "hostile helpers gain nothing: the same user, after a fork alone" { gain_nothing fork 2; }
@test "hostile helpers gain nothing: all at once" { gain_nothing other,nobody,fork,other,fork 10; }

@test "hostile helpers gain nothing: under UBSan" {
    LIB=$PUBLIC_LIBS/ubsan/liboctopus.so
    gain_nothing other,nobody,fork 6
}

# Whoever closes such a socket sleeps for minutes, unless he exits.
# bats test_tags=fast
@test "a helper that passes sockets that linger holds nobody up" { gain_nothing linger 2; }

prepare_before_linux_6_16() {
    prepare_example hostile_helper
    SERVER_COMMAND=("$BUILD/tests/confined" passrights -- "${SERVER_COMMAND[@]}")
}
# bats test_tags=fast
@test "a helper that passes sockets that linger holds nobody up where the kernel cannot refuse them" {
    SERVER=before_linux_6_16 gain_nothing linger 2
}

fds_of() { find "/proc/$1/fd" -mindepth 1 -printf '%f %l\n' | LC_ALL=C sort; }

@test "a leader keeps nothing of a version that fails after its helpers have attacked" {
    local before
    start other,nobody,fork OCTOPUS_READY_TIMEOUT=8s
    before=$(fds_of "$SERVER_PID")
    touch "$APP_DIR/fail"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has '[ERR] Child ('
    assert_regex "$(grep -F '[ERR]' "$OCTOPUS_LOG_FILE")" "was not ready within .* serves on\.$"
    wait_until 60 has_asked 3
    diff <(fds_of "$SERVER_PID") - <<<"$before" || fail "the leader's descriptors are others"
    rm "$APP_DIR/fail"
    replace
    stop
    assert_nothing_gained 1
}

# It has to ask the broker itself, behind hundreds that say nothing.
@test "a server that a wrapper starts gets its listener beside hostile helpers" {
    start other,fork
    # shellcheck disable=SC2016
    deploy_script 'for i in 1 2; do :; done' './real "$@"' 'exit $?'
    replace
    WATCH_PID='' wait_until 60 has_asked 3
    stop
    assert_nothing_gained
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
}
