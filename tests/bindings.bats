#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# What the loader resolves for real servers: a wrapper that is not bound never runs, and nothing tells.

load helpers

# binds NAME CALL...: the server and its libraries have each of CALLs bound to us (`a|b` is either), and
# nothing that we export bound to anybody else.
binds() {
    local name=$1 call bindings=$BATS_TEST_TMPDIR/bindings
    shift
    make_public_dir
    mkdir -m 0777 "$PUBLIC_DIR/debug"
    start_server "$name" LD_DEBUG=bindings LD_DEBUG_OUTPUT="$PUBLIC_DIR/debug/of"
    wait_until_started
    server_answers
    # "binding file WHO [0] to WHERE [0]: normal symbol `CALL' [VERSION]"; who calls libc's from within libc,
    # and we, who pass calls on, are meant to.
    cat "$PUBLIC_DIR/debug"/of.* |
        sed -nE "s/.*binding file ([^ ]+) \[0\] to ([^ ]+) \[0\]: normal symbol [\`']([A-Za-z0-9_]+)'.*/\1 \2 \3/p" |
        grep -vE "^(.*/libc\.so\.6|.*/ld-linux[^ ]*|$LIB) " | sort -u >"$bindings"
    for call; do
        grep -qE " $LIB ($call)$" "$bindings" || fail "$call of $name is not bound to us"
    done
    nm -D --defined-only "$LIB" | awk '{ print $3 }' >"$BATS_TEST_TMPDIR/exports"
    assert_eq "$(awk -v lib="$LIB" 'NR == FNR { ours[$1] = 1; next } $3 in ours && $2 != lib' \
        "$BATS_TEST_TMPDIR/exports" "$bindings")" "" "bound to others"
}

LISTENS=(socket bind listen 'accept|accept4')

# bats test_tags=fast
@test "the calls of nginx are bound to us" { binds nginx "${LISTENS[@]}" accept4 epoll_wait sigaction sigsuspend; }
@test "the calls of nginx as a daemon are bound to us" { binds nginx_daemon "${LISTENS[@]}" accept4 epoll_wait setsid; }
@test "the calls of redis are bound to us" { binds redis "${LISTENS[@]}" epoll_wait sigaction; }
@test "the calls of memcached are bound to us" { binds memcached "${LISTENS[@]}" epoll_wait; }
@test "the calls of node are bound to us" { binds node "${LISTENS[@]}" accept4 'epoll_wait|epoll_pwait' sigaction; }
@test "the calls of python's HTTPServer are bound to us" { binds python_http "${LISTENS[@]}" accept4 'poll|select'; }
@test "the calls of gunicorn with sync workers are bound to us" { binds gunicorn_sync "${LISTENS[@]}" accept4 select sigaction; }
@test "the calls of gunicorn with threaded workers are bound to us" { binds gunicorn_gthread "${LISTENS[@]}" accept4 epoll_wait; }
@test "the calls of the example threads are bound to us" { binds threads socket bind listen accept; }
@test "the calls of the example epoll are bound to us" { binds epoll "${LISTENS[@]}" accept4 epoll_wait; }
@test "the calls of the example poll are bound to us" { binds poll "${LISTENS[@]}" poll; }
@test "the calls of the example select are bound to us" { binds select "${LISTENS[@]}" select; }
