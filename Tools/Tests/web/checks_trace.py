"""checks_trace.py - one trace: waterfall, selection, zoom, keyboard, ten thousand spans, live spans.

SPDX-License-Identifier: Apache-2.0
"""

import json
import time

import spans as maker
from browser import Keys

MAKER = maker.Maker(42)
FAILED = maker.shop(MAKER, maker.NOW - 5_000_000, error="503 issuer unavailable")
SPANS = MAKER.spans
LARGE = maker.large(10_000)
DEEP = maker.deep(10_000)
HOSTILE = maker.hostile()
FIRST_PAINT_GOAL_MS = 1000
HAVE = []

ROWS = "return document.querySelectorAll('.row').length"
NAMES = "return [...document.querySelectorAll('.row')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => row.querySelector('.what').textContent)"


def have_shop(browser):
    """The collector has the trace that most tests look at."""
    if not HAVE:
        browser.post(SPANS)
        browser.settle(FAILED, len(SPANS))
        HAVE.append(FAILED)


def show(browser, trace=FAILED, query=""):
    have_shop(browser)
    browser.open(f"/zipkin/traces/{trace}{query}", "return document.querySelector('.row')")


def row(browser, name):
    """A CSS selector of the first row with that name."""
    index = browser.js("return [...document.querySelectorAll('.row')].find((row) => row.querySelector('.what').textContent === arguments[0])?.dataset.index", name)
    assert index is not None, f"no row {name}"
    return f"#row-{index}"


def test_the_waterfall_shows_every_span_below_its_parent(browser):
    show(browser)
    rows = browser.js("return [...document.querySelectorAll('.row')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)"
                      ".map((row) => [row.querySelector('.what').textContent, row.querySelector('.service').textContent, Number(row.ariaLevel)])")
    assert len(rows) == len(SPANS)
    assert rows[0] == ["post /checkout", "gateway", 1]
    at = rows.index(["post /charge", "orders", 4])  # the client's half, and the server's right below it
    assert rows[at + 1] == ["post /charge", "payments", 5] and rows[at + 2][1:] == ["payments", 6], rows[at:at + 3]
    browser.picture("trace-light")
    browser.prefer("dark")
    time.sleep(0.15)
    browser.picture("trace-dark")


def test_bars_stand_where_the_spans_were_in_time(browser):
    show(browser)
    found = browser.js("""
        const lane = document.querySelector('.lane').getBoundingClientRect();
        return [...document.querySelectorAll('.row')].map((row) => {
            const box = row.querySelector('.fill').getBoundingClientRect();
            return [row.querySelector('.what').textContent, row.querySelector('.service').textContent, (box.left - lane.left) / lane.width, box.width / lane.width];
        })""")
    root = SPANS[0]
    for span in SPANS:
        if span["localEndpoint"]["serviceName"] == "stock" or span["duration"] < root["duration"] * 0.02:
            continue  # stock's clock is off, and corrected
        at, share = (span["timestamp"] - root["timestamp"]) / root["duration"], span["duration"] / root["duration"]
        assert any(name == span["name"] and service == span["localEndpoint"]["serviceName"] and abs(left - at) < 0.005 and abs(width - share) < 0.005
                   for name, service, left, width in found), (span["name"], at, share)


def test_a_host_whose_clock_is_off_is_moved_into_its_call_and_that_is_said(browser):
    show(browser)
    browser.js("[...document.querySelectorAll('.row')].find((row) => row.querySelector('.service').textContent === 'stock').click()")
    assert "Moved by" in browser.text(".remarks"), browser.text(".detail")


def test_errors_are_red_and_marked_by_more_than_colour(browser):
    show(browser)
    assert browser.count(".row.failed") == sum("error" in span.get("tags", {}) for span in SPANS)
    red, bar = browser.js("const probe = document.createElement('i'); probe.style.color = 'var(--error-bar)'; document.body.append(probe);"
                          "const red = getComputedStyle(probe).color; probe.remove();"
                          "return [red, getComputedStyle(document.querySelector('.row.failed .fill')).backgroundColor]")
    assert red == bar, (red, bar)
    assert browser.js("return [...document.querySelectorAll('.row.failed')].every((row) => row.innerText.includes('!') && row.textContent.includes('error'))")


def test_the_critical_path_is_marked_and_can_be_hidden(browser):
    show(browser)
    assert browser.count(".segment") > 10
    browser.keys("c")
    assert browser.count(".segment") == 0
    assert browser.js("return document.querySelector('.tools-bar [aria-pressed]').getAttribute('aria-pressed')") == "false"
    browser.keys("c")
    assert browser.count(".segment") > 10


def test_a_subtree_collapses_and_expands(browser):
    show(browser)
    orders = row(browser, "post /orders")
    browser.click(f"{orders} [data-caret]")
    assert browser.js("return document.querySelector(arguments[0]).ariaExpanded", orders) == "false"
    assert browser.js(NAMES) == ["post /checkout", "get /session", "get /session", "redis get", "post /orders"]
    assert "+19" in browser.text(orders)
    browser.click(f"{orders} [data-caret]")
    assert browser.js(ROWS) == len(SPANS)
    browser.keys("E")
    assert browser.js(NAMES) == ["post /checkout", "get /session", "post /orders"]
    browser.keys("e")
    assert browser.js(ROWS) == len(SPANS)


def test_a_selected_span_shows_tags_annotations_ids_and_endpoints(browser):
    show(browser)
    span = next(span for span in SPANS if span["name"] == "post /v3/authorise")
    browser.click(row(browser, "post /v3/authorise"))
    detail = browser.text(".detail")
    for part in ["post /v3/authorise", "payments", "client", "http.method", "POST", "attempt", "card issuer timed out", "request sent", "first byte",
                 span["id"], span["traceId"], span["parentId"], "bank", span["localEndpoint"]["ipv4"], span["remoteEndpoint"]["ipv4"] + ":8080"]:
        assert part in detail, (part, detail)
    assert browser.address()[1] == {"spanId": span["id"]}
    browser.picture("span-light")


def test_a_link_to_a_span_shows_that_span(browser):
    span = next(span for span in SPANS if span["name"] == "compute discounts")
    show(browser, query=f"?spanId={span['id']}")
    assert "compute discounts" in browser.text(".detail h2")
    assert browser.count(".row.selected") == 1


def test_a_tag_leads_to_the_traces_that_have_it(browser):
    show(browser)
    browser.click(row(browser, "compute discounts"))
    browser.click(".pairs a")
    browser.wait("return document.querySelector('a.trace')")
    assert browser.address()[1]["annotationQuery"] == "rules=12", browser.address()


def test_dragging_over_the_time_axis_zooms_and_escape_goes_back(browser):
    show(browser)
    browser.keys("c")
    before = browser.texts(".mark")
    browser.drag(".axis", 0.25, 0.5)
    browser.wait("return !document.querySelector('.tools-bar button').hidden")
    zoomed = browser.texts(".mark")
    assert zoomed != before
    window = browser.js("const map = document.querySelector('.minimap').getBoundingClientRect(); return [...document.querySelectorAll('.outside')]"
                        ".map((side) => side.getBoundingClientRect().width / map.width)")
    assert abs(window[0] - 0.25) < 0.02 and abs(window[1] - 0.5) < 0.02, window
    browser.picture("zoomed")
    browser.drag(".axis", 0.2, 0.6)
    assert browser.texts(".mark") != zoomed
    browser.keys(Keys.ESCAPE)
    assert browser.texts(".mark") == zoomed
    browser.keys(Keys.ESCAPE)
    assert browser.texts(".mark") == before


def test_dragging_over_the_overview_zooms_and_zero_shows_the_whole_trace(browser):
    show(browser)
    before = browser.texts(".mark")
    browser.drag(".minimap", 0.4, 0.6)
    inside = browser.texts(".mark")
    assert inside != before
    browser.drag(".minimap", 0.5, 0.7)  # moves the window
    assert browser.texts(".mark") != inside
    browser.keys("0")
    assert browser.texts(".mark") == before
    browser.keys("+")
    assert browser.texts(".mark") != before
    browser.keys("-")
    assert browser.texts(".mark") == before


def test_arrow_keys_move_collapse_and_expand(browser):
    show(browser)
    name = "return document.activeElement.querySelector('.what')?.textContent"
    browser.keys(Keys.ARROW_DOWN)  # into the rows
    assert browser.js(name) == "post /checkout"
    browser.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert browser.js(name) == "redis get"
    browser.keys(Keys.ARROW_LEFT)  # to the parent
    assert browser.js(name) == "get /session"
    browser.keys(Keys.ARROW_LEFT)  # collapses it
    assert browser.js(ROWS) == len(SPANS) - 1 and browser.js("return document.activeElement.ariaExpanded") == "false"
    browser.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)  # expands it, and goes to the child
    assert browser.js(ROWS) == len(SPANS) and browser.js(name) == "redis get"
    browser.keys(Keys.END)
    assert browser.js(name) == "post /v3/authorise"
    browser.keys(Keys.HOME, Keys.ENTER)
    assert "post /checkout" in browser.text(".detail h2")
    browser.keys(Keys.ARROW_DOWN)
    assert "get /session" in browser.text(".detail h2")
    browser.keys(Keys.ESCAPE)
    assert "Where the time went" in browser.text(".detail h2")
    browser.keys(Keys.ESCAPE)
    browser.wait("return document.querySelector('form.search')")


def test_find_marks_what_holds_the_text_and_n_goes_on(browser):
    show(browser)
    browser.keys("/")
    browser.keys("authorise")
    assert browser.text(".found") == "2 matches"
    assert browser.count(".row:not(.faint)") == 2
    browser.keys(Keys.ENTER)
    first = browser.address()[1]["spanId"]
    browser.keys(Keys.ENTER)
    assert browser.address()[1]["spanId"] != first
    browser.keys(Keys.ESCAPE)
    assert browser.count(".faint") == 0


def test_where_the_time_went_adds_up_and_marks_a_service(browser):
    show(browser)
    shares = browser.js("return [...document.querySelectorAll('.share-fill')].map((fill) => fill.getBoundingClientRect().width / fill.parentElement.getBoundingClientRect().width)")
    assert len(shares) == 6 and abs(sum(shares) - 1) < 0.02, shares
    browser.js("[...document.querySelectorAll('.share')].find((share) => share.textContent.includes('stock')).click()")
    assert browser.count(".row:not(.faint)") == 4
    browser.js("[...document.querySelectorAll('.share')].find((share) => share.textContent.includes('stock')).click()")
    assert browser.count(".faint") == 0


def test_the_trace_can_be_downloaded_as_json(browser):
    show(browser)
    address, name = browser.js("const link = document.querySelector('.trace-actions a'); return [link.getAttribute('href'), link.download]")
    assert name == f"{FAILED}.json" and len(browser.get(address)) == len(SPANS)


def test_a_trace_that_is_not_there_is_said(browser):
    browser.open("/zipkin/traces/00000000000000aa", "return document.querySelector('.message h2')")
    assert "no such trace" in browser.text("main")


test_a_trace_that_is_not_there_is_said.expected = ["404"]


def test_a_trace_id_can_be_typed_in(browser):
    browser.open("/")
    browser.click("#goto-id")
    browser.keys(f" {FAILED.upper()} ", Keys.ENTER)
    browser.wait("return document.querySelector('.row')")
    assert browser.address()[0] == f"/zipkin/traces/{FAILED}"


def test_spans_that_arrive_later_grow_the_trace_on_the_screen(browser):
    new = maker.Maker(time.time())
    trace = new.id(32)
    root = new.span(trace, None, "live", "root", time.time() * 1e6, 50_000)
    browser.post(new.spans)
    browser.settle(trace, 1)
    show(browser, trace)
    browser.wait("return document.querySelector('#live').dataset.state === 'live'")
    child = new.span(trace, root["id"], "live", "late child", root["timestamp"] + 1000, 9000)
    browser.post([child])
    browser.wait("return document.querySelectorAll('.row').length === 2", seconds=4)
    assert browser.js(NAMES) == ["root", "late child"]


def test_ten_thousand_spans_are_painted_within_a_second(browser):
    browser.post(LARGE)
    trace = LARGE[0]["traceId"]
    browser.settle(trace, len(LARGE))
    figures = []
    for _ in range(3):
        show(browser, trace)
        figures.append(browser.wait("return performance.getEntriesByName('divak-trace-painted')[0]?.duration"))
    assert "10 000 spans" in browser.text(".facts").replace("\u202f", " "), browser.text(".facts")
    assert browser.js("return document.querySelector('[role=treegrid]').getAttribute('aria-rowcount')") == "10001"
    assert browser.js(ROWS) < 120
    browser.picture("large")
    assert min(figures) < FIRST_PAINT_GOAL_MS, figures
    return f"first paint after {min(figures):.0f} ms, fetched and drawn (all: {', '.join(f'{figure:.0f}' for figure in figures)})"


def test_in_ten_thousand_spans_every_row_can_be_reached(browser):
    show(browser, LARGE[0]["traceId"])
    browser.keys(Keys.ARROW_DOWN, Keys.END)
    assert browser.js("return document.activeElement.ariaRowIndex") == "10001"
    browser.js("document.querySelector('.scroller').scrollTop = 100000")
    browser.wait("return [...document.querySelectorAll('.row')].some((row) => Math.abs(row.offsetTop - 100000) < 30)")
    assert browser.js("return document.activeElement.ariaRowIndex") == "10001"  # out of sight, and still focused
    began = time.monotonic()
    browser.keys("E")
    browser.keys("e")
    assert browser.js(ROWS) < 120
    return f"collapsed and expanded in {time.monotonic() - began:.2f} s"


def test_ten_thousand_levels_are_shown(browser):
    browser.post(DEEP)
    trace = DEEP[0]["traceId"]
    browser.settle(trace, len(DEEP))
    show(browser, trace)
    browser.keys(Keys.ARROW_DOWN, Keys.END)
    assert browser.js("return document.activeElement.ariaLevel") == "10000"
    assert browser.js("return document.activeElement.querySelector('.what').getBoundingClientRect().width") > 40


def test_names_that_try_to_break_out_are_text(browser):
    browser.post(HOSTILE)
    trace = HOSTILE[0]["traceId"]
    browser.settle(trace, len(HOSTILE))
    browser.open("/zipkin/?lookback=1h&limit=500", "return document.querySelector('a.trace')")
    assert "<img src=x" in browser.text("main")
    show(browser, trace)
    assert browser.js(ROWS) == len(HOSTILE)
    for index in range(len(HOSTILE)):
        browser.js("document.querySelector(`#row-${arguments[0]}`).click()", index)
        wide = browser.js("""
            const panel = document.querySelector('.detail'), right = panel.getBoundingClientRect().left + panel.clientWidth;
            return [...panel.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > right + 0.5)
                .map((one) => one.outerHTML.slice(0, 90)).slice(0, 3)""")
        assert wide == [], (index, wide)
    covered = browser.js("""
        const right = (one) => one.getBoundingClientRect().right, left = (one) => one.getBoundingClientRect().left;
        return [...document.querySelectorAll('.fill')].filter((bar) => right(bar) > 1 + left(bar.parentElement.querySelector('.time'))
            + parseFloat(getComputedStyle(bar.parentElement.querySelector('.time')).paddingLeft)).map((bar) => bar.outerHTML)""")
    assert covered == [], covered
    browser.click("#row-0")
    assert "window.divakBroken=1</script>" in browser.text(".detail")
    assert "‹202E›" in browser.text(".detail") and "\u202e" not in browser.text("main")
    assert browser.js("return window.divakBroken") is None
    assert browser.count("main img, main script, main a[href^=javascript]") == 0
    browser.picture("hostile")


def test_a_trace_survives_the_way_through_its_own_json(browser):
    show(browser)
    data = browser.get(f"/api/v2/trace/{FAILED}")
    assert {span["id"] for span in data} == {span["id"] for span in SPANS} and json.dumps(data)
