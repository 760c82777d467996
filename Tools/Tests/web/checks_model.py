"""checks_model.py - spans as a tree in time: halves, pieces, clocks, circles, the critical path.

SPDX-License-Identifier: Apache-2.0
"""

import spans as maker

MODEL = """
    const { buildTrace } = await import("/assets/trace/model.js");
    const trace = buildTrace(args[0]);
    return {
        rows: trace.nodes.map((node) => ({ name: node.name, service: node.service, depth: node.depth, start: node.start, end: node.end,
            self: node.self, skew: node.skew, orphan: node.orphan, pieces: node.span.pieces, after: node.after,
            shared: node.span.shared, critical: node.critical, tags: Object.fromEntries(node.span.tags) })),
        path: trace.critical.map((piece) => [piece.node.name, piece.start, piece.end]),
        duration: trace.duration, errors: trace.errors, orphans: trace.orphans, services: trace.services.map((one) => one.name),
    };
"""
T0 = 1_700_000_000_000_000


def span(id, parent=None, start=0, duration=100, name=None, service="a", **more):
    made = {"traceId": "463ac35c9f6413ad", "id": f"{id:016x}", "name": name or f"s{id}", "timestamp": T0 + start, "duration": duration,
            "localEndpoint": {"serviceName": service, "ipv4": f"10.0.0.{ord(service[0])}"}}
    if parent is not None:
        made["parentId"] = f"{parent:016x}"
    return {**made, **more}


def build(browser, spans):
    return browser.run(MODEL, spans)


def names(trace):
    return [(row["name"], row["depth"]) for row in trace["rows"]]


def test_rows_stand_parents_first_and_siblings_by_start(browser):
    trace = build(browser, [span(3, 1, 50), span(2, 1, 10), span(1), span(4, 2, 20)])
    assert names(trace) == [("s1", 0), ("s2", 1), ("s4", 2), ("s3", 1)], names(trace)
    assert [row["after"] for row in trace["rows"]] == [4, 3, 3, 4]


def test_a_span_that_comes_twice_is_one(browser):
    late = {"traceId": "463ac35c9f6413ad", "id": f"{1:016x}", "tags": {"late": "yes"}}
    trace = build(browser, [span(1, tags={"a": "b"}), span(1, tags={"a": "b"}), late])
    assert len(trace["rows"]) == 1 and trace["rows"][0]["pieces"] == 3
    assert trace["rows"][0]["tags"] == {"a": "b", "late": "yes"}


def test_the_server_half_of_a_shared_span_stands_below_the_client_half(browser):
    both = [span(1, None, 0, 100, "get", "b", kind="SERVER", shared=True), span(1, None, 0, 100, "get", "a", kind="CLIENT"),
            span(2, 1, 10, 20, "of server", "b"), span(3, 1, 40, 20, "of client", "a")]
    trace = build(browser, both)
    assert [(row["name"], row["service"], row["depth"]) for row in trace["rows"]] == [
        ("get", "a", 0), ("get", "b", 1), ("of server", "b", 2), ("of client", "a", 1)], trace["rows"]


def test_a_server_that_does_not_say_that_it_shares_is_taken_to(browser):
    trace = build(browser, [span(1, kind="CLIENT"), span(1, service="b", kind="SERVER")])
    assert [row["depth"] for row in trace["rows"]] == [0, 1] and trace["rows"][1]["shared"] is True


def test_a_clock_that_is_off_is_corrected_with_all_below_it(browser):
    trace = build(browser, [span(1, None, 0, 100, kind="CLIENT"), span(2, 1, -5000, 60, "server", "b", kind="SERVER"),
                            span(3, 2, -4990, 10, "below", "b"), span(4, 1, 20, 10, "own", "a")])
    rows = {row["name"]: row for row in trace["rows"]}
    assert (rows["server"]["start"], rows["server"]["end"]) == (20, 80), rows["server"]
    assert (rows["below"]["start"], rows["own"]["start"]) == (30, 20)
    assert trace["duration"] == 100


def test_a_server_that_is_within_its_call_is_left_alone(browser):
    trace = build(browser, [span(1, None, 0, 100, kind="CLIENT"), span(2, 1, 5, 60, "server", "b", kind="SERVER")])
    assert [row["skew"] for row in trace["rows"]] == [0, 0]


def test_spans_without_their_parent_stand_below_the_only_root(browser):
    trace = build(browser, [span(1), span(5, 99, 10, name="lost")])
    assert names(trace) == [("s1", 0), ("lost", 1)] and trace["orphans"] == 1


def test_spans_that_are_their_own_ancestors_are_shown(browser):
    trace = build(browser, [span(1, 2), span(2, 1), span(3, 3), span(4)])
    assert sorted(row["name"] for row in trace["rows"]) == ["s1", "s2", "s3", "s4"]


def test_the_critical_path_follows_what_ended_last(browser):
    trace = build(browser, [span(1, None, 0, 100), span(2, 1, 15, 20), span(6, 1, 2, 6), span(3, 1, 10, 50), span(4, 1, 70, 20),
                            span(5, 4, 75, 5)])
    assert trace["path"] == [["s1", 0, 2], ["s6", 2, 8], ["s1", 8, 10], ["s3", 10, 60], ["s1", 60, 70], ["s4", 70, 75], ["s5", 75, 80], ["s4", 80, 90],
                             ["s1", 90, 100]], trace["path"]


def test_the_critical_path_covers_the_root_without_gap_or_overlap(browser):
    for seed in range(20):
        spans = maker.large(400, seed=100 + seed)
        trace = build(browser, spans)
        at = trace["rows"][0]["start"]
        for name, start, end in trace["path"]:
            assert start == at and end > start, (seed, name, start, at)
            at = end
        assert at == trace["rows"][0]["end"], seed


def test_what_goes_on_after_its_parent_is_not_on_the_critical_path(browser):
    trace = build(browser, [span(1, None, 0, 100), span(2, 1, 50, 500), span(3, 1, 20, 10, kind="CONSUMER")])
    assert trace["path"] == [["s1", 0, 100]], trace["path"]


def test_own_time_is_what_no_child_covers(browser):
    trace = build(browser, [span(1, None, 0, 100), span(2, 1, 10, 30), span(3, 1, 20, 30), span(4, 1, 90, 50)])
    assert trace["rows"][0]["self"] == 50, trace["rows"][0]


def test_any_json_with_ids_can_be_shown(browser):
    odd = [{"traceId": 1, "id": 2}, {"traceId": "1", "id": "3", "tags": [], "annotations": {}, "timestamp": "x", "duration": -1,
           "localEndpoint": "b", "name": 7, "kind": [], "parentId": 2}, {"traceId": "1", "id": "4", "tags": {"a": {"b": 1}},
           "annotations": [None, {"value": 3}], "parentId": "0000000000000000"}]
    assert len(build(browser, odd)["rows"]) == 3


def test_ten_thousand_levels_do_not_exhaust_the_stack(browser):
    trace = build(browser, maker.deep(10_000))
    assert trace["rows"][-1]["depth"] == 9_999 and trace["path"][0][0] == "level 0"


def test_a_span_that_waited_for_two_hundred_thousand_others_is_drawn(browser):
    pieces = browser.run("""
        const { buildTrace } = await import("/assets/trace/model.js");
        const { makeRow } = await import("/assets/trace/row.js");
        const spans = [{ traceId: "1", id: "1", timestamp: 1, duration: 4e6 }];
        for (let i = 0; i < 2e5; i += 1) {
            spans.push({ traceId: "1", id: (i + 2).toString(16), parentId: "1", timestamp: 1 + i * 20, duration: 10 });
        }
        const trace = buildTrace(spans);
        const view = { from: 0, to: trace.end, start: trace.start, indent: 14, collapsed: new Set(), matches: null, critical: true };
        const row = makeRow(trace.root, view, { isActive: true, isSelected: false, position: 0 });
        return [trace.root.critical.length, row.querySelectorAll(".segment").length, row.querySelector(".segment").style.width];
    """)
    assert pieces[0] > 100_000 and pieces[1] == 1 and float(pieces[2].rstrip("%")) > 99, pieces


def test_times_that_no_calendar_has_are_listed(browser):
    texts = browser.run("""
        const { summarize, traceRow } = await import("/assets/search/list.js");
        return [9223372036854775807, 1e300, 1].map((timestamp) => traceRow(summarize([{ traceId: "1", id: "1", timestamp }]), 1, false)
            .querySelector("time").getAttribute("datetime"));
    """)
    assert texts == [None, None, "1970-01-01T00:00:00.000Z"], texts
