#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# No wrapper follows a bad pointer: what a call with hostile arguments answers is what it answers without the
# library, whether the process never listens, listens, or drains.
# HOSTILE_SECONDS: how long the six tests with calls by lot take together, of processor time that nobody else wants.

load helpers

: "${HOSTILE_SECONDS:=60}"

# Names that the walk leaves out.
exceptions() {
    cat <<'EOF2'
# The TLS library's own, which is not there: keepalive.bats has them.
SSL_read SSL_read_ex SSL_write SSL_write_ex SSL_sendfile
# Take no pointer, and end, stop or change the process that tells what came of them.
_exit _Exit pause fork vfork daemon setsid sleep usleep closefrom
getppid nice setpriority setuid setreuid setresuid
# Change what the process may have from then on, and take no pointer that the library follows: start_image.bats has
# them.
setrlimit setrlimit64 prlimit prlimit64 sched_setaffinity sched_setparam sched_setscheduler
pthread_setaffinity_np pthread_setschedparam pthread_setschedprio
EOF2
}

# tell OUT ENVIRONMENT... -- ARGUMENT...: what the program tells, each run in a directory of its own.
tell() {
    local out=$BATS_TEST_TMPDIR/$1 environment=()
    shift
    while [[ $1 != -- ]]; do environment+=("$1"); shift; done
    mkdir -p "$out"
    (cd "$out" && exec timeout 300 nice -n 10 env --default-signal "${environment[@]}" "$BUILD/tests/hostile" "${@:2}") \
        >"$out/told" 2>"$out/errors.log" </dev/null 3>&- || fail "status $? of hostile ${*:2}, ${environment[*]}"
    [[ $(tail -n 1 "$out/told") == "done" ]] || fail "hostile ${*:2} has not come to its end"
}

with_library() {
    WITH_LIBRARY=(LD_PRELOAD="$LIB" OCTOPUS_LOG="$BATS_TEST_TMPDIR/octopus.log" OCTOPUS_DRAIN_TIMEOUT=10m HOSTILE_STOPS=1)
}

# tells_the_same ARGUMENT...: with and without the library. Sets TOLD, the number of lines.
tells_the_same() {
    with_library
    tell bare -- "$@"
    tell with "${WITH_LIBRARY[@]}" -- "$@"
    TOLD=$(wc -l <"$BATS_TEST_TMPDIR/bare/told")
    diff "$BATS_TEST_TMPDIR/bare/told" "$BATS_TEST_TMPDIR/with/told" | head -n 40
    cmp "$BATS_TEST_TMPDIR/bare/told" "$BATS_TEST_TMPDIR/with/told"
}

is_draining() { grep -q 'received signal "terminated"' "$BATS_TEST_TMPDIR/octopus.log"; }

@test "each name that the library exports is walked, or there is a reason" {
    local exported=$BATS_TEST_TMPDIR/exported known=$BATS_TEST_TMPDIR/known
    nm -D --defined-only "$LIB" | awk '{ print $3 }' | LC_ALL=C sort >"$exported"
    { "$BUILD/tests/hostile" list; exceptions | grep -v '^#'; } | tr -s ' ' '\n' | grep . | LC_ALL=C sort >"$known"
    assert_within "$(wc -l <"$exported")" 80 300 "names that are exported"
    assert_eq "$(LC_ALL=C comm -23 "$exported" "$known")" "" "names without a row and without a reason"
    assert_eq "$(LC_ALL=C comm -13 "$exported" "$known")" "" "names that are not exported"
    assert_eq "$(LC_ALL=C uniq -d "$known")" "" "names that are there twice"
}

@test "a process that never listens gets the same answers to hostile calls" {
    tells_the_same walk alone
    assert_within "$TOLD" 2000 100000 "lines"
}

@test "a process that listens and has not waited yet gets the same answers to hostile calls" {
    tells_the_same walk unready
    assert_within "$TOLD" 2000 100000 "lines"
}

# bats test_tags=fast
@test "a process that listens gets the same answers to hostile calls" {
    tells_the_same walk listening
    assert_within "$TOLD" 2000 100000 "lines"
}

# bats test_tags=fast
@test "a process that drains gets the same answers to hostile calls, on connections that are followed" {
    tells_the_same walk draining
    assert_within "$TOLD" 2000 100000 "lines"
    is_draining
}

# answers_lots_the_same STATE: for a sixth of the time, by a seed that is always the same and then by new ones.
answers_lots_the_same() {
    local deadline seed=1
    set_deadline "$(( HOSTILE_SECONDS / 6 ))"
    while true; do
        echo "hostile fuzz $1 $seed 20000"
        tells_the_same fuzz "$1" "$seed" 20000
        assert_within "$TOLD" 15000 20001 "lines"
        (( ${EPOCHREALTIME/[.,]/} < deadline )) || break
        seed=$SRANDOM
    done
}

# bats test_tags=slow
@test "calls by lot get the same answers in a process that never listens" { answers_lots_the_same alone; }
# bats test_tags=slow
@test "calls by lot get the same answers in a process that listens" { answers_lots_the_same listening; }
# bats test_tags=slow
@test "calls by lot get the same answers in a process that drains" {
    answers_lots_the_same draining
    is_draining
}

# survives STATE
survives() {
    with_library
    tell with "${WITH_LIBRARY[@]}" -- storm "$1" "$SRANDOM" "$(( HOSTILE_SECONDS / 6 ))"
}

# bats test_tags=slow
@test "a process that never listens survives calls by lot while a thread changes the memory" { survives alone; }
# bats test_tags=slow
@test "a process that listens survives calls by lot while a thread changes the memory" { survives listening; }
# bats test_tags=slow
@test "a process that drains survives calls by lot while a thread changes the memory" {
    survives draining
    is_draining
}
