#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# What can run in a signal handler calls only what signal-safety(7) lets a handler call. Computed from
# the relocations of objects in which each function has a section of its own: all that it calls, and
# all whose address it takes, is in that section's table, and nothing is promised by hand.

load helpers

HANDLER_OBJECTS=$BUILD/tests/handlers/shim

# What signal-safety(7) lists, and three that only read or fill memory or one word of the thread's own.
SAFE_CALLS='_exit accept access bind chdir clock_gettime close dup2 execve fcntl fstat fstatat ftruncate getpid getppid
    getpeername getpgrp getsockname getsockopt getuid kill listen lseek lstat memcpy memchr memcmp memmove memset
    open openat poll raise read readlink readlinkat rename setpgid setsid setsockopt shutdown sigaction sigaddset sigdelset
    sigemptyset sigfillset sigismember sigprocmask sigsuspend pthread_sigmask socket stat strchr strcmp strcpy
    strlen strncmp strnlen strrchr strspn strstr time umask unlink unlinkat waitpid write
    __errno_location close_range dup3 getrlimit setrlimit signalfd epoll_ctl getpgid getsid
    nanosleep pause select recv recvmsg send sendmsg sendto ioctl munmap __stack_chk_fail environ _GLOBAL_OFFSET_TABLE_'

# edges: "FUNCTION FUNCTION" for each reference. A function is FILE:NAME; what is defined nowhere here
# is libc's and stands without a file; an entry of libc_calls is the function behind it.
edges() {
    local object file
    nm -A --defined-only "$HANDLER_OBJECTS"/*/*.o | awk '$2 ~ /^[TDBRC]$/ {
        sub(/:.*/, "", $1); sub(/.*\//, "", $1); sub(/\.o$/, "", $1); print "global", $3, $1 }'
    nm -A --defined-only "$HANDLER_OBJECTS"/*/*.o | awk '$2 ~ /^[Tt]$/ {
        sub(/:.*/, "", $1); sub(/.*\//, "", $1); sub(/\.o$/, "", $1); print "function", $1 ":" $3 }'
    "$BUILD/tests/interposed_slots" | sed 's/^/slot /'
    for object in "$HANDLER_OBJECTS"/*/*.o; do
        file=$(basename "$object" .o)
        echo "file $file"
        readelf -rW "$object"
    done
}

resolved_edges() {
    edges | awk '
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

# reach FUNCTION...: the names in libc that these functions, NAME or FILE:NAME, can reach, each with the
# function that refers to it. What is resolved once, before main, is not followed.
reach() {
    resolved_edges | grep -v ' libc_calls:libc_calls_resolve$' | awk -v roots="$*" '
        { to[$1] = to[$1] " " $2; known[$1] = 1 }
        END {
            count = split(roots, root, " ")
            for (node in known) {
                name = node
                sub(/^[^:]*:/, "", name)
                for (i = 1; i <= count; i++)
                    if (root[i] == name || root[i] == node) { queue[++last] = node; seen[node] = 1; found[root[i]] = 1 }
            }
            for (i = 1; i <= count; i++)
                if (!(root[i] in found)) print "unknown", root[i]
            for (first = 1; first <= last; first++) {
                n = split(to[queue[first]], next_nodes, " ")
                for (i = 1; i <= n; i++) {
                    if (next_nodes[i] !~ /:/) print next_nodes[i], "from", queue[first]
                    else if (!(next_nodes[i] in seen)) { seen[next_nodes[i]] = 1; queue[++last] = next_nodes[i] }
                }
            }
        }' | sort -u
}

# handlers: every function that the sources install for a signal, and where a taken signal goes.
handlers() {
    sed -nE 's/.*sa_(sigaction|handler) = (on_[a-z_]+).*/\2/p; s/.*dispositions_take\(([a-z_]+)\);/\1/p' \
        "$BATS_TEST_DIRNAME"/../shim/*/*.c | sort -u
}

assert_reaches_only_safe() {
    local unsafe
    unsafe=$(reach "$@" | awk -v safe="$SAFE_CALLS" '
        BEGIN { n = split(safe, list, /[ \n]+/); for (i = 1; i <= n; i++) is_safe[list[i]] = 1 }
        !($1 in is_safe)')
    assert_eq "$unsafe" "" "what $* can reach and a handler must not call"
}

@test "the computation sees what it should: the controller reaches pthread_create, a handler kill" {
    reach controller_start | grep -q '^pthread_create from controller:start_thread'
    reach on_shielded_signal | grep -q '^kill from handlers:on_shielded_signal'
    reach siginterrupt | grep -q '^sigaction from dispositions:'
    run ! grep -F 'libc_calls[' <(resolved_edges)
}

@test "signal handlers reach only what a handler may call" {
    local names
    mapfile -t names < <(handlers)
    assert_within "${#names[@]}" 4 20 "handlers found in the sources"
    [[ " ${names[*]} " == *" on_signal "* && " ${names[*]} " == *" on_shielded_signal "* ]]
    [[ " ${names[*]} " == *" controller_note_signal "* ]]
    assert_reaches_only_safe "${names[@]}"
}

@test "what the child of a fork runs at once reaches only what a handler may call" {
    assert_reaches_only_safe in_child
}

@test "wrappers of calls that a server's handler may make reach only what a handler may call" {
    assert_reaches_only_safe wrap_signal:sigaction wrap_signal:signal wrap_signal:siginterrupt wrap_fd:close \
        wrap_fd:dup2 wrap_process:_exit wrap_process:_Exit wrap_process:setsid wrap_path:unlink wrap_socket:socket \
        wrap_socket:shutdown wrap_io:write wrap_io:send wrap_io:sendto wrap_io:sendmsg
}
