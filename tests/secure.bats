#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A program that has more power than its caller (ld.so(8), secure-execution mode) is as without the library, which
# /etc/ld.so.preload brings into it. And whatever the variables say, a program that does not listen opens and
# creates nothing.

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
    mkdir -m 1777 "$PUBLIC_DIR/made"
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

# --- programs that do not listen

# opened_by ENVIRONMENT... -- COMMAND...: which files it and its children open or create, but for the library.
opened_by() {
    local environment=()
    while [[ $1 != -- ]]; do environment+=(-E "$1"); shift; done
    rm -f "$BATS_TEST_TMPDIR"/strace.*
    strace -ff -qq -e trace=%file,bind,listen,memfd_create "${environment[@]}" -o "$BATS_TEST_TMPDIR/strace" "${@:2}" \
        >/dev/null 2>&1 </dev/null 3>&- || true
    cat "$BATS_TEST_TMPDIR"/strace.* |
        grep -E '^(open|openat|creat|mkdir|mkdirat|mknod|mknodat|link|linkat|symlink|rename|renameat2?|unlink|bind|listen|memfd_create)\(' |
        grep -vF "\"$LIB\"" | sed -E 's/ = .*//' | LC_ALL=C sort
}

# opens_the_same COMMAND...: with bad settings, a hand-over that is none, and a place for a log and a pid file.
opens_the_same() {
    local value
    make_public_dir
    mkdir "$PUBLIC_DIR/made"
    hostile_variables
    opened_by "${VARIABLES[@]}" -- "$@" >"$BATS_TEST_TMPDIR/bare"
    assert_within "$(wc -l <"$BATS_TEST_TMPDIR/bare")" 2 10000 "files opened"
    for value in 0 7 three; do
        opened_by LD_PRELOAD="$LIB" "${VARIABLES[@]}" OCTOPUS_HANDOVER_FD="$value" -- "$@" >"$BATS_TEST_TMPDIR/with"
        diff "$BATS_TEST_TMPDIR/bare" "$BATS_TEST_TMPDIR/with"
        assert_eq "$(made)" "" "made"
    done
}

# bats test_tags=fast
@test "whatever the variables say, a program that does not listen opens and creates nothing: true" { opens_the_same /bin/true; }
@test "so does a shell with children" { opens_the_same sh -c '(true); /bin/true & wait; : | /bin/cat'; }
@test "so does a client" { opens_the_same curl --silent http://127.0.0.1:1/; }
@test "so does a program that binds a datagram socket" {
    opens_the_same /usr/bin/python3 -S -c '
import socket
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 0))'
}

# in_birth COMMAND...: in a program that has inherited a listener and the page. Sets OPENED, what it opens besides what
# it opens without the library.
in_birth() {
    make_public_dir
    mkdir "$PUBLIC_DIR/made"
    hostile_variables
    opened_by "${VARIABLES[@]}" -- "$BUILD/tests/forge" good "$(free_port)" env X=1 "$@" >"$BATS_TEST_TMPDIR/bare"
    opened_by "${VARIABLES[@]}" -- "$BUILD/tests/forge" good "$(free_port)" env LD_PRELOAD="$LIB" "$@" >"$BATS_TEST_TMPDIR/with"
    OPENED=$(LC_ALL=C comm -13 <(sed 's/sin_port=[^)]*)/PORT/' "$BATS_TEST_TMPDIR/bare") \
        <(sed 's/sin_port=[^)]*)/PORT/' "$BATS_TEST_TMPDIR/with"))
}

@test "a helper that inherits a hand-over and never binds opens and creates nothing" {
    in_birth sh -c '(true); /bin/true'
    assert_eq "$OPENED" "" "opened besides"
    assert_eq "$(made)" "" "made"
}

# --- what waits for the log

# complains STATUS SCRIPT: a program that ends with that status, with a bad hand-over and a bad setting.
complains() {
    make_public_dir
    run -"$1" env LD_PRELOAD="$LIB" OCTOPUS_LOG="$PUBLIC_DIR/log" OCTOPUS_HANDOVER_FD=three OCTOPUS_DRAIN_TIMEOUT=never \
        /usr/bin/python3 -S -c "import socket, os
$2"
}

@test "a refused hand-over is told when the new version ends because it cannot bind" {
    complains 1 'tcp = socket.socket(); tcp.bind(("127.0.0.1", 0))
os.chdir("/")
socket.socket().bind(tcp.getsockname())'
    assert_eq "$(grep -c 'Ignored OCTOPUS_HANDOVER_FD="three": expected a descriptor' "$PUBLIC_DIR/log")" 1 "lines"
    assert_eq "$(wc -l <"$PUBLIC_DIR/log")" 2 "lines, with that about the setting"
}

@test "with the complaints about the settings when it listens, each once" {
    complains 0 'for _ in range(2):
    tcp = socket.socket(); tcp.bind(("127.0.0.1", 0)); tcp.listen(1)
os._exit(0)'
    run -0 grep -oE 'Ignored OCTOPUS_HANDOVER_FD="three"|OCTOPUS_DRAIN_TIMEOUT="never"|Running under' "$PUBLIC_DIR/log"
    assert_eq "$(xargs <<<"$output")" 'Ignored OCTOPUS_HANDOVER_FD=three OCTOPUS_DRAIN_TIMEOUT=never Running under' "lines"
}
