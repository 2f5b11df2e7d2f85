#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The demo is the first that a newcomer sees: it works, says so, and leaves nothing behind.

load helpers

setup() {
    common_setup
    BUILD=$(cd "$BUILD" && pwd)
    ROOT=$BATS_TEST_DIRNAME/..
    env -u MAKEFLAGS -u MAKELEVEL make -s -C "$ROOT" BUILD="$BUILD" all \
        "$BUILD/tests/v1/ping" "$BUILD/tests/v2/ping" "$BUILD/tests/load_plain"
}

# Nothing of ours still stands in the demo's directory, and that directory has gone.
assert_nothing_left() {
    local links
    links=$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$BUILD/demo.*" 2>/dev/null || true)
    assert_equal "$links" ""
    assert_equal "$(compgen -G "$BUILD/demo.*" || true)" ""
}

@test "the demo: no request fails, both versions answer, nothing stays" {
    run -0 env BUILD="$BUILD" "$ROOT/tools/demo.sh"
    assert_line --regexp '^  failures +0$'
    assert_line --regexp '^ +[1-9][0-9]* by v2 '
    assert_line --partial 'Master ('
    assert_nothing_left
}

@test "the demo: Ctrl-C in the middle ends it, and nothing stays" {
    local log=$BATS_TEST_TMPDIR/demo.log demo status=0
    env --default-signal=INT setsid "$ROOT/tools/demo.sh" >"$log" 2>&1 </dev/null 3>&- &
    demo=$!
    HELPER_PIDS+=("$demo")
    WATCH_PID=$demo wait_until 60 grep -q '^3\.' "$log"
    kill -INT -- "-$demo"
    wait "$demo" || status=$?
    assert_equal "$status" 130
    assert_nothing_left
}
