"""Names from the control system made harmless for HTML, for plotly's labels and for JSON inside a script."""

from __future__ import annotations

import html

from stem_device.text import visible

LABEL_CHARACTERS = 44
_PLOTLY = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})
_SCRIPT = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def in_html(text: str) -> str:
    """``text`` for an element or a quoted attribute."""
    return html.escape(visible(text), quote=True)


def in_plotly(text: str) -> str:
    """``text`` for a label or a hover text of plotly, which reads ``<b>``, ``<a href=>``, ``&lt;``, ``$``.

    It must not become part of a template (``%{...}``): its places are ``text``, ``customdata``, ``ticktext``.
    """
    return visible(text).translate(_PLOTLY)


def label(text: str, characters: int = LABEL_CHARACTERS) -> str:
    """``text`` for a label of plotly, at most so many characters: of a longer one the middle is left out."""
    return in_plotly(shortened(text, characters))


def shortened(text: str, characters: int = LABEL_CHARACTERS) -> str:
    """``text`` without its middle if it is too long: the ends of device names tell them apart."""
    if len(text) <= characters:
        return text
    head = characters // 3
    return f"{text[:head]}…{text[-(characters - head - 1) :]}"


def in_script(json_text: str) -> str:
    """JSON for the inside of a ``<script>`` element: the same values, but nothing that could end it."""
    return json_text.translate(_SCRIPT)
