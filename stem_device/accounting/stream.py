"""The account of one stream of a publisher (rule 5)."""

from __future__ import annotations

from stem_device.model.snapshot import StreamRecord


class StreamAccount:
    """Follows one event counter of a publisher. cppTango's counter is pushes + 1."""

    __slots__ = ("_resets", "_total", "began_again", "delta", "name", "pushed", "pushed_before", "record")

    def __init__(self, name: str, counter: int, *, baseline: bool) -> None:
        """``baseline``: what was pushed until now was before monitoring began, and does not count."""
        self.name = name
        self.pushed = max(counter - 1, 0)
        self.pushed_before = self.pushed if baseline else 0
        self.began_again = False
        self.delta = 0 if baseline else self.pushed
        self._total = self.delta
        self._resets = 0
        self._write()

    def falls(self, counter: int) -> bool:
        """Whether this poll's counter is lower than that of the one before."""
        return counter <= self.pushed and self.pushed > 0

    def update(self, counter: int, *, restarted: bool = False) -> None:
        """Take the counter of this poll; ``restarted``: another stream of the server tells of a new life."""
        if restarted or self.falls(counter):
            self.restart(counter)
            return
        pushed = counter - 1 if counter else 0
        if pushed == self.pushed == self.pushed_before and not self.delta:
            self.began_again = False
            return
        self.began_again = False
        self.delta = pushed - self.pushed
        self.pushed_before, self.pushed = self.pushed, pushed
        self._total += self.delta
        self._write()

    def restart(self, counter: int) -> None:
        """Take the counter of this poll as that of a new series."""
        self.began_again = True
        self.pushed_before, self.pushed = 0, max(counter - 1, 0)
        self.delta = self.pushed
        self._total += self.delta
        self._resets += 1
        self._write()

    def hold(self) -> None:
        """The server did not answer in this poll: nothing is counted (rule 7)."""
        self.began_again = False
        self.pushed_before = self.pushed
        if self.delta:
            self.delta = 0
            self._write()

    def reset_totals(self) -> None:
        self._total = 0
        self._resets = 0
        self._write()

    def _write(self) -> None:
        self.record = StreamRecord(self.name, self.pushed, self._total, self.delta, self._resets)
