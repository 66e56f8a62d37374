"""Hostile names: nothing of them is read as markup."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from stem_device.report.page.text import in_html, in_plotly, in_script, label, shortened


def test_html() -> None:
    assert in_html("<script>alert('1')</script>") == "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;"
    assert in_html('" onload="x') == "&quot; onload=&quot;x"


def test_plotly_reads_no_tags_entities_or_formulas() -> None:
    assert in_plotly("<b>x</b> &amp; $x$") == "&lt;b&gt;x&lt;/b&gt; &amp;amp; &#36;x&#36;"


def test_long_names_keep_their_ends() -> None:
    short = shortened("a" * 50 + "/position.change", 30)
    assert len(short) == 30
    assert short.startswith("aaa")
    assert short.endswith("/position.change")


def test_a_label_is_never_cut_within_an_entity() -> None:
    assert label("<" * 100, 10) == "&lt;" * 3 + "…" + "&lt;" * 6


@given(st.text())
def test_json_in_a_script_stays_the_same_value_and_cannot_end_it(text: str) -> None:
    written = in_script(json.dumps({text: [text]}, ensure_ascii=False))
    assert json.loads(written) == {text: [text]}
    assert not set("<>&\u2028\u2029") & set(written)


@given(st.text())
def test_nothing_for_plotly_to_read(text: str) -> None:
    assert not set("<>$") & set(in_plotly(text))
