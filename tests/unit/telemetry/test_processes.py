"""Each process has its own series, and its end loses nothing: what was counted is in the files."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.telemetry.earlier_format import read

Program = Callable[..., subprocess.CompletedProcess[str]]

COLLECT = """
def collect(count, label="x"):
    for _ in range(count):
        telemetry.stop_duration_sample(label, telemetry.start_duration_sample())
"""


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.matrix) for seed in range(1, 100))]
)
def test_a_fork_inherits_nothing(seed: int, program: Program, tmp_path: Path) -> None:
    """Children, and children of theirs, are born while buffers are half full and another thread collects."""
    code = (
        COLLECT
        + """
import os, random, sys, threading
random.seed(int(sys.argv[1]))
# Memory for all of it, also where the writer gets no turn for long.
flush_seconds = random.choice([0.01, 1, 60])
telemetry.start(directory, memory_bytes=1 << 23, flush_seconds=flush_seconds, with_runtime=True)
busy = threading.Thread(target=collect, args=(5000, "thread"))
busy.start()
collect(random.randrange(3000), "before")
for generation in range(2):
    count = random.randrange(3000)
    child = os.fork()
    if child:
        collect(count, "parent")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        break
    count = 0
    collect(1000 * (generation + 1), f"child {generation}")
busy.join()
print(count, telemetry.health().lost, flush=True)
"""
    )
    ended = [tuple(map(int, line.split())) for line in program(code, str(seed)).stdout.splitlines()]
    assert [lost for _, lost in ended] == [0, 0, 0]
    rows = read(tmp_path / "telemetry")
    counts = Counter(row.label for row in rows)
    assert counts["thread"] == 5000
    assert counts["child 0"] == 1000
    assert counts["child 1"] == 2000
    assert counts["parent"] == sum(count for count, _ in ended)
    pids = {label: {row.pid for row in rows if row.label == label} for label in counts}
    assert pids["child 0"] != pids["child 1"] != pids["thread"]
    assert all(len(one) == 1 for label, one in pids.items() if label != "parent")
    assert {row.pid for row in read(tmp_path / "telemetry", "runtime")} == {row.pid for row in rows}


def test_a_fork_inherits_no_pause_and_no_count(program: Program, tmp_path: Path) -> None:
    program("""
import gc, os, time
telemetry.start(directory, with_runtime=True)
gc.callbacks.insert(0, lambda phase, _: time.sleep(0.02 * (phase == "stop")))
for _ in range(3):
    gc.collect()
gc.callbacks.pop(0)
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
""")
    rows = read(tmp_path / "telemetry", "runtime")
    parent, child = dict.fromkeys(row.pid for row in rows)
    if sum(row.label == "gc pause generation 2" for row in rows if row.pid == child) > 1:
        parent, child = child, parent
    pauses = Counter(row.pid for row in rows if row.label == "gc pause generation 2")
    assert pauses[parent] >= 3
    assert pauses[child] == 0
    totals = {row.label: row.measurement for row in rows if row.pid == child}
    assert totals["gc pauses generation 2"] < 0.05
    assert totals["gc collections"] < 10


def test_a_fork_before_the_start(program: Program, tmp_path: Path) -> None:
    code = (
        COLLECT
        + """
import os
for _ in range(2):
    child = os.fork()
    if not child:
        telemetry.start(directory)
        collect(10)
        break
    os.waitpid(child, 0)
    print(child)
"""
    )
    children = {int(line) for line in program(code).stdout.split()}
    assert Counter(row.pid for row in read(tmp_path / "telemetry")) == dict.fromkeys(children, 10)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing(method: str, tmp_path: Path) -> None:
    """They end without atexit. One that is spawned starts telemetry itself."""
    script = tmp_path / "script.py"
    script.write_text(f"""
import multiprocessing, sys
from stem_device import telemetry
{COLLECT}
def work(number):
    if {method != "fork"}:
        telemetry.start("out", flush_seconds=60)
    collect(100 + number)
if __name__ == "__main__":
    telemetry.start("out", flush_seconds=60)
    collect(7)
    context = multiprocessing.get_context("{method}")
    processes = [context.Process(target=work, args=(number,)) for number in range(3)]
    for process in processes: process.start()
    for process in processes: process.join()
    assert all(process.exitcode == 0 for process in processes)
""")
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True, timeout=60)
    counts = Counter(row.pid for row in read(tmp_path / "out"))
    assert sorted(counts.values()) == [7, 100, 101, 102]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("raise ValueError", 1),
        ("sys.exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(30)", -signal.SIGINT),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); os.kill(os.getpid(), signal.SIGTERM)", 5),
        ("telemetry.stop(); os._exit(0)", 0),
        ("threading.Thread(target=lambda: (time.sleep(0.3), collect(10))).start(); bonus = 10", 0),
        ("telemetry.flush(); collect(5); os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("_thread.interrupt_main()", -signal.SIGINT),
    ],
)
def test_no_end_loses_a_sample(end: str, code: int, program: Program, tmp_path: Path) -> None:
    before = (
        "import atexit, os, signal, sys, _thread, threading, time\n"
        # A run in the background ignores Ctrl-C, and so would this.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "atexit.register(lambda: collect(3))\n"
    )
    start = "telemetry.start(directory, flush_seconds=60)\ncollect(4321)\n"
    program(before + COLLECT + start + end, expected=code)
    extra = 10 if "bonus" in end else 5 if "collect(5)" in end else 0
    with_atexit = 0 if code in {-signal.SIGTERM} or "_exit(0)" in end else 3
    assert len(read(tmp_path / "telemetry")) == 4321 + extra + with_atexit


def test_stop_gives_sigterm_back(program: Program) -> None:
    program("""
import signal
before = signal.getsignal(signal.SIGTERM)
telemetry.start(directory)
assert signal.getsignal(signal.SIGTERM) is not before
telemetry.stop()
assert signal.getsignal(signal.SIGTERM) is before
telemetry.start(directory, handle_sigterm=False)
assert signal.getsignal(signal.SIGTERM) is before
signal.signal(signal.SIGTERM, print)
telemetry.start(directory)
telemetry.stop()
assert signal.getsignal(signal.SIGTERM) is print
""")


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.matrix) for seed in range(1, 100))]
)
def test_a_kill_loses_at_most_the_flush_interval(seed: int, tmp_path: Path) -> None:
    code = """
import os, sys, time
from stem_device import telemetry
telemetry.start(sys.argv[1], flush_seconds=0.2)
while True:
    telemetry.stop_duration_sample("x", telemetry.start_duration_sample())
    os.write(1, b"%d\\n" % time.time_ns())
    time.sleep(0.0005)
"""
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline())]
        while told[-1] - told[0] < 1e9 + 1e7 * seed or len(told) < 500:
            told.append(int(process.stdout.readline()))
        process.kill()
        told += [int(line) for line in process.stdout.read().splitlines() if len(line) == len(str(told[0]))]
    written = len(read(tmp_path))
    lost = told[written:]
    # A moment more than the interval: the writer's thread has to get its turn.
    assert (told[-1] - lost[0] if lost else 0) / 1e9 < 0.2 + 1.0
    assert written > 100


def test_samples_in_a_signal_handler(program: Program, tmp_path: Path) -> None:
    """A handler interrupts flushing and collecting, full buffers included, and nothing hangs or is lost."""
    program(
        COLLECT
        + """
import signal
telemetry.start(directory, memory_bytes=1 << 14)
handled = 0
def handler(*_):
    global handled
    handled += 1
    collect(50, "handler")
    telemetry.flush()
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
for _ in range(20):
    collect(2000)
    telemetry.flush()
signal.setitimer(signal.ITIMER_REAL, 0)
telemetry.stop()
health = telemetry.health()
assert (health.written, health.lost) == (40000 + 50 * handled, 0), (health, handled)
"""
    )


def test_a_program_with_a_hung_disk_ends(program: Program) -> None:
    began = time.monotonic()
    program("""
import os, threading
from stem_device.telemetry import processes, series
processes.EXIT_SECONDS = 0.3
write = os.write
os.write = lambda *_: threading.Event().wait()
telemetry.start(directory)
telemetry.stop_duration_sample("x", telemetry.start_duration_sample())
""")
    assert time.monotonic() - began < 30


def test_forks_while_another_thread_starts_and_stops(program: Program, tmp_path: Path) -> None:
    """Whatever the parent was at, the child can begin, collect and end; and so can the parent afterwards."""
    program(
        COLLECT
        + """
import os, threading
ended = threading.Event()
def switch():
    while not ended.is_set():
        telemetry.start(directory, with_runtime=True)
        telemetry.start(directory, flush_seconds=0.01)
        collect(10)
        telemetry.stop()
switching = threading.Thread(target=switch)
switching.start()
for number in range(30):
    child = os.fork()
    if not child:
        telemetry.start(directory + "/child")
        before = telemetry.health().written
        collect(100)
        telemetry.stop()
        health = telemetry.health()
        os._exit(0 if health.written - before >= 100 and not health.lost else 1)
    assert os.waitpid(child, 0)[1] == 0, number
ended.set()
switching.join()
assert telemetry.health().lost == 0
"""
    )
    assert len(read(tmp_path / "telemetry" / "child")) >= 3000


def test_a_subinterpreter_has_telemetry_of_its_own(program: Program, tmp_path: Path) -> None:
    """It can have no thread that ends with it: whoever collects writes. The main one goes on beside it."""
    program(
        COLLECT
        + """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
telemetry.start(directory)
collect(7, "main")
other = interpreters.create()
failed = interpreters.run_string(other, f'''
import sys
sys.path[:0] = {sys.path!r}
from stem_device import telemetry
telemetry.start({directory!r}, with_runtime=True)
for _ in range(20_000):
    telemetry.stop_duration_sample("other", telemetry.start_duration_sample())
telemetry.stop()
assert telemetry.health().lost == 0, telemetry.health()
''')
assert failed is None, failed
interpreters.destroy(other)
collect(5, "main")
telemetry.stop()
"""
    )
    assert Counter(row.label for row in read(tmp_path / "telemetry")) == {"main": 12, "other": 20_000}
