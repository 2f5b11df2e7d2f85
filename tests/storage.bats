#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Servers with much static thread-local storage: glibc takes it out of the stack of each thread, the
# controller's too. The example epoll has no other thread.

load helpers

# upgrades_and_stops SERVER [SETTING=VALUE...]
upgrades_and_stops() {
    start_server "$@"
    wait_until_started
    upgrade HUP v2
    assert_eq "$(answering_version)" v2 "version that answers"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

# reserves BYTES: by a setting of glibc's that gives room to libraries which are loaded late.
reserves() { upgrades_and_stops epoll "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=$1"; }

# bats test_tags=fast
@test "a server with 1 MiB of thread-local storage upgrades and stops" { upgrades_and_stops epoll_1m; }
@test "a server with 8 MiB of thread-local storage upgrades and stops" { upgrades_and_stops epoll_8m; }
@test "a server whose library has 1 MiB of it upgrades and stops" {
    upgrades_and_stops epoll LD_PRELOAD="$LIB $BUILD/tests/storage_1m.so"
}
@test "a server whose library has 8 MiB of it upgrades and stops" {
    upgrades_and_stops epoll LD_PRELOAD="$LIB $BUILD/tests/storage_8m.so"
}
@test "a server for whose libraries 4 MiB of it are reserved upgrades and stops" { reserves 4194304; }

# Then calls of our own thread, of which libc does not know, come to functions that look for their variables.
@test "a library before ours with thread-local variables of its own" {
    upgrades_and_stops epoll LD_PRELOAD="$BUILD/tests/other_calls.so $LIB"
}
@test "a library before ours with thread-local variables of its own, and workers" {
    start_server prefork LD_PRELOAD="$BUILD/tests/other_calls.so $LIB"
    wait_until_started
    upgrade HUP
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}
