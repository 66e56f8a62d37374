"""Names of files, columns and labels: what readers of an earlier package look for, and what is new."""

from __future__ import annotations

DURATION_FILE_PREFIX = "duration"
RUNTIME_FILE_PREFIX = "runtime"
PROFILER_FILE_PREFIX = "profiler"

TIMEPOINT = "Timepoint"
MEASUREMENT = "Measurement"
LABEL = "Label"
PID = "PID"
COLUMNS = (TIMEPOINT, MEASUREMENT, LABEL, PID)

GC_COLLECTIONS = "gc collections"
GC_COLLECTED = "gc collected"
GC_UNCOLLECTABLE = "gc uncollectable"
USER_TIME = "user time"
SYSTEM_TIME = "system time"
MAX_RSS = "max rss"
"""As the earlier package has them: totals of the process so far; ``max rss`` in kB."""

RSS = "rss"
"""kB now."""
THREADS = "threads"
OPEN_FILES = "open files"
VOLUNTARY_SWITCHES = "voluntary context switches"
INVOLUNTARY_SWITCHES = "involuntary context switches"
INTERPRETER_LAG = "interpreter lag"
"""How many s late a thread came to run that had asked to be woken."""
EVENT_LOOP_LAG = "event loop lag"
"""How many s a callback waited in the event loop."""
GC_PAUSE = "gc pause generation {}"
"""s; one row a pause of at least LONG_PAUSE_SECONDS, at its end."""
GC_PAUSES = "gc pauses generation {}"
"""s in all pauses of the process so far."""
LONG_PAUSE_SECONDS = 0.001
HALTS = (GC_PAUSE.partition("{")[0], INTERPRETER_LAG, EVENT_LOOP_LAG)
"""How the labels begin under which are seconds that the process, or a part of it, stood still."""
LOST = "telemetry lost"
"""Samples of the process that were lost so far; only where there are any."""
