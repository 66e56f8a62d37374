"""The spool: whole batches in order, bounded, and nothing that somebody else has put there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stem_device.elastic.documents import Document
from stem_device.elastic.spool import DamagedBatchError, Spool, SpoolError

BATCH = 330
"""Bytes of one batch below, its first line included, a little more or less."""


def batch(number: int) -> list[Document]:
    return [Document(b'{"create":{}}', b'{"n":%d,"x":"%b"}' % (number, b"y" * 250))]


def opened(path: Path, max_bytes: int = 1_000_000) -> Spool:
    spool = Spool(path, max_bytes)
    spool.open()
    return spool


def drained(spool: Spool) -> list[list[Document]]:
    found = []
    while len(spool):
        one = spool.first()
        assert one is not None
        found.append(one)
        spool.remove_first()
    return found


def test_batches_come_back_in_order_after_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path / "s")
    for number in range(3):
        first.add(batch(number))
    first.close()
    second = opened(tmp_path / "s")
    second.add(batch(3))
    assert drained(second) == [batch(number) for number in range(4)]
    assert second.dropped == second.damaged == 0


def test_beyond_the_limit_the_oldest_make_room_and_are_counted(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s", 10 * BATCH)
    for number in range(100):
        spool.add(batch(number))
        on_disk = sum(path.stat().st_size for path in (tmp_path / "s").glob("*.batch"))
        assert on_disk <= 10 * BATCH
    kept = drained(spool)
    assert 8 <= len(kept) <= 10
    assert kept == [batch(number) for number in range(100 - len(kept), 100)]
    assert spool.dropped == 100 - len(kept)


def test_a_smaller_limit_after_a_restart_holds_at_once(tmp_path: Path) -> None:
    first = opened(tmp_path / "s")
    for number in range(20):
        first.add(batch(number))
    first.close()
    second = opened(tmp_path / "s", 5 * BATCH)
    assert second.dropped == 20 - len(second)
    assert drained(second)[-1] == batch(19)


@pytest.mark.parametrize("harm", ["cut", "empty", "changed", "longer", "other", "pipe", "link", "folder"])
def test_what_is_damaged_is_skipped_and_told(harm: str, tmp_path: Path) -> None:
    spool = opened(tmp_path / "s")
    for number in range(3):
        spool.add(batch(number))
    path = sorted((tmp_path / "s").glob("*.batch"))[1]
    content = path.read_bytes()
    changed = {
        "cut": content[:-5],
        "empty": b"",
        "changed": content.replace(b"yyy", b"zyy", 1),
        "longer": content + b"x",
        "other": b"stem-spool 2 0 0\n",
    }
    if harm in changed:
        path.write_bytes(changed[harm])
    else:
        path.unlink()
    if harm == "pipe":
        os.mkfifo(path)
    elif harm == "link":
        path.symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere").write_bytes(content)
    elif harm == "folder":
        path.mkdir()
    spool.close()
    spool = opened(tmp_path / "s")
    assert spool.first() == batch(0)
    spool.remove_first()
    with pytest.raises(DamagedBatchError, match="it is skipped"):
        spool.first()
    assert spool.first() == batch(2)
    assert (spool.damaged, len(spool)) == (1, 1)
    assert len(list((tmp_path / "s").glob("*.damaged"))) == 1, "for a person to look at"


def test_of_what_is_damaged_little_is_kept(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s")
    for number in range(30):
        spool.add(batch(number))
    for path in (tmp_path / "s").glob("*.batch"):
        path.write_bytes(b"")
    while len(spool):
        with pytest.raises(DamagedBatchError):
            spool.first()
    assert spool.damaged == 30
    assert len(list((tmp_path / "s").glob("*.damaged"))) == 10


def test_another_process_may_not_use_it(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s")
    other = Spool(tmp_path / "s", 1000)
    with pytest.raises(SpoolError, match="another process uses it"):
        other.open()
    spool.close()
    other.open()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="there is no such directory"):
        Spool(tmp_path / "no" / "s", 1000).open()


def test_a_batch_that_never_fits_is_told(tmp_path: Path) -> None:
    spool = opened(tmp_path / "s", BATCH // 2)
    with pytest.raises(SpoolError, match="more than may wait there"):
        spool.add(batch(1))


KILLED = """
import os, sys
from pathlib import Path
from stem_device.elastic.documents import Document
from stem_device.elastic.spool import Spool
spool = Spool(Path(sys.argv[1]), 10_000_000)
number = 0
while True:
    spool.add([Document(b'{}', b'{"n":%d,"x":"%b"}' % (number, b"y" * 20000))])
    print(number, flush=True)
    number += 1
"""


def test_a_process_that_is_killed_leaves_whole_batches(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "s")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(50)]
        process.kill()
        said += process.stdout.readlines()
    whole = [int(line) for line in said if line.endswith("\n")]
    spool = opened(tmp_path / "s", 10_000_000)
    kept = drained(spool)
    assert len(kept) in {len(whole), len(whole) + 1}, "all that it said were kept"
    assert [one[0].body[:8] for one in kept[:3]] == [b'{"n":0,"', b'{"n":1,"', b'{"n":2,"']
    assert not list((tmp_path / "s").glob("*.part"))
