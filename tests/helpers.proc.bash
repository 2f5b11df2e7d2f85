# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What /proc says about the processes of a test.

# pids_of_test: every process started with `background` in this test and all that came of it, whoever
# its parent is now, zombies included. The mark is the soft RLIMIT_LOCKS, which Linux ignores since 2.4
# and which passes through fork, exec, setuid and daemon(); the environment will not do, because servers
# that set their process title write over it.
# One that ended and only awaits a slow init is not counted: nobody of ours owes it anything.
pids_of_test() {
    local limits=() path stat
    [[ -n ${TEST_MARK:-} ]] || return 0
    mapfile -t limits < <(grep -lsE "^Max file locks +$TEST_MARK " /proc/[0-9]*/limits)
    for path in "${limits[@]}"; do
        { read -r stat <"${path%/limits}/stat"; } 2>/dev/null || continue
        [[ ${stat##*) } != 'Z 1 '* ]] || continue
        path=${path#/proc/}
        echo "${path%/limits}"
    done
}

# pids_listening_on PORT: those of pids_of_test that hold a listening TCP socket of PORT.
pids_listening_on() {
    local hex inode pid
    printf -v hex '%04X' "$1"
    local inodes=()
    mapfile -t inodes < <(awk -v port=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' \
        /proc/net/tcp /proc/net/tcp6)
    while read -r pid; do
        for inode in "${inodes[@]}"; do
            if [[ -n $(find "/proc/$pid/fd" -lname "socket:\[$inode\]" -print -quit 2>/dev/null) ]]; then
                echo "$pid"
                break
            fi
        done
    done < <(pids_of_test)
}

# generation_of PID: PID and all its descendants, one a line. Threads have children of their own.
generation_of() {
    local family=("$1") children file at
    [[ -e /proc/$1 ]] || return 0
    for (( at = 0; at < ${#family[@]}; at++ )); do
        echo "${family[at]}"
        for file in /proc/"${family[at]}"/task/*/children; do
            { read -r -a children <"$file"; } 2>/dev/null || true
            family+=("${children[@]}")
            children=()
        done
    done
}

# workers_of PID: sets WORKERS to PID and its children.
workers_of() {
    WORKERS=("$1")
    { read -r -a WORKERS <"/proc/$1/task/$1/children"; } 2>/dev/null || true
    WORKERS+=("$1")
}

# is_alive PID: exists and is no zombie.
is_alive() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
    [[ ${stat##*) } != [ZX]* ]]
}
is_gone() { ! is_alive "$1"; }

# state_of PID: the letter of proc(5); empty when there is no such process.
state_of() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    stat=${stat##*) }
    echo "${stat%% *}"
}

# zombies_of_test: marked processes that ended and were not waited for, the test shell's own children
# apart, which it waits for itself.
zombies_of_test() {
    local pid
    while read -r pid; do
        [[ $(state_of "$pid") == Z && $(parent_of "$pid") != "$BASHPID" && $(parent_of "$pid") != "$$" ]] || continue
        echo "$pid"
    done < <(pids_of_test)
}

parent_of() { status_field "$1" PPid; }

# status_field PID NAME: the first value of that line of /proc/PID/status, such as SigIgn or Threads.
status_field() {
    local status=()
    { mapfile -d '' -t status <"/proc/$1/status"; } 2>/dev/null
    [[ ${status[0]:-} =~ $'\n'$2:[[:space:]]+([^[:space:]]+) ]] || return 0
    echo "${BASH_REMATCH[1]}"
}

# fd_count PID
fd_count() {
    local fds=("/proc/$1/fd/"*)
    echo "${#fds[@]}"
}

# fd_list PID: number and target of each descriptor, for a diff that explains itself.
fd_list() { find "/proc/$1/fd" -type l -printf '%f %l\n' 2>/dev/null | sort -n; }

# assert_only_generation PID: of all that this test ever started only PID and its descendants are
# left. Waits, because the last of an old generation are still exiting when clients no longer
# see them.
assert_only_generation() { assert_none_left strangers_to "$1"; }

# assert_no_process_left: nothing of what this test ever started is left.
assert_no_process_left() { assert_none_left pids_of_test; }

# strangers_to PID: those of pids_of_test that are not of its generation.
strangers_to() {
    local pid
    local -A related=()
    while read -r pid; do related[$pid]=1; done < <(generation_of "$1")
    while read -r pid; do
        [[ -n ${related[$pid]:-} ]] || echo "$pid"
    done < <(pids_of_test)
}

# assert_none_left COMMAND...: COMMAND prints pids, and soon prints none.
assert_none_left() {
    local deadline pids
    set_deadline "${SETTLE_SECONDS:-60}"
    while pids=$("$@") && [[ -n $pids ]]; do
        if (( ${EPOCHREALTIME/[.,]/} > deadline )); then
            fail "still there ($*):"$'\n'"$(ps -o pid,ppid,stat,args -p "${pids//$'\n'/,}")"
            return
        fi
        pause 0.05
    done
}

# start_time PID: in clock ticks since boot.
start_time() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    # Field 22; the 20th after the name, which may hold spaces.
    read -ra stat <<<"${stat##*) }"
    echo "${stat[19]}"
}
