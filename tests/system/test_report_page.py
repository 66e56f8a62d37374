"""``stem report`` in a real browser: the numbers of the recording, and nothing that a page must not do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs
from playwright.sync_api import Browser
from typer.testing import CliRunner

from stem_device.cli.app import app
from stem_device.model.mark import Mark, MarkKind
from stem_device.reading.importing import import_telemetry
from stem_device.recording import Hdf5Recorder, RecordingContext
from tests.system.report_page import OpenReport, browser, report
from tests.unit.synthetic_recording import Loss, Outage, Plan, Truth, synthetic_snapshots, write_recording

pytestmark = pytest.mark.needs("browser")

LOSSES = (Loss(20, 1, 2, 57, 3), Loss(21, 1, 2, 40), Loss(35, 3, 0, 5), Loss(36, 1, 1, 12))
RUNS = 45
HALT = "gc pause generation 2"


def marks_of_runs(plan: Plan) -> dict[int, list[Mark]]:
    """Run i begins 10 i seconds after the first poll, and has stages of 2 and 3 + i % 4 seconds."""
    marks: dict[int, list[Mark]] = {}
    for run in range(RUNS):
        begin = plan.start_utc_ns + run * 10 * 10**9
        for kind, name, seconds in (
            (MarkKind.BEGIN, "begin", 0),
            (MarkKind.MARK, "flashed", 2),
            (MarkKind.END, "end", 5 + run % 4),
        ):
            time = begin + seconds * 10**9
            mark = Mark(
                kind=kind,
                run=f"night-{run:03d}",
                name=name,
                emitted_utc_ns=time,
                received_utc_ns=time,
                received_monotonic_ns=0,
            )
            marks.setdefault(min(run + 1, plan.polls - 1), []).append(mark)
    return marks


PLAN = Plan(polls=48, servers=5, streams=6, subscriptions=6, losses=LOSSES, outages=(Outage(28, 4, 3),))


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    return write_recording(folder / "night.h5", replace(PLAN, marks=marks_of_runs(PLAN)))


@pytest.fixture(scope="module")
def path(truth: Truth, folder: Path) -> Path:
    """With telemetry: in poll i a callback took i ms, and a pause i / 10 s."""
    telemetry = folder / "telemetry"
    telemetry.mkdir()
    for name, label, scale in (("duration", "Motor.Move [command]", 1e-3), ("runtime", HALT, 0.1)):
        rows = [f"{at},{number * scale},{label},7" for number, at in enumerate(truth.time_utc_ns.tolist())]
        lines = ["Timepoint,Measurement,Label,PID", *rows[1:], ""]
        (telemetry / f"{name}.1.csv").write_bytes("\r\n".join(lines).encode())
    import_telemetry([truth.paths[0]], [telemetry], folder / "both.h5")
    return made(folder / "night.html", folder / "both.h5")


@pytest.fixture(scope="module")
def opened(running: Browser, path: Path) -> Iterator[OpenReport]:
    """One page for all tests that only look at it, or use what no other test does."""
    with report(running, path) as page:
        yield page


def made(page: Path, *arguments: object) -> Path:
    """The page that ``stem report`` makes."""
    outcome = CliRunner().invoke(app, ["report", *map(str, arguments), "-o", str(page)])
    assert outcome.exit_code == 0, outcome.output
    return page


def known(values: list[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([value for value in values if value is not None])


def test_time_line_holds_the_numbers_of_every_poll(opened: OpenReport, truth: Truth) -> None:
    for name, counts in (("published", truth.published), ("received", truth.received)):
        events = opened.trace("timeline", name)["customdata"][:-1]
        assert events == counts[1:].sum(axis=(1, 2)).tolist()
    assert opened.trace("timeline", "missed")["y"] == truth.missed[1:].sum(axis=(1, 2)).tolist()


def test_header_and_losses_name_who_lost_and_when(opened: OpenReport, truth: Truth) -> None:
    (headline,) = opened.texts(".headline")
    assert headline.startswith(
        "motion/001 missed 97 events of lab/axis/002/position02.change from motion/002"
    )
    meant = 97 + int(truth.received[1:, 1, 2].sum())
    assert f"% of the {meant:,} meant for it)" in headline
    assert f"{truth.missed_total - 97:,} more" in headline
    assert "known subscriptions: 30 in 5 servers" in headline
    cells = opened.trace("losses", "lost")
    expected = [truth.missed[1:, server, row].tolist() for server, row in ((1, 2), (1, 1), (3, 0))]
    assert cells["customdata"] == expected
    assert {row[0] for row in cells["text"]} == {
        "motion/001 ← lab/axis/002/position02.change",
        "motion/001 ← lab/axis/002/position01.change",
        "motion/003 ← lab/axis/004/position00.change",
    }
    stages = [trace for trace in opened.traces("losses") if trace["base"]]
    assert [stage["name"] for stage in stages] == ["begin → flashed", "flashed → end"]
    assert sorted(stages[0]["x"]) == [2000] * RUNS
    assert sorted(stages[1]["x"]) == sorted(3000 + run % 4 * 1000 for run in range(RUNS))


def test_distributions_hold_every_sample(opened: OpenReport, truth: Truth) -> None:
    samples = {
        "latency": truth.subscriber_samples["first_callback_latency_micros"],
        "processing": truth.subscriber_samples["process_micros"],
        "push": truth.publisher_samples["push_event_micros"],
    }
    drawn = {trace["meta"]: trace for trace in opened.traces("distributions")}
    for kind, values in samples.items():
        edges = np.array(drawn[kind]["x"])
        counts = np.histogram(values[~np.isnan(values)], edges)[0]
        assert drawn[kind]["customdata"][:-1] == counts.tolist()
    medians = {trace["meta"]: trace["y"] for trace in opened.traces("timings") if trace["name"] == "median"}
    own = truth.publisher_samples["push_event_micros"][truth.publisher_samples["poll"] == 5]
    assert medians["push"][4] == np.median(own)


def test_processes_over_what_was_lost(opened: OpenReport, truth: Truth) -> None:
    polls = np.arange(1, len(truth.time_utc_ns))
    assert opened.trace("processes", "Motor.Move [command]")["y"] == pytest.approx(polls * 1e3)
    assert opened.trace("processes", HALT)["y"] == pytest.approx(polls * 1e5)
    assert opened.trace("processes", "missed")["y"] == truth.missed[1:].sum(axis=(1, 2)).tolist()
    assert opened.trace("processes", "missed")["x"] == opened.trace("timeline", "missed")["x"]
    (halts,) = [one for one in opened.traces("process_distributions") if one["meta"] == HALT]
    assert sum(halts["customdata"][:-1]) == len(polls)
    assert opened.column("processes", 0) == [HALT, "Motor.Move [command]"]
    order = opened.texts("section h2")
    assert order[:2] == ["Events over time", "Processes over time"]


def test_servers_by_time(opened: OpenReport, truth: Truth) -> None:
    published, received = truth.published[1:].sum(axis=2), truth.received[1:].sum(axis=2)
    busy = sorted((0, 2), key=lambda server: -int(published[:, server].sum() + received[:, server].sum()))
    order = [1, 3, 4, *busy]  # by what they missed; then the one that did not answer
    counts = np.array(opened.trace("servers", "missed")["customdata"])
    assert counts.tolist() == [truth.missed[1:, server].sum(axis=1).tolist() for server in order]
    assert opened.trace("servers", "not monitored")["y"] == [2, 2, 2]
    for button, (name, truly) in enumerate((("received", received), ("published", published)), start=1):
        assert opened.trace("servers", name)["visible"] is False
        opened.page.locator(".layers[data-of=servers] button").nth(button).click()
        opened.wait_until(f"document.getElementById('figure-servers')._fullData[{button}].visible")
        assert opened.trace("servers", name)["customdata"] == truly[:, order].T.tolist()


def test_graph(opened: OpenReport, truth: Truth) -> None:
    connections = opened.trace("graph", "connections")["customdata"]
    assert sorted((int(row[0]), int(row[1]), int(row[4])) for row in connections) == sorted(
        (int(truth.received[1:, server].sum()), int(truth.missed[1:, server].sum()), 6) for server in range(5)
    )
    assert set(opened.trace("graph", "subscriber")["text"]) == {f"motion/{server:03d}" for server in range(5)}


def test_pages_of_runs(opened: OpenReport) -> None:
    pager = opened.page.locator(".pager")
    assert pager.locator("output").inner_text() == "page 1 of 3"
    assert opened.trace("stages", "flashed → end")["x"] == [3 + run % 4 for run in range(20)]
    pager.get_by_role("button", name="next").click()
    pager.get_by_role("button", name="next").click()
    assert pager.locator("output").inner_text() == "page 3 of 3"
    assert opened.trace("stages", "begin → flashed")["x"] == [2] * 5
    assert opened.texts("#figure-stages .yaxislayer-above text")[0] == "night-040"
    assert pager.get_by_role("button", name="next").is_disabled()
    pager.get_by_role("button", name="previous").click()
    assert opened.texts("#figure-stages .yaxislayer-above text")[0] == "night-020"


def test_tables_sort_and_filter(opened: OpenReport, truth: Truth) -> None:
    missed = opened.column("subscriptions", 3)
    assert missed[:4] == ["97", "12", "5", "0"]
    received = opened.page.locator("#table-subscriptions th", has_text="received")
    received.get_by_role("button").click()
    numbers = [int(text.replace(",", "")) for text in opened.column("subscriptions", 8)]
    assert numbers == sorted(truth.received[1:].sum(axis=0).ravel().tolist(), reverse=True)
    assert received.get_attribute("aria-sort") == "descending"
    received.get_by_role("button").click()
    assert [int(text.replace(",", "")) for text in opened.column("subscriptions", 8)] == numbers[::-1]
    opened.page.locator("#table-subscriptions th", has_text="stream").get_by_role("button").click()
    assert opened.column("subscriptions", 1) == sorted(opened.column("subscriptions", 1))
    opened.page.locator("input[data-table=table-subscriptions]").fill("MOTION/003")
    assert opened.page.locator("#table-subscriptions tbody tr:visible").count() == 12


def test_what_is_not_covered(opened: OpenReport) -> None:
    told = " ".join(opened.texts("#section-uncovered li"))
    assert "dserver/motion/004 It could not be monitored in 3 of 48 polls." in told


PAPER = "getComputedStyle(document.querySelector('#figure-timeline .main-svg')).backgroundColor"
PANEL = "getComputedStyle(document.querySelector('.panel')).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(22, 27, 34)"


def test_light_and_dark(opened: OpenReport) -> None:
    page = opened.page
    numbers = opened.trace("timeline", "missed")["y"]
    assert (page.evaluate(PAPER), page.evaluate(PANEL)) == (LIGHT, LIGHT)
    page.emulate_media(color_scheme="dark")
    opened.wait_until(f"{PAPER} === '{DARK}' && {PANEL} === '{DARK}'")
    for paper in (LIGHT, DARK, LIGHT):
        page.locator("#theme").click()
        assert (page.evaluate(PAPER), page.evaluate(PANEL)) == (paper, paper)
    assert opened.trace("timeline", "missed")["y"] == numbers


def test_narrow(opened: OpenReport) -> None:
    opened.page.set_viewport_size({"width": 400, "height": 800})
    opened.wait_until("document.querySelector('#figure-timeline .main-svg').clientWidth === 760")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert opened.page.evaluate("document.querySelector('#figure-timeline').scrollWidth") == 760
    opened.page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("width", [390, 700, 1260, 1261, 1440])
def test_no_table_and_no_navigation_is_cut(opened: OpenReport, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 900})
    try:
        opened.wait_until(
            f"document.querySelector('#figure-timeline .main-svg').clientWidth < {max(761, width)}"
        )
        cut = opened.page.evaluate(
            "[...document.querySelectorAll('nav, nav a, .scroll, table, th, td')].filter(one =>"
            " one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline' ||"
            " one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
            ".map(one => `${one.tagName} ${one.clientWidth} ${one.textContent.slice(0, 40)}`)"
        )
        assert cut == []
    finally:
        opened.page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("width", [390, 1440])
def test_no_label_lies_upon_another(opened: OpenReport, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 900})
    try:
        opened.wait_until(
            f"document.querySelector('#figure-timeline .main-svg').clientWidth < {max(761, width)}"
        )
        assert opened.page.evaluate(_OVERPRINTED) == []
    finally:
        opened.page.set_viewport_size({"width": 1280, "height": 900})


_OVERPRINTED = """() => {
  const found = [];
  for (const figure of document.querySelectorAll(".figure")) {
    const inside = figure.querySelector(".main-svg")?.getBoundingClientRect();
    const kinds = ".xtick text, .ytick text, .legendtext, .annotation-text, .modebar-btn, .xtitle, .ytitle";
    const broken = (one) => [...one.querySelectorAll("tspan.line")];
    const lines = (one) => (broken(one).length ? broken(one) : [one]);
    const labels = [...figure.querySelectorAll(kinds)]
      .flatMap(lines)
      .map((one) => [one.textContent || one.dataset.title, one.getBoundingClientRect()])
      .filter(([, box]) => box.width && box.height);
    labels.forEach(([text, box], number) => {
      if (box.left < inside.left - 1 || box.right > inside.right + 1) found.push(`cut: ${figure.id} ${text}`);
      for (const [other, place] of labels.slice(number + 1)) {
        const across = Math.min(box.right, place.right) - Math.max(box.left, place.left);
        const along = Math.min(box.bottom, place.bottom) - Math.max(box.top, place.top);
        if (across > 2 && along > 4) found.push(`${figure.id}: ${text} | ${other}`);
      }
    });
  }
  return found;
}"""


def test_a_narrow_screen_alone_names_the_column_of_each_value(opened: OpenReport) -> None:
    opened.page.set_viewport_size({"width": 390, "height": 900})
    try:
        cell = "document.querySelector('#table-subscriptions td:nth-child(4)')"
        label = f"getComputedStyle({cell}, '::before').content"
        assert opened.page.evaluate(label) == '"missed"'
        opened.page.set_viewport_size({"width": 1440, "height": 900})
        assert opened.page.evaluate(label) == "none"
        opened.page.set_viewport_size({"width": 390, "height": 900})
        opened.page.emulate_media(media="print")
        assert opened.page.evaluate(label) == "none"
    finally:
        opened.page.emulate_media(media="screen")
        opened.page.set_viewport_size({"width": 1280, "height": 900})


def test_begins_dark_where_the_machine_is_and_prints_light(running: Browser, path: Path) -> None:
    with report(running, path, scheme="dark") as page:
        assert (page.page.evaluate(PAPER), page.page.evaluate(PANEL)) == (DARK, DARK)
        page.page.evaluate(_NOTE_PAPER)
        width = "document.querySelector('#figure-timeline .main-svg').clientWidth"
        before = page.page.evaluate(width)
        printed = page.page.pdf(prefer_css_page_size=True, print_background=True)
        assert printed.startswith(b"%PDF")
        assert 4 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 20
        assert page.page.evaluate("window.printedOn") == LIGHT
        page.wait_until(f"{width} === {before} && {PAPER} === '{DARK}'")


@pytest.mark.needs("pdftotext")
def test_no_printed_page_is_empty(opened: OpenReport, folder: Path) -> None:
    printed = folder / "printed.pdf"
    opened.page.pdf(path=printed, prefer_css_page_size=True, print_background=True)
    told = subprocess.run(["pdftotext", printed, "-"], capture_output=True, check=True, text=True).stdout
    pages = told.split("\f")[:-1]
    assert 4 <= len(pages) <= 20
    assert [number for number, text in enumerate(pages, start=1) if len(text.split()) < 5] == []


_NOTE_PAPER = f"""() => {{
  window.addEventListener("beforeprint", () => {{ window.printedOn = {PAPER}; }});
}}"""


def test_without_javascript_sentences_and_tables_stand(running: Browser, path: Path, truth: Truth) -> None:
    context = running.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(path.as_uri())
        shown = page.locator("body").inner_text()
        assert "missed 97 events" in page.locator(".headline").inner_text()
        assert "The figures need JavaScript. The tables below do not." in shown
        rows = page.locator("#table-subscriptions tbody tr")
        assert rows.count() == sum(map(len, truth.topics))
        assert page.locator(".figure:visible, .pager:visible, nav a[href^='#panel']:visible").count() == 0
    finally:
        context.close()


def test_a_browser_that_cannot_unpack_the_figures_says_so(running: Browser, path: Path) -> None:
    page = running.new_page()
    try:
        page.add_init_script("delete window.DecompressionStream")
        page.goto(path.as_uri())
        sentence = page.locator("#no-figures")
        sentence.wait_for()
        assert sentence.inner_text().startswith("This browser cannot show the figures (ReferenceError")
        page.locator("#table-servers th button").first.click()
    finally:
        page.close()


def test_a_report_is_a_file_of_few_megabytes(path: Path) -> None:
    assert path.stat().st_size < 3_000_000


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "<a href='javascript:alert(1)'>free beer</a>",
    "</script><script>alert(1)</script>",
    "<b>bold</b> %{x} $\\alpha$ &lt;i&gt;",
)


def test_hostile_names_do_no_harm(running: Browser, folder: Path) -> None:
    target = made(folder / "hostile.html", hostile_recording(folder / "hostile.h5"))
    with report(running, target) as page:
        servers = page.column("servers", 0)
        assert {name.split("dserver/")[-1] for name in servers} == set(HOSTILE)
        assert set(page.column("runs", 0)) == set(HOSTILE)
        drawn = " ".join(page.texts("#figure-servers .ytick text"))
        assert "<script>alert(1)</script>" in drawn
        assert "<b>bold</b> %{x} $\\alpha$ &lt;i&gt;" in drawn
        assert page.page.locator(".figure a, .figure img, main a[href^=javascript]").count() == 0
        # The two of the page, and nothing that a name brought along.
        assert page.page.locator("script:not([type='application/json'])").count() == 2
        for figure in ("losses", "servers", "graph"):
            page.page.locator(f"#figure-{figure}").scroll_into_view_if_needed()
            page.page.locator(f"#figure-{figure} .main-svg").first.hover()


def hostile_recording(path: Path) -> Path:
    """Every name in it is one of HOSTILE, or ends in one."""
    plan = Plan(
        polls=6, servers=len(HOSTILE), streams=1, subscriptions=1, losses=[Loss(3, i, 0, 5) for i in range(6)]
    )

    def renamed(name: str) -> str:
        return re.sub(
            r"(dserver/motion/|lab/axis/)(\d+)(.*)", lambda match: f"dserver/{HOSTILE[int(match[2])]}", name
        )

    recorder = Hdf5Recorder(path, RecordingContext(label=HOSTILE[0], host=HOSTILE[1]))
    for snapshot in synthetic_snapshots(plan):
        servers = tuple(
            structs.replace(
                server,
                name=renamed(server.name),
                streams=tuple(structs.replace(one, name=renamed(one.name)) for one in server.streams),
                subscriptions=tuple(
                    structs.replace(
                        one,
                        topic=renamed(one.topic),
                        stream=renamed(one.stream),
                        publisher=renamed(one.publisher),
                    )
                    for one in server.subscriptions
                ),
            )
            for server in snapshot.servers
        )
        recorder.write(replace(snapshot, servers=servers, problems=HOSTILE))
    for number, name in enumerate(HOSTILE):
        for seconds in (number, number + 20):
            recorder.write_mark(
                Mark(
                    kind=MarkKind.MARK,
                    run=name,
                    name=f"{name}{seconds}",
                    emitted_utc_ns=plan.start_utc_ns + seconds * 10**9,
                    received_utc_ns=plan.start_utc_ns,
                    received_monotonic_ns=0,
                )
            )
    recorder.close()
    return path


@pytest.mark.parametrize(
    ("name", "plan", "empty"),
    [
        (
            "nothing",
            Plan(polls=0, servers=0),
            {"timeline", "losses", "lag", "graph", "servers", "distributions", "timings"},
        ),
        (
            "one poll",
            Plan(polls=1, samples=0),
            {"timeline", "losses", "lag", "servers", "distributions", "timings"},
        ),
        ("no samples", Plan(polls=5, samples=0), {"losses", "lag", "distributions", "timings"}),
    ],
)
def test_a_sentence_in_place_of_a_figure(
    running: Browser, folder: Path, name: str, plan: Plan, empty: set[str]
) -> None:
    source = folder / f"{name}.h5"
    write_recording(source, plan) if plan.polls else Hdf5Recorder(source, RecordingContext()).close()
    with report(running, made(folder / f"{name}.html", source)) as page:
        said = page.page.locator("main .panel:has(.nothing)").evaluate_all("all => all.map((one) => one.id)")
        assert {one.removeprefix("panel-") for one in said} - {"section-uncovered"} == empty | {"stages"}
        assert all(len(text) > 20 for text in page.texts(".nothing"))
