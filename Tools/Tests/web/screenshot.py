"""screenshot.py URL FILE - a picture of the failed trace with the most spans that the collector at URL holds.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import sys
import time

from browser import Browser

SIZE = (1280, 800)
SCALE = 1.5  # sharp where it is shown smaller, and not large to load
LIMIT = 1000


def main():
    base, file = sys.argv[1], sys.argv[2]
    browser = Browser(base, shutil.which("chromium"), shutil.which("chromedriver"), os.path.dirname(file))
    try:
        traces = browser.get("/api/v2/traces", annotationQuery="error", limit=LIMIT) or browser.get("/api/v2/traces", limit=LIMIT)
        if not traces:
            sys.exit(f"screenshot: {base} has no traces")
        trace = max(traces, key=len)
        browser.resize(SIZE, SCALE)
        browser.open(f"/zipkin/traces/{trace[0]['traceId']}", "return document.querySelector('.row')")
        browser.prefer("light", "reduce")
        time.sleep(0.3)
        browser.driver.save_screenshot(file)
        print(f"{file}: {len(trace)} spans of {trace[0]['traceId']}")
    finally:
        browser.close()


if __name__ == "__main__":
    main()
