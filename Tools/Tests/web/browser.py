"""browser.py - a headless Chromium for the tests of the trace view, and what they ask of it.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import time
import urllib.parse
import urllib.request

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

DESKTOP = (1400, 880)
PHONE = (390, 844)


class Browser:
    """The page as a user has it, the collector as a program has it."""

    def __init__(self, base, chromium, chromedriver, pictures):
        self.base = base
        self.pictures = pictures
        options = Options()
        options.binary_location = chromium
        for argument in ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update", "--window-size=1400,880"]:
            options.add_argument(argument)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium refuses to sandbox for root
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(chromedriver))
        self.driver.set_script_timeout(30)
        self.cdp("Network.enable")
        self.resize(DESKTOP)
        self.prefer("light")
        self.foreign = []  # requests to other hosts
        self.complaints = []  # lines of the console that a test did not provoke on purpose

    def close(self):
        self.driver.quit()

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    # ---- The page --------------------------------------------------------------------------------------------------

    def open(self, path, until="return document.readyState === 'complete'"):
        self.driver.get(self.base + path)
        self.wait(until)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def run(self, script, *arguments):
        """The value of an asynchronous function body; its `import` sees the page's modules."""
        answer = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);"
            f"(async (args) => {{ {script} }})(given).then((value) => done({{ value }}), (error) => done({{ error: String(error?.stack ?? error) }}));",
            *arguments)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer.get("value")

    def wait(self, script, *arguments, seconds=10):
        """Waits until a script returns something true, and returns that."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.js(script, *arguments)
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"still not after {seconds} s: {script}; the page says {self.text('main')[:300]!r}")
            time.sleep(0.03)

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)

    def count(self, selector):
        return self.js("return document.querySelectorAll(arguments[0]).length", selector)

    def click(self, selector):
        self.driver.find_element("css selector", selector).click()

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def fill(self, selector, value):
        self.js("const field = document.querySelector(arguments[0]); field.value = arguments[1];"
                "field.dispatchEvent(new Event('input', { bubbles: true })); field.dispatchEvent(new Event('change', { bubbles: true }))",
                selector, value)

    def drag(self, selector, start, end):
        """Drags over an element, from one share of its width to another."""
        element = self.driver.find_element("css selector", selector)
        width = element.size["width"]
        (ActionChains(self.driver, duration=40).move_to_element_with_offset(element, int(width * (start - 0.5)), 0).click_and_hold()
         .move_by_offset(int(width * (end - start)), 0).release().perform())

    def resize(self, size, scale=1):
        self.cdp("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=scale, mobile=size == PHONE)

    def prefer(self, scheme="light", motion="no-preference"):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme},
                                                         {"name": "prefers-reduced-motion", "value": motion}])

    def picture(self, name):
        self.driver.save_screenshot(os.path.join(self.pictures, f"{name}.png"))

    def address(self):
        url = urllib.parse.urlsplit(self.driver.current_url)
        return url.path, dict(urllib.parse.parse_qsl(url.query))

    def storage(self, **values):
        """What the page remembers; nothing but the given."""
        self.js("localStorage.clear(); for (const [key, value] of Object.entries(arguments[0])) localStorage.setItem(key, value)", values)

    # ---- What must not happen --------------------------------------------------------------------------------------

    def look_back(self, expected=()):
        """Keeps what the console said and where requests went. Lines with one of the `expected` texts are meant."""
        for line in self.driver.get_log("browser"):
            if line["level"] in ("SEVERE", "WARNING") and not any(text in line["message"] for text in expected):
                self.complaints.append(line["message"])
        for line in self.driver.get_log("performance"):
            message = json.loads(line["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            url = message["params"]["request"]["url"]
            if not url.startswith((self.base + "/", "blob:", "data:", "about:")):
                self.foreign.append(url)

    def block(self, *patterns):
        """Makes the page's requests to such addresses fail, as if the collector were gone."""
        self.cdp("Network.setBlockedURLs", urls=[self.base + pattern for pattern in patterns])

    # ---- The collector ---------------------------------------------------------------------------------------------

    def post(self, spans):
        body = spans if isinstance(spans, bytes) else json.dumps(spans).encode()
        request = urllib.request.Request(self.base + "/api/v2/spans", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 202, answer.status

    def get(self, path, **query):
        url = self.base + path + ("?" + urllib.parse.urlencode(query) if query else "")
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)

    def settle(self, trace, spans):
        """Waits until the collector answers with so many spans of a trace."""
        deadline = time.monotonic() + 10
        while True:
            try:
                found = len(self.get(f"/api/v2/trace/{trace}"))
            except urllib.error.HTTPError:
                found = 0
            if found >= spans:
                return
            assert time.monotonic() < deadline, f"{found} of {spans} spans of {trace}"
            time.sleep(0.05)


def traces_of(spans):
    """Spans by their trace."""
    found = {}
    for span in spans:
        found.setdefault(span["traceId"], []).append(span)
    return found


__all__ = ["Browser", "DESKTOP", "PHONE", "Keys", "traces_of"]
