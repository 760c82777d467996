#!/usr/bin/env bash
# run.sh BUILD - traces every kind of span, and asks a foreign decoder and the API's schema what came over the wire.
# SPDX-License-Identifier: Apache-2.0
#
# zipkin-go decodes every payload, JSON and proto3, plain and gzip; the result is compared span by span with a ledger;
# JSON is also held against Zipkin's OpenAPI document. DIVAK_DECODER_SPANS says how many spans, DIVAK_SEED which.
set -uo pipefail
build=${1:-}
. "$(dirname "$0")/../lib.sh"

spans=${DIVAK_DECODER_SPANS:-12000}
seed=${DIVAK_SEED:-$RANDOM}
decoders=$here/decoders
echo "seed $seed"

build_program spans "$decoders/spans.c" || exit 1
build_decoder || exit 1

# run ENCODING COMPRESSION ID_BITS COUNT
run() {
    local name=$1-$2-$3 folder=$work/$1-$2-$3
    rm -rf "$folder"
    start_server "$python" "$decoders/sink.py" "$folder"
    check "$name: all is delivered" \
        "$work/spans" "http://127.0.0.1:$port/api/v2/spans" "$1" "$2" "$3" "$4" "$seed" "$folder/ledger"
    check "$name: zipkin-go decodes all payloads" "$work/decode" "$folder" >"$folder/decoded"
    check "$name: each span is as it was recorded" "$python" "$decoders/compare.py" "$folder/ledger" "$folder/decoded"
    if [ "$1" = json ]; then
        check "$name: the schema holds" "$python" "$decoders/schema.py" "$root/Tests/zipkin-api/zipkin2-api.yaml" "$folder"
    fi
}

run json none 128 "$spans"
run proto3 none 128 "$spans"
run json gzip 64 "$((spans / 4))"
run proto3 gzip 64 "$((spans / 4))"
finish
