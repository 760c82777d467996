#!/usr/bin/env bash
# check-api.sh - what changed in the Swift interface since the last release, so that nothing breaks unnoticed.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/check-api.sh            since the last tag that this commit descends from
#     scripts/check-api.sh 0.1.0      since that tag or commit
#
# A break that is meant goes into scripts/api-breaks.txt, in the words that this prints, and into CHANGELOG.md.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

since=${1:-$(git describe --tags --abbrev=0 2>/dev/null)}
if [ -z "$since" ]; then
    echo "there is no release yet: nothing to compare with"
    exit 0
fi
# Both versions are built in a folder of their own.
swift package --scratch-path .build-api diagnose-api-breaking-changes "$since" --products Divak DivakTesting \
    --breakage-allowlist-path scripts/api-breaks.txt
