#!/usr/bin/env bash
# schemathesis.sh - asks the collector everything that Zipkin's own description of its API allows, and much that it doesn't.
# SPDX-License-Identifier: Apache-2.0
#
#     Tools/Tests/schemathesis.sh [PROGRAM [SECONDS]]
#
# Installs schemathesis from PyPI into build/schemathesis when it isn't there. Every answer has to have a documented
# status, type and form, and no question may cost more than an answer of 400.
#
# The description, Tests/zipkin-api/zipkin2-api.yaml, is amended on the way where a Zipkin server itself does otherwise:
# GET /spans answers names, not spans; any question may be answered with 400; TRACE and others with 405.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${1:-$root/Tools/.build/debug/divak}
seconds=${2:-40}
venv=$root/build/schemathesis
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -x "$venv/bin/schemathesis" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q schemathesis
fi

"$venv/bin/python" - "$root/Tests/zipkin-api/zipkin2-api.yaml" "$work/api.yaml" <<'EOF'
import sys
import yaml

document = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
for path in document["paths"].values():
    for operation in path.values():
        operation["responses"].setdefault("400", {"description": "says what is wrong"})
names = {"description": "names", "schema": {"type": "array", "items": {"type": "string"}}}
document["paths"]["/spans"]["get"]["responses"]["200"] = names
# Bodies in proto3 are made by other tests; this tool has no way to make them.
document["paths"]["/spans"]["post"]["consumes"] = ["application/json"]
yaml.safe_dump(document, open(sys.argv[2], "w", encoding="utf-8"))
EOF

"$program" collector --port 0 >"$work/out" &
collector=$!
trap 'kill $collector 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
    grep -q http:// "$work/out" && break
    sleep 0.1
done
address=$(grep -o 'http://.*' "$work/out")

checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
checks+=,response_schema_conformance,unsupported_method,allow_header_conformance
cd "$work"
"$venv/bin/schemathesis" run api.yaml -u "$address/api/v2" --max-time "$seconds" --checks "$checks" --warnings off
curl -fsS "$address/health" >/dev/null
kill $collector
wait $collector
