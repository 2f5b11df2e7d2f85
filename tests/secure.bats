#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A program that has more power than its caller (ld.so(8), secure-execution mode) is as without the library, which
# /etc/ld.so.preload brings into it.

load helpers

# --- setuid, setgid, file capabilities

# The caller's variables: what a server would be told by them, and what it would complain about.
hostile_variables() {
    VARIABLES=(OCTOPUS_LOG="$PUBLIC_DIR/made/log" OCTOPUS_PIDFILE="$PUBLIC_DIR/made/pid" OCTOPUS_SIGNALS='HUP=replace'
        OCTOPUS_DRAIN_TIMEOUT=nonsense OCTOPUS_KILL_MASTER=2 OCTOPUS_STOP_SIGNAL=TERM OCTOPUS_HANDOVER=sequential
        OCTOPUS_FAILPOINTS="$PUBLIC_DIR/made" OCTOPUS_NEW="$PUBLIC_DIR/made/new")
}

# prepare_privileged KIND: sets PRIVILEGED, a program of that kind, and VARIABLES.
prepare_privileged() {
    (( EUID == 0 )) || skip "needs root, to make a program setuid"
    unshare --mount true || skip "needs mount namespaces, for an /etc/ld.so.preload"
    make_public_dir
    mkdir -m 0777 "$PUBLIC_DIR/made"
    mkdir "$PUBLIC_DIR/etc"
    PRIVILEGED=$PUBLIC_DIR/privileged
    cp "$BUILD/tests/privileged" "$BUILD/tests/deep_library_bound.so" "$PUBLIC_DIR"
    case $1 in
        setuid) chmod u+s "$PRIVILEGED" ;;
        setgid) chmod g+s "$PRIVILEGED" ;;
        capable) setcap cap_net_bind_service+ep "$PRIVILEGED" ;;
        plain) ;;
    esac
    hostile_variables
    [[ $1 == plain || $(as_nobody "$PRIVILEGED") == "secure 1" ]] || skip "such programs have no effect on this filesystem"
}

NOBODY=65534
as_nobody() { setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups "$@"; }

# loading LIBRARY COMMAND...: sets COMMAND_LINE to that in mounts of its own, where each program loads LIBRARY.
# shellcheck disable=SC2016 # that sh expands it
loading() {
    COMMAND_LINE=(unshare --mount sh -c 'mount -t tmpfs none "$1" &&
        cp /etc/ld.so.cache /etc/passwd /etc/group /etc/nsswitch.conf "$1" && echo "$2" >"$1/ld.so.preload" &&
        mount --bind "$1" /etc && shift 2 && exec "$@"' sh "$PUBLIC_DIR/etc" "$@")
}

made() { ls -A "$PUBLIC_DIR/made"; }

# trace_calls LIBRARY COMMAND...: by the user nobody. What it says is in said, its calls from /marker on in traced.
trace_calls() {
    loading "$1" strace -qq -u nobody -o "$PUBLIC_DIR/strace" env "${VARIABLES[@]}" "${@:2}"
    "${COMMAND_LINE[@]}" >"$PUBLIC_DIR/said" 2>&1 </dev/null 3>&-
    sed -nE '/^(access|faccessat2?)\(.*"\/marker"/,$p' "$PUBLIC_DIR/strace" | grep -v -e 'SIGCHLD' -e '^wait4' |
        sed -E 's/^([a-z_0-9]+\([^,)]*).*/\1/; s/0x[0-9a-f]+/ADDRESS/g; s/\b[0-9]{3,}\b/NUMBER/g; s/ \{.*//' >"$PUBLIC_DIR/traced"
}

# makes_the_same_calls KIND
makes_the_same_calls() {
    prepare_privileged "$1"
    trace_calls "" "$PRIVILEGED" calls "$PUBLIC_DIR/deep_library_bound.so"
    mv "$PUBLIC_DIR/traced" "$PUBLIC_DIR/traced_bare"
    mv "$PUBLIC_DIR/said" "$PUBLIC_DIR/said_bare"
    assert_eq "$(xargs <"$PUBLIC_DIR/said_bare")" "secure 1 done" "what it says without the library"
    assert_within "$(wc -l <"$PUBLIC_DIR/traced_bare")" 80 10000 "system calls"
    trace_calls "$LIB" "$PRIVILEGED" calls "$PUBLIC_DIR/deep_library_bound.so"
    diff "$PUBLIC_DIR/said_bare" "$PUBLIC_DIR/said"
    diff "$PUBLIC_DIR/traced_bare" "$PUBLIC_DIR/traced"
    assert_eq "$(made)" "" "made"
}

# bats test_tags=fast
@test "a setuid program makes the same system calls as without the library, and creates nothing" { makes_the_same_calls setuid; }
@test "a setgid program makes the same system calls as without the library, and creates nothing" { makes_the_same_calls setgid; }
@test "a program with file capabilities makes the same system calls as without the library, and creates nothing" { makes_the_same_calls capable; }

# calls_before_main LIBRARY: what the program calls before it says its first word, without what ld.so does to load
# the library; of calls with a number or an address only the name.
calls_before_main() {
    loading "$1" strace -qq -u nobody -o "$PUBLIC_DIR/strace" env "${VARIABLES[@]}" "$PRIVILEGED"
    "${COMMAND_LINE[@]}" >/dev/null 2>&1 </dev/null 3>&-
    sed -n '/^execve("[^"]*\/privileged"/,/^write(1/p' "$PUBLIC_DIR/strace" |
        grep -vE '^(mmap|munmap|mprotect|brk|read|pread64|close|getrandom|newfstatat|fstat)\(' |
        grep -vF "\"$LIB\"" | sed -E 's/0x[0-9a-f]+/ADDRESS/g; s/^(set_tid_address\().*/\1/; s/ = [0-9]+$//; s/\/\* .*//'
}

@test "in a setuid program the library does nothing before main" {
    prepare_privileged setuid
    calls_before_main "" >"$PUBLIC_DIR/bare"
    assert_within "$(wc -l <"$PUBLIC_DIR/bare")" 8 100 "system calls"
    diff "$PUBLIC_DIR/bare" <(calls_before_main "$LIB")
}

# serve_privileged ARGUMENT...: as nobody; it is ready.
serve_privileged() {
    loading "$LIB" setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups env "${VARIABLES[@]}" "$@"
    background "$PUBLIC_DIR/serve.log" "${COMMAND_LINE[@]}"
    WATCH_PID=$BACKGROUND_PID wait_until 60 grep -q '^ready' "$PUBLIC_DIR/serve.log"
}

# is_not_there KIND: the process that listens has no handler, no thread and no mapping of ours.
is_not_there() {
    prepare_privileged "$1"
    serve_privileged "$PRIVILEGED" serve "$2"
    accepts
    assert_eq "$(status_field "$BACKGROUND_PID" SigCgt)" 0000000000000000 "signals that are caught"
    assert_eq "$(status_field "$BACKGROUND_PID" Threads)" 1 "threads"
    assert_eq "$(grep -c memfd "/proc/$BACKGROUND_PID/maps")" 0 "shared pages"
    kill -HUP "$BACKGROUND_PID"
    status_of "$BACKGROUND_PID"
    assert_eq "$EXIT_STATUS" $(( 128 + $(kill -l HUP) )) "exit status after HUP"
    assert_eq "$(made)" "" "made"
}

accepts() { : 3<>"/dev/tcp/127.0.0.1/${PORT#-}"; }

@test "a setuid program that listens keeps its signals, and has no thread of ours" {
    PORT=$(free_port)
    is_not_there setuid "$PORT"
}
@test "so does one that listens past libc" {
    PORT=-$(free_port)
    is_not_there setuid "$PORT"
}
@test "so does a program with file capabilities" {
    PORT=$(free_port)
    is_not_there capable "$PORT"
}

# Or the tests above would show nothing.
@test "a plain program of the same caller has the library, and does as its variables say" {
    prepare_privileged plain
    PORT=$(free_port)
    serve_privileged "$PRIVILEGED" serve "$PORT"
    WATCH_PID=$BACKGROUND_PID wait_until 60 test -s "$PUBLIC_DIR/made/pid"
    assert_eq "$(made | xargs)" "log pid" "made"
}

@test "a setuid program does not hand its caller's variables on to a program that it executes" {
    prepare_privileged setuid
    PORT=$(free_port)
    cp "$BUILD/tests/privileged" "$PUBLIC_DIR/executed"
    VARIABLES+=(OCTOPUS_HANDOVER_FD=7 NOT_OCTOPUS=1)
    serve_privileged "$PRIVILEGED" lower "$PUBLIC_DIR/executed" serve "$PORT"
    assert_eq "$(grep secure "$PUBLIC_DIR/serve.log" | xargs)" "secure 1 secure 0" "who is in secure-execution mode"
    run -0 tr '\0' '\n' <"/proc/$BACKGROUND_PID/environ"
    refute_line --regexp '^OCTOPUS_'
    assert_line "NOT_OCTOPUS=1"
    assert_eq "$(made)" "" "made"
}

# The forger listens on the port, and its page says so to whoever reads it: bind() must fail.
@test "a setuid program does not take what its caller hands over" {
    prepare_privileged setuid
    PORT=$(free_port)
    loading "$LIB" setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups \
        "$BUILD/tests/forge" good "$PORT" env "${VARIABLES[@]}" "$PRIVILEGED" serve "$PORT"
    run -3 timeout 60 "${COMMAND_LINE[@]}" 3>&-
    assert_line "bind: Address already in use"
    assert_eq "$(made)" "" "made"
}
