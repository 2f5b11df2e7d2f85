#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel,fast
# What can run in a signal handler calls only what signal-safety(7) lets a handler call. Which functions these are,
# the headers say (`Context: any`). What they call is computed from the relocations of objects in which each
# function has a section of its own: all that it calls, and all whose address it takes, is in that section's
# table, and nothing is promised by hand.

load helpers
load helpers.shim

SHIM=$BATS_TEST_DIRNAME/../shim
OBJECTS=$BUILD/tests/handlers/shim

# What signal-safety(7) lists, and some that only read or change memory of the thread's own.
SAFE_CALLS='_exit accept accept4 access bind chdir clock_gettime clone close connect dup2 execve fcntl fstat fstatat ftruncate getauxval geteuid getpid getppid
    getpeername getpgrp getsockname getsockopt getuid kill listen lseek lstat memcpy memchr memcmp memmove memset
    open openat poll pthread_setcancelstate raise read readlink readlinkat rename setpgid setsid setsockopt shutdown sigaction sigaddset sigdelset
    sigemptyset sigfillset sigismember sigprocmask sigsuspend pthread_sigmask socket stat strchr strcmp strcpy
    strlen strncmp strnlen strrchr strspn strstr time umask unlink unlinkat waitpid write
    __errno_location __cmsg_nxthdr close_range dup3 getrlimit setrlimit signalfd epoll_ctl getpgid getsid
    nanosleep pause select recv recvmsg send sendmsg sendto ioctl munmap __stack_chk_fail environ _GLOBAL_OFFSET_TABLE_'

# references SHIM OBJECTS: what resolved_edges computes from.
references() {
    local object list
    list=$(objects "$1" "$2") || return 1
    # shellcheck disable=SC2086 # a list
    nm -A --defined-only $list | awk -v dir="$2/" '
        {
            file = substr($1, length(dir) + 1)
            sub(/\.o:.*/, "", file)
        }
        $2 ~ /^[TDBRC]$/ { print "global", $3, file }
        $2 ~ /^[Tt]$/ { print "function", file ":" $3 }'
    "$BUILD/tests/interposed_slots" | sed 's/^/slot /'
    for object in $list; do
        object=${object#"$2"/}
        echo "file ${object%.o}"
        readelf -rW "$2/$object"
    done
}

# resolved_edges SHIM OBJECTS: "FUNCTION FUNCTION" for each reference. A function is FLOOR/FILE:NAME; what is defined
# nowhere here is libc's and stands without a file; an entry of libc_calls is the function behind it.
resolved_edges() {
    references "$1" "$2" | awk '
        function from_hex(digits,    number, i) {
            for (i = 1; i <= length(digits); i++)
                number = number * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
            return number
        }
        function owner(name) { return name in home ? home[name] ":" name : name }
        $1 == "global" { home[$2] = $3; next }
        $1 == "function" { print $2, $2; next } # one that refers to nothing exists, too
        $1 == "slot" { slot[$2] = $3; next }
        $1 == "file" { file = $2; from = ""; next }
        /^Relocation section/ {
            from = ""
            section = $3
            gsub(/\047/, "", section)
            if (section ~ /^\.rela\.(text|data|rodata)/) {
                sub(/^\.rela\.(text|data\.rel\.ro\.local|data\.rel\.local|data\.rel\.ro|data\.rel|data|rodata)\./, "", section)
                from = file ":" section
            }
            next
        }
        from == "" || $3 !~ /^R_/ || $3 ~ /TPOFF/ { next } # TPOFF: thread-local data
        {
            to = $5
            if (to == "libc_calls") {
                # The addend of a pc-relative one counts from the end of the instruction.
                offset = ($6 == "-" ? -1 : 1) * from_hex($7)
                if ($3 ~ /PC32/) offset = int((offset + 4 + 7) / 8) * 8
                print from, (offset in slot ? slot[offset] : "libc_calls[" offset "]")
                next
            }
            if (to ~ /^\.(text|data|rodata|bss)/) {
                sub(/^\.(text|data\.rel\.ro\.local|data\.rel\.local|data\.rel\.ro|data\.rel|data|rodata|bss)\./, "", to)
                print from, file ":" to
            } else {
                print from, owner(to)
            }
        }' | sort -u
}

# reach EDGES FUNCTION...: the names in libc that these functions can reach, each with the function that refers
# to it and the way back to the one that was asked for. What is resolved once, before main, is not followed.
reach() {
    grep -v ':libc_calls_resolve$' "$1" | awk -v roots="${*:2}" '
        function way(node,    text) {
            for (text = node; node in parent; node = parent[node]) text = text " < " parent[node]
            return text
        }
        { to[$1] = to[$1] " " $2; known[$1] = 1 }
        END {
            count = split(roots, root, " ")
            for (i = 1; i <= count; i++) is_root[root[i]] = 1
            for (node in known) {
                name = node
                sub(/^[^:]*:/, "", name)
                if (name in is_root) { queue[++last] = node; seen[node] = 1; found[name] = 1 }
            }
            for (i = 1; i <= count; i++)
                if (!(root[i] in found)) print "unknown", root[i]
            for (first = 1; first <= last; first++) {
                n = split(to[queue[first]], next_nodes, " ")
                for (i = 1; i <= n; i++) {
                    if (next_nodes[i] !~ /:/) print next_nodes[i], "from", way(queue[first])
                    else if (!(next_nodes[i] in seen)) {
                        seen[next_nodes[i]] = 1
                        parent[next_nodes[i]] = queue[first]
                        queue[++last] = next_nodes[i]
                    }
                }
            }
        }' | sort -u
}

# contracts SHIM: "HEADER KIND FUNCTION CONTEXT" for each function that a header declares (KIND prototype) or defines
# (KIND inline). A comment speaks for all that follows it without an empty line between.
contracts() {
    (cd "$1" && awk '
        function forget() { context = ""; declaration = "" }
        # The name before the first parameter list: `f` of both `int f(...)` and `void (*f(...))(int)`.
        function tell(kind,    name) {
            name = declaration
            gsub(/__attribute__ *\(\(.*\)\)/, "", name)
            if (name ~ /^ *typedef/ || !match(name, /[A-Za-z_][A-Za-z_0-9]* *\(/)) return
            if (match(name, /\(\*[A-Za-z_][A-Za-z_0-9]* *\(/)) RSTART += 2
            else match(name, /[A-Za-z_][A-Za-z_0-9]* *\(/)
            name = substr(name, RSTART)
            sub(/ *\(.*/, "", name)
            print FILENAME, kind, name, context
        }
        FNR == 1 { forget(); depth = in_comment = in_macro = 0 }
        in_macro || /^[ \t]*#/ { in_macro = /\\$/; if (/^#(else|endif)/) forget(); next }
        !in_comment && depth == 0 && /^[ \t]*$/ { forget(); next }
        !in_comment && depth == 0 && /^\/\*/ { in_comment = 1; comment = "" }
        in_comment {
            line = $0
            sub(/^[ \t]*(\/\*|\*)?[ \t]*/, "", line)
            comment = comment " " line
            if (!/\*\//) next
            in_comment = 0
            if (match(comment, /Context: +[^*]*/)) context = substr(comment, RSTART + 9, RLENGTH - 9)
            sub(/^ +/, "", context)
            sub(/ +$/, "", context)
            next
        }
        {
            line = $0
            gsub(/\/\*.*\*\//, "", line)
            head = line
            sub(/{.*/, "", head)
            if (depth == 0) declaration = declaration " " head
            was_inside = depth > 0
            opens = gsub(/{/, "", line)
            depth += opens - gsub(/}/, "", line)
            if (was_inside && depth > 0) next
            if (!was_inside && opens) tell("inline")
            else if (!was_inside && line ~ /;[ \t]*$/) tell("prototype")
            else if (!was_inside) next
            declaration = ""
        }' ./*/*.h)
}

# without_context SHIM: the functions whose header does not say where they may be called, or not in the words that we have.
without_context() {
    contracts "$1" | awk '
        { all[$3] = $1 }
        NF > 3 { has[$3] = 1 }
        NF > 3 && $4 " " $5 !~ /^(any[ .,]|any$|init[.,]|normal[.,]|the controller|the server|as libc)/ {
            print $1 ": " $3 ": unknown context: " substr($0, index($0, $4))
        }
        END { for (name in all) if (!(name in has)) print all[name] ": " name ": no context" }' | sort
}

# promised SHIM OBJECTS: the functions that a header promises for any context. An inline one that nobody uses is in no
# object.
promised() {
    contracts "$1" | awk '
        $4 ~ /^any/ { is_any[$3] = 1 }
        $2 == "inline" { is_inline[$3] = 1 }
        END { for (name in is_any) print (name in is_inline ? "inline" : "prototype"), name }' | sort >"$BATS_TEST_TMPDIR/any"
    objects "$1" "$2" | xargs nm --defined-only | awk '$2 ~ /^[Tt]$/ { print $3 }' | sort -u >"$BATS_TEST_TMPDIR/defined"
    awk 'NR == FNR { is_defined[$1] = 1; next } $1 == "prototype" || $2 in is_defined { print $2 }' \
        "$BATS_TEST_TMPDIR/defined" "$BATS_TEST_TMPDIR/any"
}

# handlers SHIM: every function that the sources install for a signal, where a taken signal goes, and what is called
# instead of dying by one.
handlers() {
    sed -nE 's/.*sa_(sigaction|handler) = (on_[a-z_]+).*/\2/p; s/.*dispositions_take\(([a-z_]+)\);/\1/p
        s/.*dispositions_release\([^,]*, ([a-z_]+)\);/\1/p' "$1"/*/*.c | sort -u
}

# fork_hooks SHIM: what fork() calls in the child.
fork_hooks() { sed -nE 's/.*pthread_atfork\([a-z_A-Z]+, [a-z_A-Z]+, ([a-z_]+)\);/\1/p' "$1"/*/*.c; }

# unsafe EDGES FUNCTION...: what these can reach and a handler must not call.
unsafe() {
    reach "$@" | awk -v safe="$SAFE_CALLS" '
        BEGIN { n = split(safe, list, /[ \n]+/); for (i = 1; i <= n; i++) is_safe[list[i]] = 1 }
        !($1 in is_safe)'
}

assert_reaches_only_safe() {
    assert_eq "$(unsafe "$BATS_FILE_TMPDIR/edges" "$@")" "" "what these can reach and a handler must not call"
}

setup_file() { resolved_edges "$SHIM" "$OBJECTS" >"$BATS_FILE_TMPDIR/edges"; }

@test "the computation sees what it should: the controller reaches clone, a handler kill" {
    local edges=$BATS_FILE_TMPDIR/edges
    reach "$edges" controller_start | grep -q '^clone from [a-z_/]*:make_thread'
    reach "$edges" on_shielded_signal | grep -q '^kill from [a-z_/]*:is_for_leader'
    reach "$edges" siginterrupt | grep -q '^sigaction from [a-z_/]*:'
    reach "$edges" no_such_function | grep -qx 'unknown no_such_function'
    run ! grep -F 'libc_calls[' "$edges"
}

@test "the check finds a promise that is not kept, and the way" {
    local tree=$BATS_TEST_TMPDIR
    mkdir -p "$tree"/{shim,objects}/base
    cat >"$tree/shim/base/a.h" <<'EOF2'
/* Does much. Context: any. */
void promised(void);
void also_promised(void);

/* Context: normal. */
void not_promised(void);
EOF2
    cat >"$tree/shim/base/a.c" <<'EOF2'
#include "base/a.h"
#include <stdlib.h>
#include <unistd.h>
static void *volatile kept;
static void helper(void) { free(kept); kept = malloc(1); }
static void (*const table[])(void) = {helper, helper};
static volatile int which;
void promised(void) { table[which](); }
void also_promised(void) { getpid(); }
void not_promised(void) { system("true"); }
EOF2
    # With the flags of tests/analysis.mk.
    "${CC:-cc}" -O1 -ffunction-sections -fdata-sections -fno-inline -fno-pic -fno-pie -I"$tree/shim" -c \
        -o "$tree/objects/base/a.o" "$tree/shim/base/a.c"
    resolved_edges "$tree/shim" "$tree/objects" >"$tree/edges"
    assert_eq "$(promised "$tree/shim" "$tree/objects" | tr '\n' ' ')" "also_promised promised "
    # shellcheck disable=SC2046 # a list
    assert_eq "$(unsafe "$tree/edges" $(promised "$tree/shim" "$tree/objects"))" \
        "free from base/a:helper < base/a:table < base/a:promised
malloc from base/a:helper < base/a:table < base/a:promised"
}

@test "the check reads the contracts as the headers are written" {
    mkdir -p "$BATS_TEST_TMPDIR/shim/base"
    cat >"$BATS_TEST_TMPDIR/shim/base/a.h" <<'EOF2'
/* Owns nothing. */
#ifndef A_H
#define A_H
#define CALL(x) \
	call(x);

/* A pair. Context:
 * any, once silent. */
int first(int a,
          int b) __attribute__((format(printf, 1, 2)));
/* B: not used. */
void (*second(int sig, void (*handler)(int)))(int);

void third(void);

/* What it holds. Context: normal. */
extern struct datum {
	int (*call)(int);

	int count; /* Context: any */
} datum;
static inline int fourth(void)
{
	if (datum.count)
		return 0;

	return call(1);
}

/* Context: init. */
typedef int callback(void *context);
extern int other_datum, (*and_one);

#ifdef STEPS
/* Context: any. */
int step(const char *name);
#else
static inline int step(const char *name)
{
	return 0;
}
#endif

/* Context: whenever. */
void fifth(void);

#endif
EOF2
    assert_eq "$(contracts "$BATS_TEST_TMPDIR/shim")" \
        "./base/a.h prototype first any, once silent.
./base/a.h prototype second any, once silent.
./base/a.h prototype third 
./base/a.h inline fourth normal.
./base/a.h prototype step any.
./base/a.h inline step 
./base/a.h prototype fifth whenever."
    assert_eq "$(without_context "$BATS_TEST_TMPDIR/shim")" \
        "./base/a.h: fifth: unknown context: whenever.
./base/a.h: third: no context"
}

@test "each function in a header has a context" {
    assert_within "$(contracts "$SHIM" | wc -l)" 200 2000 "functions in headers"
    assert_eq "$(without_context "$SHIM")" ""
}

@test "each function that other files see is in a header, or is a wrapper" {
    local defined
    mapfile -t defined < <(objects "$SHIM" "$OBJECTS" | xargs nm --defined-only | awk '$2 == "T" { print $3 }')
    assert_within "${#defined[@]}" 200 2000 "functions that other files see"
    assert_eq "$(printf '%s\n' "${defined[@]}" | sort | comm -23 - <({ contracts "$SHIM" | cut -d ' ' -f 3
        nm -D --defined-only "$LIB" | awk '{ print $3 }'; } | sort -u))" "" "functions without a contract"
}

@test "what a header promises for any context reaches only what a handler may call" {
    local names
    mapfile -t names < <(promised "$SHIM" "$OBJECTS")
    echo "# ${#names[@]} functions that are promised for any context" >&3
    assert_within "${#names[@]}" 160 1000 "functions that are promised for any context"
    assert_reaches_only_safe "${names[@]}"
}

@test "signal handlers reach only what a handler may call" {
    local names
    mapfile -t names < <(handlers "$SHIM")
    assert_within "${#names[@]}" 4 20 "handlers found in the sources"
    [[ " ${names[*]} " == *" on_signal "* && " ${names[*]} " == *" on_shielded_signal "* ]]
    [[ " ${names[*]} " == *" controller_note_signal "* && " ${names[*]} " == *" leave "* ]]
    assert_reaches_only_safe "${names[@]}"
}

@test "what the child of a fork runs at once reaches only what a handler may call" {
    local names
    mapfile -t names < <(fork_hooks "$SHIM")
    assert_within "${#names[@]}" 1 10 "functions that fork() calls in the child"
    assert_reaches_only_safe "${names[@]}"
}

@test "wrappers of calls that a server's handler may make reach only what a handler may call" {
    assert_reaches_only_safe sigaction signal siginterrupt close dup2 dup3 _exit _Exit setsid kill chdir umask \
        unlink unlinkat socket bind shutdown getsockname write send sendto sendmsg execve execv execl execle
}
