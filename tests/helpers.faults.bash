# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2119,SC2120
# Faults at exact places: the library with failpoints (shim/base/failpoint.h) and the plan that it follows.

FAILPOINTS_LIB=$PUBLIC_LIBS/failpoints/liboctopus.so

# all_failpoints: every failpoint of the library, by its source.
all_failpoints() { grep -ho 'failpoint("[a-z_]*")' "$BATS_TEST_DIRNAME"/../shim/*/*.c | cut -d '"' -f 2 | sort -u; }

# start_with_failpoints NAME [SETTING=VALUE...]: as start_server. Nothing strikes before there is a plan.
start_with_failpoints() {
    make_public_dir
    FAILPOINTS_PLAN=$PUBLIC_DIR/failpoints
    plan
    LIB=$FAILPOINTS_LIB start_server "$@" OCTOPUS_FAILPOINTS="$FAILPOINTS_PLAN"
    wait_until_started
}

# plan [LINE...]: what strikes from now on, `GENERATION STEP ACTION` each; nothing without a line.
plan() {
    printf '%s\n' "$@" >"$FAILPOINTS_PLAN.new"
    chmod a+r "$FAILPOINTS_PLAN.new"
    mv "$FAILPOINTS_PLAN.new" "$FAILPOINTS_PLAN"
}

# stopped_pids: those of the test that stopped themselves at a failpoint.
stopped_pids() {
    local pid
    while read -r pid; do
        [[ $(state_of "$pid") != T ]] || echo "$pid"
    done < <(pids_of_test)
}

is_stopped() { [[ -n $(stopped_pids) ]]; }

# let_go: whatever is stopped goes on, and nothing more stops.
let_go() {
    local pids
    plan
    mapfile -t pids < <(stopped_pids)
    (( ${#pids[@]} == 0 )) || kill -CONT "${pids[@]}" 2>/dev/null || true
}

# assert_serves_alone PID: it answers, it leads, and nothing else that the test started is left.
assert_serves_alone() {
    wait_until 60 server_answers
    assert_only_generation "$1"
    assert_none_left zombies_of_test
    assert_eq "$(stopped_pids)" "" "stopped processes"
}

# errors_of: the library's [ERR] lines without their time.
errors_of() { sed -n 's/^.* \[ERR\] //p' "$OCTOPUS_LOG_FILE"; }

# last_started: the leader that was ready last, by the log.
last_started() { started_pids | tail -n 1; }
