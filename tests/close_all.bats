#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# What a successor inherits reaches it, whatever sweeps all descriptors, and whoever stands between.

load helpers

# survives_habit HABIT: two upgrades of a server that sweeps (servers/closer.c), and each generation has
# the one listener, and the descriptors of the first.
survives_habit() {
    local fds round
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$1")
    start_server closer
    wait_until_started
    fds=$(fd_list "$SERVER_PID")
    for round in 1 2; do
        upgrade HUP
        assert_eq "$(log_count 'Imported a listener from file.')" "$round" "listeners imported"
        wait_until 60 has_fds "$fds"
        assert_only_generation "$SERVER_PID"
    done
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    run ! grep -vE '^(listening|ready) ' "$SERVER_LOG"
}

# A connection that is just being closed has a descriptor of its own, for a moment.
has_fds() { diff <(fd_list "$SERVER_PID") - <<<"$1"; }

@test "closefrom before listening" { survives_habit before:closefrom; }
# bats test_tags=fast
@test "close_range before listening" { survives_habit before:close_range; }
@test "close_range with CLOSE_RANGE_CLOEXEC before listening" { survives_habit before:close_range_cloexec; }
@test "close in a loop upwards before listening" { survives_habit before:close_loop; }
@test "close in a loop downwards before listening" { survives_habit before:close_down; }
@test "close of all that /proc/self/fd lists before listening" { survives_habit before:directory; }
@test "FIOCLEX on all before listening" { survives_habit before:fioclex; }
@test "FD_CLOEXEC on all before listening" { survives_habit before:cloexec; }
@test "dup2 over the high numbers before listening" { survives_habit before:dup2; }
@test "dup3 over all numbers before listening" { survives_habit before:dup3; }

@test "closefrom after listening" { survives_habit after:closefrom; }
@test "close_range after listening" { survives_habit after:close_range; }
@test "close in a loop after listening" { survives_habit after:close_loop; }
@test "FIOCLEX on all after listening" { survives_habit after:fioclex; }
@test "dup2 over the high numbers after listening" { survives_habit after:dup2; }

@test "close_range before and after listening" { survives_habit both:close_range; }
@test "dup3 over all numbers before and after listening" { survives_habit both:dup3; }

# The first listens on two places and the second claims one before its sweep: the other must wait on.
@test "a sweep between two listeners spares the one that is not claimed yet" {
    local second
    PORT=$(free_port)
    second=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" -l "127.0.0.1:$second" between:closefrom)
    start_server closer
    wait_until_started
    upgrade HUP
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
}

# upgrade_through LINE...: the new version is a program of these lines that starts the server proper,
# ./real. Then one that is started by ./real directly, and a stop.
upgrade_through() {
    local fds
    start_server blocking CHILD_COMMAND=env
    wait_until_started
    fds=$(own_fds "$SERVER_PID")
    cp "$BUILD/tests/v2/blocking" "$APP_DIR/real"
    printf '%s\n' "$@" >"$APP_DIR/blocking.new"
    chmod +x "$APP_DIR/blocking.new"
    mv "$APP_DIR/blocking.new" "$APP_DIR/blocking"
    upgrade_once_more "$fds" 1
    upgrade_once_more "$fds" 2
    assert_only_generation "$SERVER_PID"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

# upgrade_once_more FDS COUNT: sends HUP; the new generation has FDS, and is the COUNTth to import.
upgrade_once_more() {
    local old=$SERVER_PID
    kill -HUP "$old"
    follow_successor "$old"
    assert_eq "$(log_count 'Imported a listener from file.')" "$2" "listeners imported"
    assert_eq "$(answering_pid)" "$SERVER_PID" "who answers"
    assert_eq "$(answering_version)" v2 "version that answers"
    wait_until 60 has_own_fds "$1"
    run ! grep -q OCTOPUS_HANDOVER_FD <(request '/child?via=fork')
}

# The first three are the parent's choice.
own_fds() { fd_list "$1" | grep -v '^[012] '; }
has_own_fds() { diff <(own_fds "$SERVER_PID") - <<<"$1"; }

@test "through a script that executes the server" {
    upgrade_through '#!/bin/sh' 'exec ./real "$@"'
}
@test "through a script that waits for the server" {
    upgrade_through '#!/bin/sh' './real "$@"' 'exit $?'
}
@test "through a script of a script, with sh -c in each" {
    upgrade_through '#!/bin/bash' "sh -c 'sh -c \"./real \$*; exit \\\$?\"; exit \$?' sh \"\$@\"" 'exit $?'
}
@test "through env" {
    upgrade_through '#!/bin/sh' 'exec env -u PWD MORE=1 ./real "$@"'
}
@test "through setsid, nice and timeout" {
    upgrade_through '#!/bin/sh' 'setsid nice timeout --foreground 60 ./real "$@"; exit $?'
}
@test "through a script that leaves the server in the background" {
    upgrade_through '#!/bin/sh' './real "$@" &'
}
@test "through a script that closes all it knows" {
    # shellcheck disable=SC2016
    upgrade_through '#!/bin/bash' 'for fd in {3..1023}; do eval "exec $fd>&-"; done' './real "$@"' 'exit $?'
}
@test "through a node parent that inherits stdio" {
    upgrade_through '#!/usr/bin/env node' \
        'const child = require("child_process").spawn("./real", process.argv.slice(2), {stdio: "inherit"});' \
        'child.on("exit", (code) => process.exit(code));'
}
@test "through python's subprocess" {
    upgrade_through '#!/usr/bin/python3' 'import subprocess, sys' 'sys.exit(subprocess.run(["./real", *sys.argv[1:]]).returncode)'
}
@test "through python's subprocess in a shell" {
    upgrade_through '#!/usr/bin/python3' 'import subprocess, sys' \
        'sys.exit(subprocess.run("./real " + " ".join(sys.argv[1:]) + "; exit $?", shell=True).returncode)'
}
@test "through python's os.execv" {
    upgrade_through '#!/usr/bin/python3' 'import os, sys' 'os.execv("./real", ["./real", *sys.argv[1:]])'
}

# through_spawner HOW: see servers/spawner.c.
through_spawner() { upgrade_through '#!/bin/sh' "exec $BUILD/tests/spawner $1 ./real \"\$@\""; }

@test "through fork and execv" { through_spawner fork; }
@test "through vfork, close_range and execvp" { through_spawner vfork_closing_all; }
@test "through fork and fexecve" { through_spawner fexecve; }
@test "through posix_spawn" { through_spawner posix_spawn; }
@test "through posix_spawn with addclosefrom_np" { through_spawner posix_spawn_closefrom; }
@test "through system" { through_spawner system; }
@test "through popen" { through_spawner popen; }

# start_under_wrapper: a server whose parent starts it again when it ends, as the second generation.
start_under_wrapper() {
    start_server blocking CHILD_COMMAND=env
    wait_until_started
    cp "$BUILD/tests/v2/blocking" "$APP_DIR/real"
    printf '%s\n' '#!/bin/sh' './real "$@"' './real "$@"' 'exit $?' >"$APP_DIR/blocking.new"
    chmod +x "$APP_DIR/blocking.new"
    mv "$APP_DIR/blocking.new" "$APP_DIR/blocking"
    upgrade_once_more "$(own_fds "$SERVER_PID")" 1
}

# The second server of one page must be as good as the first.
@test "a wrapper that starts its crashed server again hands it the listener again" {
    start_under_wrapper
    kill -KILL "$SERVER_PID"
    follow_successor "$SERVER_PID"
    assert_eq "$(answering_pid)" "$SERVER_PID" "who answers"
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    upgrade_once_more "$(own_fds "$SERVER_PID")" 3
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

@test "a wrapper that starts its stopped server again gets a server that answers" {
    start_under_wrapper
    kill -TERM "$SERVER_PID"
    follow_successor "$SERVER_PID"
    assert_eq "$(answering_pid)" "$SERVER_PID" "who answers"
    assert_eq "$(log_count 'serves on until it does')" 0 "waits for somebody who has left"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}
