#!/usr/bin/env bash
# kept.sh BUILD FOLDER - every body that the collectors of the other tests have kept, by a foreign decoder and the schema.
# SPDX-License-Identifier: Apache-2.0
#
# FOLDER is what DIVAK_KEEP_BODIES named while those ran (bodies.py). A body is called after the test that sent it, and so
# is a failure. Goes away when all is well.
set -uo pipefail
build=${1:-}
folder=$(readlink -f "$2")
. "$(dirname "$0")/../lib.sh"
decoders=$here/decoders

# Whose bodies must be there, or collectors keep nothing.
has_bodies() { compgen -G "$folder/$1*.body" >/dev/null; }
for sender in storm truth deadlines poison outage 202_json 202_proto3 202_memory 202_c no-gzip exec-; do
    check "bodies of $sender were kept" has_bodies "$sender"
done
for file in "$folder"/*.skipped; do
    [ ! -e "$file" ] || echo "over the bound, and not kept: $(<"$file") of $(basename "$file" -000000.skipped)"
done

build_decoder || exit 1
check "zipkin-go decodes all that any test sent" "$work/decode" -count "$folder"
check "JSON that any test sent is as the API says" "$python" "$decoders/schema.py" --by-shape \
    "$root/Tests/zipkin-api/zipkin2-api.yaml" "$folder"
finish || exit 1
rm -rf "$folder"
