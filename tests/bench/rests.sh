#!/bin/bash
# SPDX-License-Identifier: MIT
# What happens to clients whose connections rest for longer than OCTOPUS_IDLE_GRACE, through upgrades. Some
# ends come in the very moment in which the next request is sent: nobody can announce those, so this
# reports a rate and demands nothing. RESTS_MS (2000), UPGRADES (10), CONNECTIONS (64), SERVERS.
# shellcheck disable=SC1091,SC2034
set -u

BATS_TEST_DIRNAME=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$(cd "${BUILD:-$BATS_TEST_DIRNAME/../build}" && pwd)
LIB=$BUILD/liboctopus.so
dir=$(mktemp -d "${TMPDIR:-/tmp}/octopus-rests.XXXXXX")
BATS_RUN_TMPDIR=$dir
BATS_TEST_TMPDIR=$dir/turn
# What the helpers take from bats.
bats_require_minimum_version() { :; }
bats_load_library() { :; }
fail() { echo "$*" >&2; return 1; }
source "$BATS_TEST_DIRNAME/helpers.bash"

unset LD_PRELOAD "${!OCTOPUS_@}"
: "${RESTS_MS:=2000}" "${UPGRADES:=10}" "${CONNECTIONS:=64}"
read -ra servers <<<"${SERVERS:-nginx nginx_https node python_long gunicorn_gthread epoll ping_https redis memcached}"

clean_up() {
    common_teardown
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# counted KIND: of the present load.
counted() { sed -n "s/^$1 //p" <<<"$LOAD_TALLY" | tail -n 1; }

# turn SERVER
turn() {
    local left
    unset PORT
    APP_DIR=
    EXAMPLE=
    mkdir -p "$BATS_TEST_TMPDIR"
    : >"$BATS_TEST_TMPDIR/server.log"
    # gunicorn itself ends connections that have been quiet for 2 s.
    start_server "$1" OCTOPUS_DRAIN_TIMEOUT=10s GUNICORN_CMD_ARGS='--keep-alive 75' && wait_until_started || return
    start_load -k -e -c "$CONNECTIONS" -p "$RESTS_MS" || return
    for (( left = UPGRADES; left > 0; left-- )); do upgrade HUP || return; done
    # For those that rest now to see what became of them.
    pause $((RESTS_MS / 1000 + 1))
    stop_load 2>/dev/null || true
    printf '%-18s %9s %12s %10s %12s %9s\n' "$1" "$(counted ok)" "$(counted ended_idle)" \
        "$(counted eof_reused)" "$(counted reset_reused)" "$LOAD_FAILURES"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

echo "$CONNECTIONS kept connections that rest for $RESTS_MS ms, $UPGRADES upgrades of each server"
printf '%-18s %9s %12s %10s %12s %9s\n' server answered seen-in-time eof-reused reset-reused failures
for server in "${servers[@]}"; do
    common_setup
    BATS_TEST_COMPLETED=
    turn "$server" && BATS_TEST_COMPLETED=1
    common_teardown
    rm -rf "$BATS_TEST_TMPDIR"
    BATS_TEST_COMPLETED=1
done
