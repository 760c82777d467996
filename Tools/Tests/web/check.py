"""check.py URL FOLDER - runs the tests of the trace view against the empty collector at URL; pictures go to FOLDER.

SPDX-License-Identifier: Apache-2.0

Each function `test_...` of the modules below is a test: its name is the sentence that holds when it passes. They run in
the order in which they stand, in one browser; the first ones need the collector empty.
"""

import os
import shutil
import sys
import time
import traceback

import checks_access
import checks_graph
import checks_model
import checks_search
import checks_start
import checks_trace
from browser import Browser, DESKTOP

MODULES = [checks_start, checks_model, checks_search, checks_trace, checks_graph, checks_access]


def tests():
    only = os.environ.get("DIVAK_WEB_ONLY", "")
    for module in MODULES:
        for name, function in vars(module).items():
            if name.startswith("test_") and only in name:
                yield name, function


def main():
    base, folder = sys.argv[1], sys.argv[2]
    browser = Browser(base, shutil.which("chromium"), shutil.which("chromedriver"), folder)
    passed = failed = 0
    try:
        for name, function in tests():
            began = time.monotonic()
            try:
                browser.block()
                browser.resize(DESKTOP)
                browser.prefer("light")
                figure = function(browser)
                browser.look_back(getattr(function, "expected", ()))
                assert not browser.complaints, f"the console says {browser.complaints}"
                assert not browser.foreign, f"requests went to {browser.foreign}"
                passed += 1
                print(f"ok      {name[5:]}{f': {figure}' if figure else ''} ({time.monotonic() - began:.1f} s)", flush=True)
            except Exception as error:  # a test that fails says so, and the others go on
                failed += 1
                browser.complaints.clear()
                browser.foreign.clear()
                browser.driver.get_log("browser")
                browser.picture(f"failed-{name[5:60]}")
                last = traceback.extract_tb(error.__traceback__)[-1 if isinstance(error, AssertionError) else 1]
                print(f"FAILED  {name[5:]}\n        {type(error).__name__}: {str(error).splitlines()[0] if str(error) else last.line}"
                      f" (line {last.lineno} of {os.path.basename(last.filename)})", flush=True)
    finally:
        browser.close()
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 and passed > 0 else 1)


if __name__ == "__main__":
    main()
