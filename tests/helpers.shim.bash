# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The floors of shim/, and the objects of its files.

# The lowest floor first. Floors in braces are neighbours, which do not know each other.
RULE='base < kernel < generation < signal < {http, upgrade} < drain < control < wrap'

# floors: "LEVEL NAME" for each floor, the lowest first.
floors() {
    awk -v rule="$RULE" 'BEGIN {
        levels = split(rule, level, / *< */)
        for (i = 1; i <= levels; i++) {
            gsub(/[{},]/, " ", level[i])
            count = split(level[i], name, " ")
            for (j = 1; j <= count; j++) print i, name[j]
        }
    }'
}

# objects SHIM OBJECTS: the object of each C file, so that one which a renamed file left behind is not looked at.
objects() {
    local source object
    for source in "$1"/*/*.c; do
        object=$2/${source#"$1"/}
        object=${object%.c}.o
        [[ -e $object ]] || { echo "no object of ${source#"$1"/}" >&2; return 1; }
        echo "$object"
    done
}
