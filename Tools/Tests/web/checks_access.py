"""checks_access.py - for everyone: roles, contrast, focus, themes, motion, small screens.

SPDX-License-Identifier: Apache-2.0
"""

import time

from axe_core_python.selenium import Axe

from browser import DESKTOP, PHONE, Keys
from checks_trace import FAILED, have_shop

TRACE = f"/zipkin/traces/{FAILED}"
PAGES = {
    "list": ("/zipkin/?lookback=1h", "a.trace"),
    "nothing": ("/zipkin/?lookback=1h&serviceName=gateway&annotationQuery=none.such", ".message h2"),
    "trace": (TRACE, ".row"),
    "graph": ("/zipkin/dependency", ".node"),
    "table": ("/zipkin/dependency?view=table", "table"),
}

# axe 4.4 knows neither light-dark() nor oklch(), but reads computed colours, where both are gone but for bars. Texts in
# SVG are beyond it: those are in the check below.
OWN_CONTRAST = """
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgb = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (colour) => colour.slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = rgb(getComputedStyle(at).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return [255, 255, 255, 255];
    };
    const over = (top, bottom) => top.slice(0, 3).map((part, i) => (part * top[3] + bottom[i] * (255 - top[3])) / 255);
    const [selector, property, least] = arguments;
    const low = [];
    for (const element of document.querySelectorAll(selector)) {
        if (element.getBoundingClientRect().width === 0) continue;
        const style = getComputedStyle(element);
        const ground = element.matches('.node text') ? rgb(getComputedStyle(element.parentElement.querySelector('.box')).fill)
            : behind(element.parentElement);
        const [a, b] = [luminance(over(rgb(style[property]), ground)), luminance(ground)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < least) low.push([element.className?.baseVal ?? element.className, style[property], ratio.toFixed(2)]);
    }
    return low;
"""


def show(browser, page):
    have_shop(browser)
    path, until = PAGES[page]
    browser.open(path, f"return document.querySelector('{until}')")


def violations(browser):
    found = Axe().run(browser.driver, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]][:3], one["nodes"][0].get("failureSummary", "")[:300]) for one in found]


def test_axe_finds_nothing_on_any_page_in_either_theme(browser):
    for scheme in ["light", "dark"]:
        browser.prefer(scheme)
        for page in PAGES:
            show(browser, page)
            time.sleep(0.1)
            found = violations(browser)
            assert found == [], f"{page}, {scheme}: {found}"
    show(browser, "trace")
    browser.click(".row.failed")
    found = violations(browser)
    assert found == [], f"span: {found}"
    browser.keys("?")
    found = violations(browser)
    assert found == [], f"help: {found}"
    browser.keys(Keys.ESCAPE)
    return f"{2 * len(PAGES) + 2} states"


def test_texts_in_pictures_and_bars_have_enough_contrast(browser):
    for scheme in ["light", "dark"]:
        browser.prefer(scheme)
        for page, selector, of, least in [("trace", ".fill", "backgroundColor", 3), ("trace", ".segment", "backgroundColor", 3),
                                          ("trace", ".tree .dot", "backgroundColor", 3), ("trace", ".time, .mark", "color", 4.5),
                                          ("list", ".piece", "backgroundColor", 3), ("list", ".point", "fill", 3),
                                          ("list", ".tick-text", "fill", 4.5), ("list", ".field :is(input, select):enabled", "borderTopColor", 3),
                                          ("graph", ".node text", "fill", 4.5), ("graph", ".node .box", "stroke", 3)]:
            show(browser, page)
            time.sleep(0.05)
            low = browser.js(OWN_CONTRAST, selector, of, least)
            low = [one for one in low if "c-none" not in one[0] or one[2] < "3"]
            assert low == [], f"{page} {selector} {scheme}: {low[:3]}"


def test_all_colours_of_services_stand_out_from_the_ground(browser):
    show(browser, "trace")
    for scheme in ["light", "dark"]:
        browser.prefer(scheme)
        time.sleep(0.05)
        browser.js("const lane = document.querySelector('.lane'); document.querySelectorAll('.trial').forEach((one) => one.remove());"
                   "for (let i = 0; i < 16; i += 1) { const bar = document.createElement('div'); bar.className = `fill trial c${i}`; bar.style.width = '9px';"
                   " lane.closest('.row').classList.remove('failed'); lane.append(bar); }")
        low = browser.js(OWN_CONTRAST, ".trial", "backgroundColor", 3)
        assert low == [], (scheme, low)


def test_the_waterfall_is_a_treegrid_with_one_row_in_the_tab_order(browser):
    show(browser, "trace")
    assert browser.count("[role=treegrid] [role=row][tabindex='0']") == 1
    wrong = browser.js("""
        return [...document.querySelectorAll('.rows [role=row]')].filter((row) => !(row.ariaLevel >= 1) || !(row.ariaRowIndex >= 2)
            || row.querySelectorAll('[role=gridcell]').length !== 2 || !['true', 'false'].includes(row.ariaSelected)).length""")
    assert wrong == 0
    assert browser.js("return document.querySelectorAll('.head [role=columnheader]').length") == 2


def test_focus_can_be_seen_wherever_it_goes(browser):
    for page in ["list", "trace", "graph"]:
        show(browser, page)
        seen = set()
        for _ in range(25):
            browser.keys(Keys.TAB)
            where, outline, stroke = browser.js(
                "const at = document.activeElement, style = getComputedStyle(at);"
                "const box = at.querySelector?.('.box');"
                "return [at.outerHTML.slice(0, 80), style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth), box ? parseFloat(getComputedStyle(box).strokeWidth) : 0]")
            if where.startswith("<body"):
                continue
            seen.add(where)
            assert outline >= 2 or stroke >= 2, (page, where)
        assert len(seen) > 8, seen


def test_everything_to_press_has_a_name(browser):
    for page in PAGES:
        show(browser, page)
        nameless = browser.js("""
            return [...document.querySelectorAll('button, a, input:not([type=file]), select')].filter((one) => one.offsetParent !== null
                && !(one.innerText?.trim() || one.getAttribute('aria-label') || one.labels?.length)).map((one) => one.outerHTML.slice(0, 100))""")
        assert nameless == [], (page, nameless)


def test_the_theme_follows_the_system_until_it_is_chosen(browser):
    ground = "return getComputedStyle(document.body).backgroundColor"
    show(browser, "list")
    light = browser.js(ground)
    browser.prefer("dark")
    dark = browser.js(ground)
    assert light != dark
    browser.prefer("light")
    browser.click("#theme")
    assert browser.js(ground) == dark
    browser.driver.refresh()
    assert browser.js(ground) == dark  # remembered
    browser.click("#theme")
    browser.prefer("dark")
    assert browser.js(ground) == light  # chosen, whatever the system says
    browser.click("#theme")
    assert browser.js(ground) == dark
    browser.click("#theme")
    assert browser.js("return document.querySelector('#theme').ariaLabel") == "Theme: as the system"


def test_who_wants_no_motion_gets_none(browser):
    browser.prefer("light", "reduce")
    show(browser, "list")
    assert browser.js("return document.getAnimations().filter((one) => one.playState === 'running').length") == 0


def test_a_phone_needs_no_sideways_scrolling(browser):
    try:
        browser.resize(PHONE, 2)
        for page in PAGES:
            show(browser, page)
            wide = browser.js("return [document.documentElement.scrollWidth, document.querySelector('main').scrollWidth]")
            assert max(wide) <= PHONE[0], (page, wide)
            browser.picture(f"phone-{page}")
        show(browser, "trace")
        browser.js("document.querySelectorAll('.row')[3].click()")
        browser.wait("return document.querySelector('.detail').offsetParent !== null")
        hidden = browser.js("const row = document.querySelector('.row.selected').getBoundingClientRect(), sheet = document.querySelector('.detail').getBoundingClientRect();"
                            "return row.bottom > sheet.top + 1")
        assert not hidden
        browser.picture("phone-span")
    finally:
        browser.resize(DESKTOP)


def test_every_key_in_the_help_does_something_that_is_said(browser):
    for page in ["list", "trace", "graph"]:
        show(browser, page)
        browser.keys("?")
        lines = browser.texts("dialog dd")
        assert len(lines) >= 8 and all(lines), lines
        browser.keys(Keys.ESCAPE)
