"""Names by number: each is stored once, other tables hold its row."""

from __future__ import annotations

from collections.abc import Iterable

from stem_device.recording.kinds import NAME_BYTES

MAX_REMEMBERED = 200_000
"""Names kept in memory; there may be sentences that never repeat. Afterwards the file tells names again,
which is harmless."""


class NameIndex(dict[str | None, int]):
    """Maps a name to its row in ``names``, and gives it one when it comes up first. None is -1.

    A name longer than ``NAME_BYTES`` in UTF-8 takes several rows, cut between characters.
    """

    def __init__(self) -> None:
        super().__init__()
        self[None] = -1
        self.rows = 0
        self._new: list[tuple[bytes, bool]] = []

    def __missing__(self, name: str) -> int:
        row = self.rows
        pieces = list(_pieces(clean(name)))
        self._new += [(piece, position > 0) for position, piece in enumerate(pieces)]
        self.rows += len(pieces)
        self[name] = row
        return row

    def take_new(self) -> list[tuple[bytes, bool]]:
        """Rows of ``names`` since the last call: text, and whether it continues the row before."""
        new, self._new = self._new, []
        if len(self) > MAX_REMEMBERED:
            self.clear()
            self[None] = -1
        return new


def clean(text: str) -> str:
    """Replace what HDF5 cannot hold in a string: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _pieces(text: str) -> Iterable[bytes]:
    data = text.encode("utf-8")
    begin = 0
    while len(data) - begin > NAME_BYTES:
        end = begin + NAME_BYTES
        while data[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        yield data[begin:end]
        begin = end
    yield data[begin:]
