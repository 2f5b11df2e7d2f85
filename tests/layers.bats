#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel,fast
# The floors of shim/: a file needs only what lies on its own floor or below it. Each check is a function that
# takes the tree, and is seen to fail on a made-up tree before it is asked about the real one.

load helpers
load helpers.shim

# Besides whole floors, the tools may include what is pure.
TOOLS_MAY_INCLUDE='^(base/|kernel/|generation/lifecycle\.h$|http/http1[^/]*\.h$|drain/idle\.h$)'

# folders SHIM: the folders of SHIM with C files, sorted.
folders() { (cd "$1" && printf '%s\n' */*.[ch] | sed 's,/.*,,' | sort -u); }

# includes DIR FILE...: "FILE INCLUDED" for each #include line with quotes, and for each with angle brackets
# that -Ishim would find in a floor. FILE is named from DIR on.
includes() {
    local dir=$1
    shift
    (cd "$dir" && awk -v names="$(floors | cut -d ' ' -f 2 | tr '\n' ' ')" '
        BEGIN { count = split(names, name, " "); for (i = 1; i <= count; i++) is_floor[name[i]] = 1 }
        /^[ \t]*#[ \t]*include[ \t]*["<]/ {
            has_quotes = /^[^<]*"/
            included = $0
            sub(/^[^"<]*["<]/, "", included)
            sub(/[">].*/, "", included)
            folder = included
            sub(/\/.*/, "", folder)
            if (has_quotes || (folder in is_floor && included ~ /\//)) print FILENAME, included
        }' "$@" /dev/null)
}

# shim_includes SHIM
shim_includes() {
    local files
    mapfile -t files < <(cd "$1" && printf '%s\n' */*.[ch])
    includes "$1" "${files[@]}"
}

# tool_includes TOOLS: nothing while there are no tools in C.
tool_includes() {
    local files
    mapfile -t files < <(cd "$1" && find . -name '*.[ch]' -printf '%P\n')
    (( ${#files[@]} == 0 )) || includes "$1" "${files[@]}"
}

# wrong_includes SHIM: a line for each include that points up, to a neighbour, to a wrapper, or nowhere.
wrong_includes() {
    { floors | sed 's/^/floor /'; shim_includes "$1" | sed 's/^/include /'; } | awk '
        function folder_of(path) { sub(/\/.*/, "", path); return path }
        $1 == "floor" { level[$3] = $2; next }
        {
            from = folder_of($2)
            to = folder_of($3)
            what = $2 " includes " $3
            if ($3 !~ /\// || !(to in level)) print what ": not written with its floor"
            else if (to == "wrap") print what ": nobody includes wrap/"
            else if (level[to] > level[from]) print what ": that is a higher floor"
            else if (level[to] == level[from] && to != from) print what ": that is a neighbour"
        }'
}

# wrong_tool_includes TOOLS: what a tool includes and may not. A file of TOOLS is written as seen from there.
wrong_tool_includes() {
    local file included
    while read -r file included; do
        [[ $included =~ $TOOLS_MAY_INCLUDE ]] && continue
        [[ $included != *..* && (-e $1/$included || -e $1/${file%/*}/$included) ]] && continue
        echo "tools/$file includes $included: not for a tool"
    done < <(tool_includes "$1")
}

# include_circles SHIM: a file and its header are one, as x.c and x.h are.
include_circles() {
    shim_includes "$1" | sed -E 's/\.[ch]\>//g' | circles
}

# circles: reads "FROM TO" lines, and prints the members of each circle among them as `A <-> B ...`.
circles() {
    awk '$1 != $2' | sort -u | { tsort 2>&1 >/dev/null || true; } | awk '
        / loop:$/ { if (text != "") print text; text = ""; next }
        { text = text (text == "" ? "" : " <-> ") $NF }
        END { if (text != "") print text }'
}

# symbol_edges SHIM OBJECTS: "FROM TO SYMBOL" for each symbol that the file FROM refers to and TO defines.
# A call through the table libc_calls refers to that table, in base; an unqualified close() refers to a wrapper.
symbol_edges() {
    local list
    list=$(objects "$1" "$2") || return 1
    # shellcheck disable=SC2086 # a list
    nm -P -A $list | awk -v dir="$2/" '
        {
            file = substr($1, length(dir) + 1)
            sub(/\.o:$/, "", file)
        }
        $3 ~ /^[ABCDGRSTVW]$/ { home[$2] = file; next }
        $3 ~ /^[Uvw]$/ { from[++count] = file; symbol[count] = $2 }
        END {
            for (i = 1; i <= count; i++)
                if (symbol[i] in home) print from[i], home[symbol[i]], symbol[i]
        }' | sort -u
}

# wrong_symbols SHIM OBJECTS: a line for each symbol of a higher or neighbouring floor.
wrong_symbols() {
    local edges
    edges=$(symbol_edges "$1" "$2") || { echo "$2 has not all objects"; return; }
    { floors; echo "$edges"; } | awk '
        function folder_of(path) { sub(/\/.*/, "", path); return path }
        NF == 2 { level[$2] = $1 }
        NF == 3 {
            from = folder_of($1)
            to = folder_of($2)
            what = $1 ".c refers to " $3 ", which " $2 ".c defines: that is a "
            if (level[to] > level[from]) print what "higher floor"
            else if (level[to] == level[from] && to != from) print what "neighbour"
        }'
}

# symbol_circles SHIM OBJECTS
symbol_circles() {
    local edges
    edges=$(symbol_edges "$1" "$2") || { echo "$2 has not all objects"; return; }
    awk 'NF == 3 { print $1, $2 }' <<<"$edges" | circles
}

# all_circles SHIM OBJECTS: by includes and symbols together. One file may need the other's header, and be needed
# by a symbol that was declared elsewhere.
all_circles() {
    local edges
    edges=$(symbol_edges "$1" "$2") || { echo "$2 has not all objects"; return; }
    { awk 'NF == 3 { print $1, $2 }' <<<"$edges"; shim_includes "$1" | sed -E 's/\.[ch]\>//g'; } | circles
}

SHIM=$BATS_TEST_DIRNAME/../shim
TOOLS=$BATS_TEST_DIRNAME/../tools

# Nothing is inlined in them: what a function refers to is all there.
OBJECTS=$BUILD/tests/handlers/shim

# put FILE LINE...: a file of the made-up tree.
put() {
    mkdir -p "$BATS_TEST_TMPDIR/shim/${1%/*}"
    printf '%s\n' "${@:2}" >"$BATS_TEST_TMPDIR/shim/$1"
}

# compile: the objects of the made-up tree.
compile() {
    local source object
    for source in "$BATS_TEST_TMPDIR"/shim/*/*.c; do
        object=$BATS_TEST_TMPDIR/objects/${source#"$BATS_TEST_TMPDIR"/shim/}
        mkdir -p "${object%/*}"
        "${CC:-cc}" -std=gnu11 -c -I"$BATS_TEST_TMPDIR/shim" -o "${object%.c}.o" "$source"
    done
}

# good_tree: two files on each of two floors, and neighbours. Nothing of it is wrong.
good_tree() {
    put base/low.h 'int low(void);'
    put base/low.c '#include "base/low.h"' 'int low(void) { return 1; }'
    put http/web.h '#include "base/low.h"' 'int web(void);'
    put http/web.c '#include "http/web.h"' '#include <signal.h>' 'int web(void) { return low(); }'
    put upgrade/next.c '#include "base/low.h"' 'int next(void) { return low(); }'
    put wrap/wrap_fd.c '#include "http/web.h"' 'int close(int fd) { return fd + web(); }'
}

@test "the check knows a tree that keeps the rule" {
    good_tree
    compile
    assert_eq "$(wrong_includes "$BATS_TEST_TMPDIR/shim")" ""
    assert_eq "$(wrong_symbols "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects")" ""
    assert_eq "$(all_circles "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects")" ""
    symbol_edges "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects" | grep -qx 'http/web base/low low'
}

@test "the check finds an include that points up" {
    good_tree
    put base/low.h '#  include "http/web.h" /* up */'
    put base/other.c '#include <http/web.h>'
    assert_eq "$(wrong_includes "$BATS_TEST_TMPDIR/shim")" \
        "base/low.h includes http/web.h: that is a higher floor
base/other.c includes http/web.h: that is a higher floor"
}

@test "the check finds an include of a neighbour, of a wrapper, and one without its floor" {
    good_tree
    put upgrade/next.c '#include "http/web.h"'
    put wrap/wrap_io.c '#include "wrap/wrap_fd.h"'
    put http/web.c '#include "web.h"' '#include "tests/unit/expect.h"' '#include "../base/low.h"'
    assert_eq "$(wrong_includes "$BATS_TEST_TMPDIR/shim")" \
        "http/web.c includes web.h: not written with its floor
http/web.c includes tests/unit/expect.h: not written with its floor
http/web.c includes ../base/low.h: not written with its floor
upgrade/next.c includes http/web.h: that is a neighbour
wrap/wrap_io.c includes wrap/wrap_fd.h: nobody includes wrap/"
}

@test "the check finds what a tool must not include" {
    mkdir -p "$BATS_TEST_TMPDIR/tools/outside"
    touch "$BATS_TEST_TMPDIR/tools/options.h" "$BATS_TEST_TMPDIR/tools/outside/relay.h"
    printf '#include "%s"\n' options.h outside/relay.h base/text.h generation/lifecycle.h http/http1_message.h \
        drain/idle.h >"$BATS_TEST_TMPDIR/tools/octopus.c"
    printf '#include "%s"\n' relay.h drain/drain.h generation/page.h tests/unit/expect.h \
        >"$BATS_TEST_TMPDIR/tools/outside/relay.c"
    assert_eq "$(wrong_tool_includes "$BATS_TEST_TMPDIR/tools")" \
        "tools/outside/relay.c includes drain/drain.h: not for a tool
tools/outside/relay.c includes generation/page.h: not for a tool
tools/outside/relay.c includes tests/unit/expect.h: not for a tool"
}

@test "the check finds a symbol of a higher floor and of a neighbour, declared by hand" {
    good_tree
    put base/low.c 'int web(void);' 'int low(void) { return web(); }'
    put upgrade/next.c 'extern int web(void);' 'int (*next)(void) = web;'
    compile
    assert_eq "$(wrong_symbols "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects")" \
        "base/low.c refers to web, which http/web.c defines: that is a higher floor
upgrade/next.c refers to web, which http/web.c defines: that is a neighbour"
}

@test "the check finds an unqualified close(), which is our wrapper, and passes one through the table" {
    good_tree
    put base/calls.c 'struct { int (*close)(int); } libc_calls;'
    put base/low.c 'extern struct { int (*close)(int); } libc_calls;' 'int low(void) { return libc_calls.close(3); }'
    compile
    assert_eq "$(wrong_symbols "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects")" ""
    put base/low.c '#include <unistd.h>' 'int low(void) { return close(3); }'
    compile
    assert_eq "$(wrong_symbols "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects")" \
        "base/low.c refers to close, which wrap/wrap_fd.c defines: that is a higher floor"
}

@test "the check finds circles, by includes, by symbols and by both" {
    put base/a.h '#include "base/b.h"'
    put base/b.c '#include "base/a.h"'
    put base/b.h ''
    put base/c.c 'int d(void);' 'int c(void) { return d(); }'
    put base/d.c 'int e;' 'int c(void);' 'int d(void) { return c(); }'
    put base/e.c '#include "base/f.h"' 'int in_e;'
    put base/f.h ''
    put base/f.c 'extern int in_e;' 'int *in_f = &in_e;'
    compile
    assert_eq "$(include_circles "$BATS_TEST_TMPDIR/shim")" "base/a <-> base/b"
    assert_eq "$(symbol_circles "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects")" "base/c <-> base/d"
    assert_eq "$(all_circles "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects")" \
        "base/a <-> base/b
base/c <-> base/d
base/e <-> base/f"
}

@test "the check finds a file without its object, and ignores an object without its file" {
    good_tree
    put base/old.c 'int web(void);' 'int old(void) { return web(); }'
    compile
    rm "$BATS_TEST_TMPDIR/shim/base/old.c"
    assert_eq "$(wrong_symbols "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects")" ""
    put base/new.c 'int new;'
    assert_eq "$(wrong_symbols "$BATS_TEST_TMPDIR/shim" "$BATS_TEST_TMPDIR/objects" 2>&1)" \
        "no object of base/new.c
$BATS_TEST_TMPDIR/objects has not all objects"
}

@test "every folder of shim/ is a floor, and every floor has files" {
    diff <(floors | cut -d ' ' -f 2 | sort) <(folders "$SHIM")
    assert_eq "$(find "$SHIM" -mindepth 1 -maxdepth 1 -type f -name '*.[ch]')" "" "C files that lie on no floor"
    assert_eq "$(find "$SHIM" -mindepth 2 -type d)" "" "folders within a floor"
}

@test "no file includes what lies on a higher or a neighbouring floor" {
    assert_within "$(shim_includes "$SHIM" | wc -l)" 100 2000 "includes of the library's own headers"
    assert_eq "$(wrong_includes "$SHIM")" ""
    assert_eq "$(wrong_tool_includes "$TOOLS")" ""
}

@test "no file refers to a symbol of a higher or a neighbouring floor" {
    assert_within "$(symbol_edges "$SHIM" "$OBJECTS" | wc -l)" 200 5000 "references between files"
    assert_eq "$(wrong_symbols "$SHIM" "$OBJECTS")" ""
}

@test "no two files need each other" {
    assert_eq "$(include_circles "$SHIM")" "" "circles of includes"
    assert_eq "$(symbol_circles "$SHIM" "$OBJECTS")" "" "circles of symbols"
    assert_eq "$(all_circles "$SHIM" "$OBJECTS")" "" "circles of both"
}

# Hints: what a worker may write at any time. Their type is not complete outside hints.c.

# compiles SHIM STATEMENT: whether a file that includes hints.h may say so of a `struct hints *page`.
compiles() {
    printf '#include <signal.h>\n#include <stdlib.h>\n#include "generation/hints.h"\nvoid f(struct hints *page);\nvoid f(struct hints *page) { %s; }\n' \
        "$2" >"$BATS_TEST_TMPDIR/use.c"
    "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -fsyntax-only -I"$1" "$BATS_TEST_TMPDIR/use.c" 2>"$BATS_TEST_TMPDIR/use.log"
}

# answers_of_hints SHIM: what the functions for the leader in hints.h return, and what they fill in.
answers_of_hints() {
    awk '/--- For the leader/ { on = 1 } on' "$1/generation/hints.h" | tr '\n' ' ' |
        grep -oE '[a-z_0-9]+ \**hints_[a-z_]+\([^;]*;' | sed -E 's/ hints_.*//' | sort -u
}

@test "nobody but hints.c can read what a worker says" {
    local use
    compiles "$SHIM" 'if (hints_has_flag(page, HINT_WAITS)) abort()' || fail "$(<"$BATS_TEST_TMPDIR/use.log")"
    for use in 'kill(page->entries[0].pid, 15)' 'kill(*(page->flags), 15)' 'abort(), (void)*page' \
        'abort(), (void)sizeof(*page)' 'abort(), (void)page[1]' 'struct entry one; one.pid = 1; abort()'; do
        ! compiles "$SHIM" "$use" || fail "compiles: $use"
    done
}

@test "what hints.c passes on of a worker is a truth value or a sum" {
    assert_eq "$(answers_of_hints "$SHIM")" "bool
void"
    # It asks whether a process is there, by /proc, and calls nothing that acts.
    assert_eq "$(nm --undefined-only "$OBJECTS/generation/hints.o" | awk '{ print $2 }' | grep -v '^_')" process_read_stat
}
