"""checks_start.py - what is served, and a collector that has no spans yet.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import urllib.request

WWW = os.path.join(os.path.dirname(__file__), "../../Sources/CDivakWeb/www")


def ask(browser, path, **headers):
    request = urllib.request.Request(browser.base + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_an_empty_collector_shows_in_three_lines_how_to_send_the_first_span(browser):
    browser.open("/", "return document.querySelector('.first pre')?.textContent")
    assert "No spans yet" in browser.text("main")
    for button in range(3):
        browser.js("document.querySelectorAll('.tabs button')[arguments[0]].click()", button)
        code = browser.js("return document.querySelector('.first pre').textContent")
        assert len(code.split("\n")) == 3, code
        assert browser.base in code, code
    browser.picture("first-steps")


def test_the_first_span_appears_without_a_reload(browser):
    browser.js("window.isSamePage = true; document.querySelectorAll('.tabs button')[2].click()")
    command = browser.js("return document.querySelector('.first pre').textContent")
    browser.post(json.loads(command.split("-d '")[1].rstrip("'")))  # what the page told us to send
    browser.wait("return document.querySelector('a.trace')?.textContent.includes('hello')")
    assert browser.js("return window.isSamePage") is True


def test_every_file_of_the_view_is_served_as_it_is(browser):
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    count = 0
    for folder, _, names in os.walk(WWW):
        for name in names:
            path = os.path.join(folder, name)
            served = "/zipkin/" if name == "index.html" else "/assets/" + os.path.relpath(path, WWW)
            status, headers, body = ask(browser, served)
            with open(path, "rb") as file:
                assert status == 200 and body == file.read(), f"{served}: {status}, {len(body)} bytes; the program is older than the file?"
            assert headers["content-type"].startswith(types.get(os.path.splitext(name)[1], "text/html")), headers["content-type"]
            count += 1
    return f"{count} files"


def test_addresses_of_zipkin_lead_to_the_page(browser):
    _, _, page = ask(browser, "/")
    for path in ["/zipkin", "/zipkin/", "/zipkin/?serviceName=a", "/zipkin/dependency", "/zipkin/traces/463ac35c9f6413ad"]:
        status, _, body = ask(browser, path)
        assert (status, body) == (200, page), path
    for path in ["/assets/none.js", "/assets/../Package.swift", "/assets/%2e%2e/index.html", "/zipkin/none"]:
        assert ask(browser, path)[0] == 404, path


def test_the_page_is_served_with_a_policy_that_forbids_what_is_not_ours(browser):
    for path in ["/", "/zipkin/traces/463ac35c9f6413ad", "/assets/app/main.js"]:
        _, headers, _ = ask(browser, path)
        policy = headers["content-security-policy"]
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
                     "frame-ancestors 'none'", "require-trusted-types-for 'script'"]:
            assert part in policy, (path, policy)
        assert "unsafe" not in policy and headers["x-content-type-options"] == "nosniff"


def test_a_file_that_a_browser_has_is_not_sent_again(browser):
    status, headers, _ = ask(browser, "/assets/app/main.js")
    tag = headers["etag"]
    assert status == 200 and tag.startswith('"'), tag
    assert ask(browser, "/assets/app/main.js", **{"if-none-match": tag})[0] == 304
    assert ask(browser, "/assets/app/main.js", **{"if-none-match": '"other"'})[0] == 200
