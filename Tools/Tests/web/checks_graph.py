"""checks_graph.py - the dependency graph: who calls whom, in a picture and in a table.

SPDX-License-Identifier: Apache-2.0
"""

import time

import spans as maker
from browser import Keys

MESH = maker.mesh(30)
HAVE = []


def links(browser):
    return browser.get("/api/v2/dependencies", endTs=int(time.time() * 1000), lookback=86_400_000)


def have_mesh(browser):
    """The collector has calls among thirty services."""
    if not HAVE:
        browser.post(MESH)
        time.sleep(0.5)
        HAVE.append(True)


def show(browser, query=""):
    have_mesh(browser)
    browser.open(f"/zipkin/dependency{query}", "return document.querySelector('.node, table')")


def test_each_service_and_each_link_is_drawn_once(browser):
    show(browser)
    wanted = links(browser)
    services = {name for link in wanted for name in (link["parent"], link["child"])}
    assert len(services) >= 30, len(services)
    assert sorted(browser.js("return [...document.querySelectorAll('.node')].map((node) => node.dataset.name)")) == sorted(services)
    assert browser.count(".edge") == len(wanted)
    browser.picture("graph-light")
    browser.prefer("dark")
    time.sleep(0.15)
    browser.picture("graph-dark")
    return f"{len(services)} services, {len(wanted)} links"


def test_no_box_lies_over_another(browser):
    show(browser)
    boxes = browser.js("return [...document.querySelectorAll('.node .box')].map((box) => { const r = box.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] })")
    for i, a in enumerate(boxes):
        for b in boxes[i + 1:]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


def test_no_line_runs_behind_a_box_that_it_does_not_touch(browser):
    show(browser)
    hits = browser.js("""
        const boxes = [...document.querySelectorAll('.node')].map((node) => {
            const { e: x, f: y } = node.transform.baseVal.consolidate().matrix, box = node.querySelector('.box');
            return { name: node.dataset.name, left: x, top: y, right: x + box.width.baseVal.value, bottom: y + box.height.baseVal.value };
        });
        const found = [];
        for (const edge of document.querySelectorAll('.edge')) {
            const path = edge.querySelector('.line-of'), title = edge.querySelector('title').textContent, length = path.getTotalLength();
            const points = [];
            for (let at = 0; at < length; at += 8) points.push(path.getPointAtLength(at));
            for (const box of boxes) {
                if (title.startsWith(`${box.name} →`) || title.includes(`→ ${box.name}:`)) continue;
                if (points.some(({ x, y }) => x > box.left && x < box.right && y > box.top && y < box.bottom)) found.push([title, box.name]);
            }
        }
        return found""")
    assert hits == [], hits[:5]


def test_more_calls_make_a_thicker_line_and_errors_a_red_one(browser):
    show(browser)
    drawn = browser.js("return [...document.querySelectorAll('.edge')].map((edge) => [edge.querySelector('title').textContent,"
                       " parseFloat(edge.querySelector('.line-of').getAttribute('stroke-width')), edge.querySelector('.line-of.failed') !== null])")
    wanted = links(browser)
    for link in wanted:
        start = f"{link['parent']} → {link['child']}: "
        title, width, is_red = next(one for one in drawn if one[0].startswith(start))
        assert is_red == (link.get("errorCount", 0) > 0), title
        for other in wanted[:10]:
            if other["callCount"] > link["callCount"]:
                assert next(one for one in drawn if one[0].startswith(f"{other['parent']} → {other['child']}: "))[1] > width


def test_a_service_can_be_selected_by_keyboard_and_shows_its_calls(browser):
    show(browser)
    browser.js("document.querySelector('.node[data-name=orders]').focus()")
    browser.keys(Keys.ENTER)
    detail = browser.text(".detail")
    assert "orders" in detail and "Called by" in detail, detail
    near = browser.js("return [...document.querySelectorAll('.node.near')].map((node) => node.dataset.name)")
    wanted = {name for link in links(browser) if "orders" in (link["parent"], link["child"]) for name in (link["parent"], link["child"])}
    assert set(near) == wanted
    assert browser.address()[1]["serviceName"] == "orders"
    browser.picture("graph-selected")
    browser.keys(Keys.ARROW_LEFT)
    assert browser.js("return document.activeElement.dataset.name") != "orders"
    browser.keys(Keys.ESCAPE)
    assert browser.js("return document.querySelector('.detail').hidden")


def test_a_link_to_a_service_selects_it(browser):
    show(browser, "?serviceName=payments")
    assert browser.js("return document.querySelector('.node[aria-pressed=true]').dataset.name") == "payments"
    browser.click(".detail a.button")
    browser.wait("return document.querySelector('a.trace')")
    assert browser.address()[1]["serviceName"] == "payments"


def test_the_table_says_the_same(browser):
    show(browser, "?view=table")
    rows = browser.js("return [...document.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText))")
    wanted = sorted((link["parent"], link["child"], str(link["callCount"]), str(link.get("errorCount", 0))) for link in links(browser))
    assert sorted(tuple(row[:4]) for row in rows) == wanted
    browser.picture("graph-table")


def test_the_picture_zooms_and_moves(browser):
    show(browser)
    box = "return document.querySelector('.graph').getAttribute('viewBox')"
    before = browser.js(box)
    browser.keys("+")
    inside = browser.js(box)
    assert inside != before
    browser.drag(".graph", 0.5, 0.6)
    assert browser.js(box) != inside
    browser.keys("0")
    assert [round(float(part)) for part in browser.js(box).split()] == [round(float(part)) for part in before.split()]


def test_a_time_without_calls_says_so(browser):
    browser.open("/zipkin/dependency?startTime=1000&endTime=2000", "return document.querySelector('.message h2')")
    assert "No calls" in browser.text("main")
