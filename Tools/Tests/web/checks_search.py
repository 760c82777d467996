"""checks_search.py - the search and its list, live updates, files.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import json
import os
import tempfile
import time

import spans as maker
from browser import Keys, traces_of

ROOT = os.path.join(os.path.dirname(__file__), "../../..")
SHOP = maker.shops(40)
TRACES = traces_of(SHOP)
LISTED = "return document.querySelectorAll('a.trace').length"
IDS = "return [...document.querySelectorAll('a.trace')].map((row) => row.dataset.id)"


def shown(browser, path, least=1):
    browser.open(path, "return document.querySelector('a.trace, .message h2') !== null")
    browser.wait("return document.querySelectorAll('a.trace').length >= arguments[0]", least)
    return browser.js(IDS)


def matching(test):
    return {trace for trace, spans in TRACES.items() if any(test(span) for span in spans)}


def test_a_shop_s_traces_are_listed_the_newest_first(browser):
    browser.post(SHOP)
    for trace, spans in TRACES.items():
        browser.settle(trace, len(spans))
    ids = shown(browser, "/zipkin/?lookback=1h&limit=200", len(TRACES))
    assert set(TRACES) <= set(ids)
    newest = sorted(TRACES, key=lambda trace: -min(span["timestamp"] for span in TRACES[trace]))
    assert [trace for trace in ids if trace in TRACES] == newest
    browser.picture("list-light")
    browser.prefer("dark")
    time.sleep(0.1)
    browser.picture("list-dark")


def test_a_row_says_duration_spans_services_errors_and_age(browser):
    failed = next(trace for trace, spans in TRACES.items() if "error" in spans[0].get("tags", {}))
    row = browser.js("return document.querySelector(`a.trace[data-id='${arguments[0]}']`).innerText", failed)
    root = TRACES[failed][0]
    errors = sum("error" in span.get("tags", {}) for span in TRACES[failed])
    for part in ["gateway", "post /checkout", f"{len(TRACES[failed])} spans", f"{errors} errors", "payments", "ago"]:
        assert part in row, (part, row)
    assert f"{root['duration'] / 1000:.3g}" in row or f"{root['duration'] / 1000:.0f}" in row, row


def test_bars_are_as_long_as_the_traces_took(browser):
    found = browser.js("""
        const rows = [...document.querySelectorAll('a.trace')].map((row) => ({ id: row.dataset.id,
            share: row.querySelector('.bar-of').getBoundingClientRect().width / row.querySelector('.track').getBoundingClientRect().width,
            beyond: row.querySelector('.bar-of').classList.contains('beyond') }));
        return rows.filter((row) => !row.beyond)""")
    ratios = [row["share"] / TRACES[row["id"]][0]["duration"] for row in found if row["id"] in TRACES and row["share"] > 0.02]
    assert len(ratios) > 10 and max(ratios) / min(ratios) < 1.1, (min(ratios), max(ratios))


def test_search_by_service_span_tag_and_duration_finds_what_matches(browser):
    cases = [
        ("serviceName=mail", lambda span: span["localEndpoint"]["serviceName"] == "mail"),
        ("serviceName=payments&spanName=sign%20request", lambda span: span["name"] == "sign request"),
        ("annotationQuery=user.tier%3Dplus", lambda span: span.get("tags", {}).get("user.tier") == "plus"),
        ("annotationQuery=error", lambda span: "error" in span.get("tags", {})),
        ("annotationQuery=rule%20cache%20filled", lambda span: any(note["value"] == "rule cache filled" for note in span.get("annotations", []))),
        ("annotationQuery=http.path%3D%2Fcheckout%20and%20user.tier%3Dfree",
         lambda span: span.get("tags", {}).get("user.tier") == "free" and span["tags"].get("http.path") == "/checkout"),
        ("minDuration=200ms", lambda span: span["duration"] >= 200_000),
        ("serviceName=gateway&minDuration=20ms&maxDuration=60ms",
         lambda span: span["localEndpoint"]["serviceName"] == "gateway" and 20_000 <= span["duration"] <= 60_000),
    ]
    for query, test in cases:
        wanted = matching(test)
        ids = shown(browser, f"/zipkin/?{query}&lookback=1h&limit=500", len(wanted))
        assert set(ids) & set(TRACES) == wanted, (query, len(ids), len(wanted))


def test_the_fields_lead_to_an_address_and_an_address_fills_the_fields(browser):
    shown(browser, "/zipkin/?lookback=1h")
    browser.wait("return document.querySelectorAll('#f-serviceName option').length > 5")
    browser.js("const field = document.querySelector('#f-serviceName'); field.value = 'orders';"
               "field.dispatchEvent(new Event('change', { bubbles: true }))")
    browser.wait("return location.search.includes('serviceName=orders')")
    browser.wait("return document.querySelectorAll('#f-spanName option').length > 3")
    browser.click("#f-annotationQuery")
    browser.keys("items=3", Keys.ENTER)
    browser.wait("return location.search.includes('annotationQuery')")
    path, query = browser.address()
    assert path == "/zipkin/" and query["serviceName"] == "orders" and query["annotationQuery"] == "items=3", query
    browser.open("/zipkin/?serviceName=orders&spanName=validate&annotationQuery=items%3D3&minDuration=1ms&maxDuration=9s&lookback=6h&limit=7",
                 "return document.querySelector('a.trace')")
    browser.wait("return document.querySelector('#f-spanName').value === 'validate'")
    values = browser.js("return ['serviceName', 'spanName', 'annotationQuery', 'minDuration', 'maxDuration', 'lookback', 'limit']"
                        ".map((field) => document.querySelector(`#f-${field}`).value)")
    assert values == ["orders", "validate", "items=3", "1ms", "9s", "6h", "7"], values
    assert browser.js(LISTED) == 7


def test_links_of_zipkin_with_a_time_range_are_understood(browser):
    times = sorted(min(span["timestamp"] for span in spans) // 1000 for spans in TRACES.values())
    start, end = times[10] - 1, times[20] + 5000
    for query in [f"lookback=range&startTs={start}&endTs={end}", f"lookback=millis&millis={end - start}&endTs={end}"]:
        ids = shown(browser, f"/zipkin/?limit=500&{query}", 8)
        inside = {trace for trace, spans in TRACES.items() if any(start * 1000 <= span["timestamp"] <= end * 1000 for span in spans)}
        assert set(ids) & set(TRACES) == inside, (query, len(ids), len(inside))
        assert browser.js("return document.querySelector('#f-startTs').offsetParent !== null")


def test_a_duration_that_is_none_is_refused_in_words(browser):
    shown(browser, "/zipkin/?lookback=1h")
    browser.js("document.querySelector('#f-minDuration').value = 'soon'; document.querySelector('form.search').requestSubmit()")
    browser.wait("return document.querySelector('[role=alert]:not([hidden])')")
    assert "soon" in browser.text("[role=alert]")
    assert browser.js("return document.querySelector('#f-minDuration').getAttribute('aria-invalid')") == "true"
    assert "minDuration" not in browser.address()[1]


def test_the_list_can_be_sorted_by_duration(browser):
    shown(browser, "/zipkin/?lookback=1h&limit=200", len(TRACES))
    browser.fill("#order", "longest")
    durations = [TRACES[trace][0]["duration"] for trace in browser.js(IDS) if trace in TRACES]
    assert durations == sorted(durations, reverse=True)
    browser.fill("#order", "newest")


def test_a_search_that_finds_nothing_says_so(browser):
    browser.open("/zipkin/?serviceName=gateway&annotationQuery=no.such.tag&lookback=1h", "return document.querySelector('.message h2')")
    assert "No traces match" in browser.text("main") and "no.such.tag" in browser.text("main")


def test_a_collector_that_is_gone_is_said_and_tried_again(browser):
    browser.block("/api/v2/traces*")
    browser.open("/zipkin/?lookback=1h", "return document.querySelector('.message h2')")
    assert "The search failed" in browser.text("main")
    browser.block()
    browser.click(".message .primary")
    browser.wait(LISTED)


test_a_collector_that_is_gone_is_said_and_tried_again.expected = ["ERR_BLOCKED_BY_CLIENT"]


def test_a_new_trace_appears_within_three_seconds_by_the_stream(browser):
    shown(browser, "/zipkin/?lookback=1h")
    browser.wait("return document.querySelector('#live').dataset.state === 'live'")
    new = maker.Maker(time.time())
    new.span(new.id(32), None, "newcomer", "just now", time.time() * 1e6 - 5000, 5000)
    browser.post(new.spans)
    began = time.monotonic()
    browser.wait("return document.querySelector(`a.trace.fresh[data-id='${arguments[0]}']`)", new.spans[0]["traceId"], seconds=3)
    return f"after {time.monotonic() - began:.2f} s"


def test_without_the_stream_the_page_asks_again_and_again(browser):
    browser.block("/api/divak/tail*")
    shown(browser, "/zipkin/?lookback=1h")
    browser.wait("return document.querySelector('#live').dataset.state === 'polling'", seconds=8)
    new = maker.Maker(time.time())
    new.span(new.id(32), None, "newcomer", "asked for", time.time() * 1e6 - 5000, 5000)
    browser.post(new.spans)
    browser.wait("return document.querySelector(`a.trace[data-id='${arguments[0]}']`)", new.spans[0]["traceId"], seconds=6)


test_without_the_stream_the_page_asks_again_and_again.expected = ["ERR_BLOCKED_BY_CLIENT"]


def test_live_updates_can_be_switched_off_and_stay_off(browser):
    shown(browser, "/zipkin/?lookback=1h")
    browser.click("#live")
    assert browser.js("return document.querySelector('#live').dataset.state") == "off"
    browser.driver.refresh()
    browser.wait(LISTED)
    assert browser.js("return document.querySelector('#live').getAttribute('aria-pressed')") == "false"
    browser.click("#live")


def test_arrow_keys_go_through_the_list_and_enter_opens(browser):
    ids = shown(browser, "/zipkin/?lookback=1h&limit=20", 20)
    browser.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert browser.js("return document.activeElement.dataset.id") == ids[1]
    browser.keys(Keys.END)
    assert browser.js("return document.activeElement.dataset.id") == ids[19]
    browser.keys(Keys.ENTER)
    browser.wait("return document.querySelector('[role=treegrid]')")
    assert browser.address()[0] == f"/zipkin/traces/{ids[19]}"
    browser.driver.back()
    browser.wait(LISTED)


def test_slash_leads_to_the_search_and_a_question_mark_to_the_help(browser):
    shown(browser, "/zipkin/?lookback=1h")
    browser.keys("/")
    assert browser.js("return document.activeElement.id") == "f-annotationQuery"
    browser.keys("?")  # typed, not meant
    assert browser.js("return document.activeElement.value") == "?"
    browser.keys(Keys.ESCAPE)
    browser.keys("?")
    browser.wait("return document.querySelector('dialog[open]')")
    assert "next trace" in browser.text("dialog")
    browser.picture("help")
    browser.keys(Keys.ESCAPE)
    browser.wait("return !document.querySelector('dialog[open]')")


def test_single_letter_keys_can_be_switched_off(browser):
    shown(browser, "/zipkin/?lookback=1h")
    browser.keys("?")
    browser.click("#keys-single")
    browser.keys(Keys.ESCAPE)
    browser.keys("/")
    assert browser.js("return document.activeElement.id") != "f-annotationQuery"
    browser.click("#help-open")
    browser.click("#keys-single")
    browser.keys(Keys.ESCAPE)


def test_every_golden_payload_can_be_looked_at(browser):
    names = sorted(glob.glob(os.path.join(ROOT, "Tests/golden/*.in.json")))
    assert len(names) >= 7
    for name in names:
        with open(name, "rb") as file:
            body = file.read()
        browser.post(body)
        trace = json.JSONDecoder().raw_decode(body.decode())[0][0]["traceId"]  # one ends in zeros, as a buffer does
        browser.settle(trace, 1)
        browser.open(f"/zipkin/traces/{trace}", "return document.querySelector('.row')")
        browser.js("document.querySelector('.row').click()")
        browser.wait("return document.querySelector('.detail h2')")
    return f"{len(names)} payloads"


def test_a_file_of_spans_is_shown_without_the_server(browser):
    browser.open("/zipkin/?lookback=1h", LISTED)
    trace = maker.Maker(77)
    maker.shop(trace, maker.NOW)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(trace.spans, file)
        file.flush()
        browser.block("/api/*")
        browser.driver.find_element("id", "file").send_keys(file.name)
        browser.wait("return document.querySelectorAll('.row').length === arguments[0]", len(trace.spans))
        assert "24 spans" in browser.text("#local"), browser.text("#local")
    browser.click("#local button")
    browser.wait("return document.querySelector('#local').hidden")


test_a_file_of_spans_is_shown_without_the_server.expected = ["ERR_BLOCKED_BY_CLIENT"]

DROP = """
    const transfer = new DataTransfer();
    transfer.items.add(new File([arguments[0]], arguments[1], { type: 'application/json' }));
    for (const type of ['dragover', 'drop']) document.querySelector('main').dispatchEvent(
        new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
"""


def test_a_dropped_file_with_many_traces_becomes_a_list(browser):
    browser.open("/zipkin/?lookback=1h", LISTED)
    some = dict(list(traces_of(maker.shops(5, seed=9)).items()))
    browser.js(DROP, json.dumps(list(some.values())), "five.json")
    browser.wait("return document.querySelector('#local:not([hidden])') && document.querySelectorAll('a.trace').length === 5")
    assert set(browser.js(IDS)) == set(some)
    browser.js("document.querySelector('a.trace').click()")
    browser.wait("return document.querySelector('.row')")
    browser.js(DROP, "\n".join(json.dumps(span) for spans in some.values() for span in spans), "lines.ndjson")
    browser.wait("return document.querySelectorAll('a.trace').length === 5")
    browser.click("#local button")


def test_a_dropped_file_that_holds_no_spans_is_refused_in_words(browser):
    browser.open("/zipkin/?lookback=1h", LISTED)
    for text, word in [("no json", "no JSON"), ("[{\"a\":1}]", "no span"), ("[]", "no spans")]:
        browser.js(DROP, text, "bad.json")
        browser.wait("return document.querySelector('#local')?.innerText.includes(arguments[0])", word)
    assert browser.js(LISTED) > 0
    browser.click("#local button")
