"""Reads a recording back with plain h5py, as the reference describes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py


def read(path: Path) -> dict[str, dict[str, list[Any]]]:
    """Every table with rows of polls, by column; names in place of row numbers, replies as ``texts/text``."""
    with h5py.File(path) as file:
        entry = file["entry"]
        names = _names(entry["names"])
        tables = {
            name: {column: _values(dataset, names) for column, dataset in group.items()}
            for name, group in entry.items()
            if isinstance(group, h5py.Group) and "poll" in group
        }
        data = entry["text_bytes/data"][:].tobytes()
    ends = tables["texts"]["end"]
    tables["texts"]["text"] = [data[begin:end].decode() for begin, end in zip([0, *ends], ends, strict=False)]
    return tables


def read_marks(path: Path) -> dict[str, list[Any]]:
    """The table ``marks`` by column; they may differ in length where the writer died."""
    with h5py.File(path) as file:
        names = _names(file["entry/names"])
        return {column: _values(dataset, names) for column, dataset in file["entry/marks"].items()}


def _names(group: h5py.Group) -> dict[int, str | None]:
    names: dict[int, str | None] = {-1: None}
    first = 0
    for row, (text, continues) in enumerate(zip(group["text"][:], group["continues"][:], strict=True)):
        first = first if continues else row
        names[first] = names.get(first, "") + text.decode()
    return names


def _values(dataset: h5py.Dataset, names: dict[int, str | None]) -> list[Any]:
    values = dataset[:].tolist()
    return [names[row] for row in values] if "names" in dataset.attrs else values
