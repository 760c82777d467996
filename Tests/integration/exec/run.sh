#!/usr/bin/env bash
# run.sh BUILD - `divak exec`: commands run as if nobody stood between, and their spans arrive.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
build=${1:-}
. "$(dirname "$0")/../lib.sh"
exec "$python" "$here/exec/run.py" "$build/bin/divak"
