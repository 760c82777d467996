#!/usr/bin/env bash
# run.sh BUILD - the code of README.md and of the public headers compiles, runs, and does what the text around it says.
# SPDX-License-Identifier: Apache-2.0
#
# Tests/docs/extract.py takes the code out of the texts, Tests/docs/prelude.h declares what the headers' examples take
# for granted. A collector on loopback counts what README's programs send. Beside that: links point at files, settings
# are called in texts what they are called in the library, and lines are as long as the style allows.
# DIVAK_SWIFT_SCRATCH names another folder than .build for Swift's part.
set -uo pipefail
build=${1:-}
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

docs=$work/docs
rm -rf "$docs"
mkdir -p "$docs"
extract="$python Tests/docs/extract.py"

start_server "$python" "$here/fault_server.py"
collector=http://127.0.0.1:$port

# delivered WHERE COUNT - whether so many spans arrived at that path of the collector.
delivered() {
    local said
    said=$(curl -s "$collector/count/202/$1")
    [[ $said == *"\"spans\": $2"[,}]* ]] || { echo "collector: $said"; return 1; }
}

# compile NAME - the program $docs/NAME.c as a user would, beside the prelude.
compile() {
    build_program "docs/$1" -Wno-unused -I"$root/Tests/docs" "$docs/$1.c"
}

# ---- README -----------------------------------------------------------------------------------------------------

readme_c() {
    $extract readme README.md c >"$docs/readme_c.c" && compile readme_c &&
        DIVAK_ENDPOINT=$collector/202/c timeout 20 "$docs/readme_c" && delivered c 1
}

# Against the modules that `swift build` leaves behind: a package of its own would compile everything once more.
readme_swift() {
    options=()
    [ -z "${DIVAK_SWIFT_SCRATCH:-}" ] || options=(--scratch-path "$DIVAK_SWIFT_SCRATCH")
    swift build "${options[@]}" --product Divak >"$docs/swift.log" 2>&1 || { cat "$docs/swift.log"; return 1; }
    bin=$(swift build "${options[@]}" --show-bin-path)
    mkdir -p "$docs/swift"
    $extract readme README.md swift >"$docs/swift/main.swift" || return 1
    # Whatever was built along with it, but what belongs to tests: those bring symbols of a test library.
    mapfile -t objects < <(find "$bin"/*.build -name '*.o' -not -path '*Test*')
    swiftc -swift-version 6 -warnings-as-errors -module-cache-path "$docs/cache" -I "$bin/Modules" -I include \
        "$docs/swift/main.swift" "${objects[@]}" -lcurl -lm -o "$docs/readme_swift" || return 1
    [ "$(DIVAK_ENDPOINT=$collector/202/swift timeout 20 "$docs/readme_swift")" = "42 users" ] && delivered swift 2
}

# Every example of the articles is one that the compiler takes without a warning. Those of Frameworks.md need the frameworks: scripts/docs.sh
# compiles them where these are built.
articles_compile() {
    mapfile -t articles < <(ls Sources/Divak/Divak.docc/*.md | grep -v Frameworks.md)
    $extract articles "${articles[@]}" >"$docs/articles.swift" || return 1
    swift build "${options[@]}" --product DivakTesting >"$docs/swift.log" 2>&1 || { cat "$docs/swift.log"; return 1; }
    swiftc -swift-version 6 -typecheck -module-cache-path "$docs/cache" -I "$bin/Modules" -I include \
        "$docs/articles.swift" 2>"$docs/articles.log" || { cat "$docs/articles.log"; return 1; }
    # An example may end where it has made something.
    ! grep ' warning: ' "$docs/articles.log" | grep -v 'was never used'
}

# Without a collector the programs must say so, as README promises.
readme_without_collector() {
    local said
    said=$(DIVAK_ENDPOINT=http://127.0.0.1:1 timeout 20 "$docs/readme_c" 2>&1) && return 1
    [[ $said == divak:*127.0.0.1:1* ]] || { echo "it said: $said"; return 1; }
}

check "README's C runs and its span arrives" readme_c
check "README's Swift runs and its spans arrive" readme_swift
check "the examples of the articles compile" articles_compile
check "README's C fails, and says why, without a collector" readme_without_collector
check "README has at most 150 lines" test "$(wc -l <README.md)" -le 150

# ---- Headers ----------------------------------------------------------------------------------------------------

# What an example must have done, as an extended regular expression of what the program prints; a line each.
declare -A expected=(
    [span]='"name":"query-db".*"tags":\{("rowcount":"42","sql.table":"users"|"sql.table":"users","rowcount":"42")\}'
    [customizer]='"name":"get /users/\{id\}".*"http.path":"/users/42"'
    [scope]='"parentId":"[0-9a-f]{16}".*"name":"inner"'
    [propagation]='"traceId":"80f198ee56343ba864fe8b2a57d3eff7".*"id":"e457b5a2e4d86bd1".*"shared":true.*headers put 4$'
    [stats]='of [0-9]+ delivered$'
)

header_example() {
    local name=$1 said
    $extract header "include/divak/$name.h" prelude.h >"$docs/$name.c" && compile "$name" || return 1
    said=$(DIVAK_ENDPOINT=$collector/202/headers timeout 20 "$docs/$name" 2>&1) || { echo "$name: $said"; return 1; }
    grep -qE -- "${expected[$name]:-^}" <<<"$said" || { echo "$name printed: $said"; return 1; }
}

for header in include/divak/*.h; do
    name=$(basename "$header" .h)
    [ "$name" = export ] && continue # macros only
    check "the example of $name.h runs" header_example "$name"
done
check "the example of divak.h delivers its span" delivered headers 1
check "lines of public headers have at most 100 columns" test -z "$(awk 'length > 100' include/divak/*.h)"

# ---- Examples ---------------------------------------------------------------------------------------------------

# example PATTERN NAME ARGUMENT... - runs one of the programs; what it prints, on one line, must match.
example() {
    local pattern=$1 said
    shift
    said=$(timeout 20 "$build/examples/$@" 2>"$docs/errors" | tr '\n' '~'; exit "${PIPESTATUS[0]}") ||
        { echo "$1 failed: $said"; cat "$docs/errors"; return 1; }
    grep -qE -- "$pattern" <<<"$said" || { echo "$1 printed: $said"; return 1; }
}

check "headers joins both halves of a request" example \
    'trace ([0-9a-f]{32}), for country NL~\{"traceId":"\1",.*"kind":"SERVER".*"shared":true\}~\{"traceId":"\1".*CLIENT' headers
check "threads loses nothing" example '^4 threads, 4001 spans started, 4001 delivered, 0 dropped~$' threads
check "threads loses nothing where threads share lanes" example '6401 spans started, 6401 delivered, 0 dropped~$' \
    threads 64 100
check "transport tries again" example '^message 1: 2 spans, [0-9]+ bytes~refused once, then taken~$' \
    transport "$docs/spans"
check "transport writes JSON" "$python" -c 'import json, sys
names = [span["name"] for span in json.load(open(sys.argv[1]))]
assert names == ["inner", "outer"], names' "$docs/spans"
check "sampling keeps what the rules say" example \
    'health +0 of.*orders +1000 of.*users +(1[5-9]|2[0-9]|3[0-4])[0-9] of.*~no span tells its password~$' sampling

# ---- Texts ------------------------------------------------------------------------------------------------------

# What users read.
texts=(README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs/*.md examples/*/README.md)

# Every setting of the library is in config.h, and every DIVAK_ variable that texts name is a setting or a constant.
settings_are_written_down() {
    local text name status=0
    "$build/examples/settings" >"$docs/settings" || return 1
    while read -r name _; do
        grep -q "^ \*   $name  *[^ ]" include/divak/config.h || { echo "config.h does not explain $name"; status=1; }
    done <"$docs/settings"
    # CONTRIBUTING.md names options of the build.
    while IFS=: read -r text name; do
        name=${name#\`DIVAK_}
        grep -q "^${name,,} " "$docs/settings" || grep -qw "DIVAK_$name" include/divak/*.h ||
            { echo "$text: DIVAK_$name is no setting"; status=1; }
    done < <(grep -HoE '`DIVAK_[A-Z_]+\b' "${texts[@]}" Sources/*/*.docc/*.md | grep -v '^CONTRIBUTING' | sort -u)
    return $status
}

links_point_at_files() {
    local file link status=0
    for file in "${texts[@]}"; do
        while read -r link; do
            link=${link%%#*}
            case $link in http:* | https:* | '') continue ;; esac
            [ -e "$(dirname "$file")/$link" ] || { echo "$file: $link is not there"; status=1; }
        done < <(grep -oE '\]\([^)]+\)' "$file" | sed 's/^](//; s/)$//')
    done
    return $status
}

# File names in backquotes, as the two texts about the sources use them, are looked for where they say.
sources_are_where_texts_say() {
    local name status=0
    for name in $(grep -ohE '`(api|export|wire|collect|model|base)/[a-z0-9_]+\.[ch]`' docs/*.md | tr -d '`' | sort -u); do
        [ -e "csrc/$name" ] || { echo "docs: csrc/$name is not there"; status=1; }
    done
    return $status
}

# What tables call by a name of Divak's has that name.
names_exist() { "$python" Tests/docs/names.py docs/COMING_FROM.md; }

check "settings are explained in config.h and exist" settings_are_written_down
check "links point at files" links_point_at_files
check "source files are where the texts say" sources_are_where_texts_say
check "names for those who come from elsewhere exist" names_exist

finish
