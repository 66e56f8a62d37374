"""Is a file what the format says? One generator a check; ``docs/reference/validation.md`` lists them."""

from stem_device.reading.validation.finding import Finding, Severity
from stem_device.reading.validation.isolated import validate

__all__ = ["Finding", "Severity", "validate"]
