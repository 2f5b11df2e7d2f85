#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel,fast
# How the library's source is written and drawn, as far as a rule can tell: the size of files, log lines that grep
# finds, and the map in shim/README.md. Each check is a function that takes the tree, and is seen to fail on a
# made-up tree before it is asked about the real one.

load helpers
load helpers.shim

SHIM=$BATS_TEST_DIRNAME/../shim

# header_comment FILE: the lines of its first comment after the one with the licence, without what frames them.
header_comment() {
    awk '
        !inside && !/^[ \t]*(\/\*.*)?$/ { exit }
        !inside && /^\/\*/ && !/SPDX/ { inside = 1 }
        inside {
            is_last = /\*\//
            sub(/^[ \t]*(\/\*|\*)[ \t]*/, "")
            sub(/[ \t]*\*\/.*/, "")
            print
            if (is_last) exit
        }' "$1"
}

# long_files SHIM: the files of more than 300 lines whose header comment, or that of their other half (x.h of
# x.c), does not say why in a line that begins with "Over 300 lines: ".
long_files() {
    local file half lines
    while read -r lines file; do
        [[ $file != total ]] || continue
        (( lines > 300 )) || continue
        for half in "${file%.[ch]}".[ch]; do
            header_comment "$half" | grep -q '^Over 300 lines: [^ ]' && continue 2
        done
        echo "${file#"$1"/}: $lines lines, and no reason"
    done < <(wc -l "$1"/*/*.[ch])
}

# log_formats FILE...: "FILE:LINE FORMAT" for each call of log_info, log_error and complain: the first argument, with
# each literal of it as "S" and all else as it stands. Comments and the definitions of these functions are passed over.
log_formats() {
    awk '
        function flush_file(    at, name, line, format, depth, c, rest, length_before) {
            at = 1
            while (match(substr(text, at), /(^|[^A-Za-z0-9_])(log_info|log_error|complain)[ \t\n]*\(/)) {
                length_before = at + RSTART - 1
                at = length_before + RLENGTH
                rest = substr(text, 1, at - 1)
                line = gsub(/\n/, "", rest) + 1
                format = ""
                for (depth = 0; at <= length(text); at++) {
                    c = substr(text, at, 1)
                    if (c == "(") depth++
                    if (c == ")" && depth-- == 0) break
                    if (c == "," && depth == 0) break
                    if (c == "\"") {
                        for (at++; substr(text, at, 1) != "\""; at++)
                            if (substr(text, at, 1) == "\\") at++
                        c = " S "
                    }
                    format = format c
                }
                gsub(/[ \t\n]+/, " ", format)
                sub(/^ /, "", format)
                sub(/ $/, "", format)
                if (format !~ /^const char/) print file ":" line, format
            }
        }
        # Comments become blanks: they begin and end a line here, or state behind code. Lines keep their numbers.
        function without_comment(line,    start) {
            if (in_comment) {
                if (!match(line, /\*\//)) return ""
                in_comment = 0
                line = substr(line, RSTART + 2)
            }
            start = match(line, /(^|[ \t])\/\*/)
            if (!start) return line
            if (match(substr(line, start), /\*\//)) return substr(line, 1, start - 1) substr(line, start + RSTART + 1)
            in_comment = 1
            return substr(line, 1, start - 1)
        }
        FNR == 1 { if (NR > 1) flush_file(); file = FILENAME; text = ""; in_comment = 0 }
        { text = text without_comment($0) "\n" }
        END { flush_file() }' "$@"
}

# split_log_lines SHIM: the calls whose format is not one literal. A macro such as HANDOVER_VARIABLE may stand
# between two, since one greps for the variable's name then.
split_log_lines() {
    (cd "$1" && log_formats ./*/*.[ch]) | awk '
        {
            format = $0
            sub(/^[^ ]* /, "", format)
            if (format ~ /S S/) print $1 ": two literals, where grep looks for one"
            else if (format !~ /^([A-Z][A-Z_]+ )?S( [A-Z][A-Z_]+( S)?)?$/) print $1 ": no literal but " format
        }'
}

# numbered_errors SHIM: log lines that name an error by its number.
numbered_errors() { (cd "$1" && grep -Hn '"[^"]*error %d' ./*/*.[ch]) || true; }

# drawn_floors README: "LEVEL NAME" for each floor of the drawing: the indented block whose first line has wrap/ in it.
drawn_floors() {
    awk '
        /^    / { if (!was_indented) inside = /wrap\//; was_indented = 1 }
        /^ ? ? ?[^ ]/ { was_indented = inside = 0 }
        inside && $1 ~ /^[0-9]+$/ {
            level = $1
            sub(/^ *[0-9]+ */, "")
            count = split($0, part, "|")
            for (i = 1; i <= count; i++) {
                split(part[i], word, " ")
                if (word[1] ~ /^[a-z_0-9]+\/$/) print level, substr(word[1], 1, length(word[1]) - 1)
            }
        }' "$1"
}

# rows README: the files that the tables name in their first column, floor/file.c, floor/file.h or both as
# floor/file.[ch]; one line each.
rows() {
    # shellcheck disable=SC2016 # Markdown's backquotes
    sed -n 's/^| *\(`[^|]*\)|.*/\1/p' "$1" | grep -o '`[a-z_0-9]*/[a-z_0-9]*\.\(c\|h\|\[ch\]\)`' | tr -d '`' |
        sed -E 's/(.*)\[ch\]$/\1c\n\1h/'
}

# wrong_rows SHIM README: the files without a row, with more than one, and the rows without a file.
wrong_rows() {
    { (cd "$1" && printf 'file %s\n' */*.[ch]); rows "$2" | sed 's/^/row /'; } | awk '
        $1 == "file" { is_file[$2] = 1; name[++count] = $2 }
        $1 == "row" { if (!($2 in is_file)) print "a row, and no file: " $2; rows[$2]++ }
        END {
            for (i = 1; i <= count; i++)
                if (rows[name[i]] != 1) print "rows for " name[i] ": " rows[name[i]] + 0 ", expected 1"
        }'
}

# put FILE LINE...: a file of the made-up tree.
put() {
    mkdir -p "$BATS_TEST_TMPDIR/shim/${1%/*}"
    printf '%s\n' "${@:2}" >"$BATS_TEST_TMPDIR/shim/$1"
}

# lines COUNT: as many lines of code.
lines() { seq -f 'int line_%.0f;' "$1"; }

@test "the check finds a long file, unless its header comment says why" {
    local licence='/* SPDX-License-Identifier: MIT */'
    put base/long.c "$licence" '/* A table.' ' * Over 300 lines is this. */' "$(lines 300)"
    put base/code.c "$licence" "$(lines 300)" '/* Over 300 lines: too late. */'
    put base/no_reason.c "$licence" '/* Over 300 lines: */' "$(lines 300)"
    put base/short.c "$licence" "$(lines 299)"
    put base/own.c "$licence" '' '/* A table.' ' * Over 300 lines: it is one table. */' "$(lines 300)"
    put base/of_header.c "$licence" '#include "base/of_header.h"' "$(lines 300)"
    put base/of_header.h "$licence" '/* Over 300 lines: it is one table. */'
    assert_eq "$(long_files "$BATS_TEST_TMPDIR/shim")" \
        "base/code.c: 302 lines, and no reason
base/long.c: 303 lines, and no reason
base/no_reason.c: 302 lines, and no reason"
}

@test "the check finds a log line that is cut in two, or is no literal" {
    put base/log.h '/* log_info("so" "so") is none. */' 'void log_info(const char *format, ...);'
    put base/good.c 'log_info("a \"b\", (c) %d", f(1, "2" "3"));' 'log_error("Ignored " HANDOVER_VARIABLE' \
        '    "=%s", value);' 'complain(' '    "all of it.");' 'void (*complain)(const char *format, ...);' \
        '/* log_info("one' ' * "two" "three") */ log_info("four");'
    put base/wrong.c '' 'log_info("one "' '         "two");' 'log_error(is_so ? "one" : "two");' \
        'a = 1; /* b */ complain("one " "two", 1);' 'log_info(text);' 'log_error("a " MACRO "b " "c");'
    assert_eq "$(split_log_lines "$BATS_TEST_TMPDIR/shim")" \
        "./base/wrong.c:2: two literals, where grep looks for one
./base/wrong.c:4: no literal but is_so ? S : S
./base/wrong.c:5: two literals, where grep looks for one
./base/wrong.c:6: no literal but text
./base/wrong.c:7: two literals, where grep looks for one"
    assert_eq "$(log_formats "$BATS_TEST_TMPDIR/shim/base/good.c" | sed 's/.*good.c://')" \
        "1 S
2 S HANDOVER_VARIABLE S
4 S
8 S"
}

@test "the check finds an error told by its number" {
    put base/a.c 'log_error("No page (error %d).", error);' 'log_error("No page: %s.", errno_name(error));'
    assert_eq "$(numbered_errors "$BATS_TEST_TMPDIR/shim")" './base/a.c:1:log_error("No page (error %d).", error);'
}

@test "the check reads the drawn floors, and the rows of files" {
    local readme=$BATS_TEST_TMPDIR/README.md
    cat >"$readme" <<'EOF2'
Text with wrap/ in it

    a block of something else
    4 other/

Text

    2 wrap/                 libc, and 1 base/ more
    1 upgrade/  |  http/    neighbours
                            goes on

| file | owns |
| --- | --- |
| `base/a.[ch]` | not `base/none.c` |
| `base/b.h` | |
| `base/b.h`, `base/gone.c` | |
| `README.md` | |
EOF2
    put base/a.c
    put base/a.h
    put base/b.h
    put wrap/c.c
    assert_eq "$(drawn_floors "$readme")" "2 wrap
1 upgrade
1 http"
    assert_eq "$(wrong_rows "$BATS_TEST_TMPDIR/shim" "$readme")" \
        "a row, and no file: base/gone.c
rows for base/b.h: 2, expected 1
rows for wrap/c.c: 0, expected 1"
}

@test "no file of the library has more than 300 lines without a reason in its header comment" {
    assert_within "$(cat "$SHIM"/*/*.[ch] | wc -l)" 5000 50000 "lines of the library"
    assert_eq "$(long_files "$SHIM")" ""
}

@test "each log line stands whole on one line of the source, where grep finds it" {
    assert_within "$(log_formats "$SHIM"/*/*.[ch] | wc -l)" 40 400 "log lines"
    assert_eq "$(split_log_lines "$SHIM")" ""
}

@test "no log line tells an error by its number" {
    assert_eq "$(numbered_errors "$SHIM")" ""
}

@test "the floors drawn in shim/README.md are those of the rule, and the folders" {
    local drawn
    drawn=$(drawn_floors "$SHIM/README.md")
    diff <(floors | sort) <(sort <<<"$drawn")
    diff <(cut -d ' ' -f 2 <<<"$drawn" | sort) <(cd "$SHIM" && printf '%s\n' */ | tr -d /)
    diff <(cut -d ' ' -f 1 <<<"$drawn") <(cut -d ' ' -f 1 <<<"$drawn" | sort -nr)
}

@test "shim/README.md has one row for each file, and a file for each row" {
    assert_eq "$(wrong_rows "$SHIM" "$SHIM/README.md")" ""
}
