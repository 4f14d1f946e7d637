"""The compatibility page is what the code and its data make of it, and its data name what exists."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from digdag_tui.operators.catalog import CATALOG

ROOT = Path(__file__).parents[1]
DATA: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "compatibility.yml").read_text(encoding="utf-8"))
CASES = ROOT.parent / "shared" / "conformance" / "cases"


def test_the_page_is_made_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("make", ROOT / "docs" / "make.py")
    assert spec
    assert spec.loader
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    page = (ROOT / "docs" / "digdag-compatibility.md").read_text(encoding="utf-8")
    assert page == make.page(), "run docs/make.py"


def test_every_difference_has_its_reason() -> None:
    notes = [rule for section in DATA["rules"] for rule in section["rules"] if isinstance(rule, dict)]
    notes += [note for own in DATA["operators"].values() for note in own]
    notes += [note for command in DATA["commands"].values() for note in command["differs"]]
    assert {note["status"] for note in notes} == {"different", "absent"}
    assert all(note["rule"] and note["why"] for note in notes)


@pytest.mark.parametrize("section", DATA["rules"], ids=lambda section: section["title"])
def test_the_tests_of_a_section_exist(section: dict[str, Any]) -> None:
    assert [name for name in section["tests"] if not (ROOT / name).is_file()] == []


def test_operators_are_digdags() -> None:
    assert {name for names in DATA["operators"] for name in names.split(", ")} <= CATALOG.keys()


@pytest.mark.skipif(not CASES.is_dir(), reason="there are no recorded cases here")
def test_the_recorded_cases_are_counted() -> None:
    assert DATA["recorded"] == len(list(CASES.glob("*/*/expected.json")))
