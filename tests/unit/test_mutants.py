"""The table of mutants, which "make mutants" tries: each applies to the code as it is."""

from __future__ import annotations

import pytest

from tests.mutant_table import MUTANTS, Mutant
from tests.mutants import ROOT, UNIT, applied


def test_each_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_applies_to_the_code_as_it_is(mutant: Mutant) -> None:
    assert mutant.original != mutant.replacement
    compile(applied(mutant), mutant.file, "exec")
    assert mutant.tests
    assert all((ROOT / UNIT / test.partition("::")[0]).is_file() for test in mutant.tests)
