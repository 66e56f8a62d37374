"""Every link in the documentation leads somewhere, and every page can be reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.system.docs_pages import INDEX, PAGES, README, ROOT, anchors, blocks, links
from tests.system.docs_session import SHELL_LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_and_anchors_resolve(page: Path) -> None:
    dead = [str(target) for target, _ in links(page) if not target.exists()]
    assert dead == []
    lost = [
        f"{target.name}#{anchor}"
        for target, anchor in links(page)
        if anchor and anchor not in anchors(target)
    ]
    assert lost == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [INDEX]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        for target, _ in links(page):
            waiting += target.glob("*.md") if target.is_dir() else [target] if target.suffix == ".md" else []
    assert set(PAGES) - reached - {README} == set()
    assert INDEX in {target for target, _ in links(README)}


WRITTEN = re.compile(r"(?: -o| --output| >) (?!/dev/)([\w./-]+)")


def test_pages_that_are_tried_in_one_folder_write_no_file_twice() -> None:
    writers: dict[str, set[str]] = {}
    for page in PAGES:
        for block in blocks(page):
            if block.language in SHELL_LANGUAGES and not block.reason:
                for name in WRITTEN.findall(block.text):
                    writers.setdefault(name, set()).add(page.name)
    assert len(writers) > 15
    assert {name: pages for name, pages in writers.items() if len(pages) > 1} == {}


@pytest.mark.parametrize("page", sorted((ROOT / "docs/howto").glob("*.md")), ids=lambda page: page.name)
def test_a_page_that_names_servers_of_the_demo_says_how_to_have_them(page: Path) -> None:
    typed = [block.text for block in blocks(page) if block.language in {*SHELL_LANGUAGES, "python"}]
    if any("StemDemo/" in text for text in typed):
        assert "`stem demo --keep`" in page.read_text()


@pytest.mark.parametrize("page", sorted((ROOT / "docs/howto").glob("*.md")), ids=lambda page: page.name)
def test_a_page_that_names_a_monitor_says_that_it_is_the_users_own(page: Path) -> None:
    text = page.read_text()
    if page.name == "containers.md":
        assert "`EventMonitor` with the device\n`sys/eventmon/1`" in text, "that one is started there"
    elif "sys/eventmon/1" in text:
        assert re.search(r"`sys/eventmon/1` stands for (your EventMonitor|the name that you give)\b", text)


def test_a_dead_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title: of *it*\n[a](#a-title-of-it) [b](gone.md) [c](#gone) `[d](code.md)`\n")
    assert anchors(page) == {"a-title-of-it"}
    assert [(target.name, anchor) for target, anchor in links(page)] == [
        ("page.md", "a-title-of-it"),
        ("gone.md", ""),
        ("page.md", "gone"),
    ]
