"""Names as the page shows them: without the database that all of them share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stem_device.report import number_text
from stem_device.report.page.report_data import Codes, ReportData
from stem_device.report.page.text import label

UNKNOWN = "(not told)"


@dataclass(frozen=True, slots=True)
class Naming:
    """Short names of codes. ``prefix`` is what was left out of all of them."""

    evidence: ReportData
    prefix: str

    @classmethod
    def of(cls, evidence: ReportData) -> Naming:
        servers = set(evidence.servers.server.tolist()) | set(evidence.subscriptions.server.tolist())
        names = (evidence.name(code) for code in servers if code >= 0)
        return cls(evidence, number_text.common_prefix(names))

    def short(self, code: int | np.int32) -> str:
        """The name without the shared database and without ``dserver/``."""
        return number_text.without(self.prefix, self.evidence.name(int(code))) or UNKNOWN

    def labels(self, codes: Codes) -> list[str]:
        """Labels for plotly, harmless and of bounded length."""
        return [label(self.short(code)) for code in codes]
