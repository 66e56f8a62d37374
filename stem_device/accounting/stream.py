"""The account of one stream of a publisher (rule 5)."""

from __future__ import annotations

from stem_device.model.snapshot import StreamRecord


class StreamAccount:
    """Follows one event counter of a publisher. cppTango's counter is pushes + 1."""

    __slots__ = (
        "_at_mark",
        "_before_mark",
        "_resets",
        "_total",
        "_two_marks_before",
        "began_again",
        "delta",
        "name",
        "pushed",
        "record",
    )

    def __init__(self, name: str, counter: int, *, baseline: bool) -> None:
        """``baseline``: what was pushed until now was before monitoring began, and does not count."""
        self.name = name
        self.pushed = max(counter - 1, 0)
        self._at_mark = self.pushed
        self._before_mark = self._two_marks_before = 0
        self.began_again = False
        self.delta = 0 if baseline else self.pushed
        self._total = self.delta
        self._resets = 0
        self._write()

    def falls(self, counter: int) -> bool:
        """Whether this poll's counter is lower than that of the one before."""
        return counter <= self.pushed and self.pushed > 0

    def pushed_before(self, *, late: bool) -> int:
        """What had been pushed at the previous poll; at the one before that, for a ``late`` answer.

        Polls that follow too soon upon another are left out, see :class:`stem_device.accounting.Ledger`.
        """
        return self._two_marks_before if late else self._before_mark

    def update(self, counter: int, *, restarted: bool = False, mark: bool = True) -> None:
        """Take the counter of this poll; ``restarted``: another stream of the server tells of a new life."""
        if restarted or self.falls(counter):
            self.restart(counter, mark=mark)
            return
        pushed = counter - 1 if counter else 0
        if pushed == self.pushed == self._two_marks_before and not self.delta:
            self.began_again = False
            return
        self.began_again = False
        self.delta = pushed - self.pushed
        self.pushed = pushed
        self._remember(mark)
        self._total += self.delta
        self._write()

    def restart(self, counter: int, *, mark: bool = True) -> None:
        """Take the counter of this poll as that of a new series."""
        self.began_again = True
        self.pushed = max(counter - 1, 0)
        self._at_mark = self._before_mark = self._two_marks_before = 0
        self._remember(mark)
        self.delta = self.pushed
        self._total += self.delta
        self._resets += 1
        self._write()

    def hold(self, *, mark: bool = True) -> None:
        """The server did not answer in this poll: nothing is counted (rule 7)."""
        self.began_again = False
        self._remember(mark)
        if self.delta:
            self.delta = 0
            self._write()

    def reset_totals(self) -> None:
        self._total = 0
        self._resets = 0
        self._write()

    def _remember(self, mark: bool) -> None:
        if mark:
            self._two_marks_before, self._before_mark = self._before_mark, self._at_mark
            self._at_mark = self.pushed

    def _write(self) -> None:
        self.record = StreamRecord(self.name, self.pushed, self._total, self.delta, self._resets)
