from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from digdag_tui.engine.operator import OperatorEntry
from digdag_tui.operators.registry import find_operator, known_operators
from digdag_tui.workflow.errors import ConfigError

from .support import call, message

RETRYING = {"call", "py", "sh"}
REPORTING_UNUSED_KEYS = {"echo", "fail", "if", "notify", "wait"}
HERE = {"call", "echo", "fail", "for_each", "for_range", "if", "loop", "notify", "py", "sh", "wait"}


def test_digdag_has_these_operators() -> None:
    assert known_operators() == HERE | {
        "rb", "mail", "embulk", "td", "td_for_each", "td_run", "td_load", "td_ddl", "td_table_export", "td_wait",
        "td_wait_table", "td_partial_delete", "td_result_export", "pg", "redshift", "redshift_load", "redshift_unload",
        "s3_wait", "emr", "http", "http_call", "param_set", "param_get", "bq", "bq_load", "bq_extract", "bq_ddl",
        "gcs_wait", "require",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(HERE))
def test_what_the_engine_must_know_of_an_operator(name: str) -> None:
    entry = find_operator(name)
    assert entry.retries is (name in RETRYING)
    assert (entry.reads is not None) is (name in REPORTING_UNUSED_KEYS)


@pytest.mark.parametrize("name", sorted(known_operators() - HERE))
def test_an_operator_that_is_not_built_says_so_when_it_runs(name: str) -> None:
    assert message(Path("/project"), name, "x") == (
        f"The operator {name}> is not available in this version of digdag-tui yet (not available)"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("frobnicate", None),
        ("Echo", "did you mean echo>?"),
        ("echo ", "did you mean echo>?"),
        ("for-each", "did you mean for_each> or td_for_each>?"),
        ("nop", None),
        ("", None),
    ],
)
def test_an_unknown_operator_names_those_near_it(name: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        find_operator(name)
    assert caught.value.error_message == f"Unknown task type: {name} (config)"
    assert caught.value.hint == hint


def test_other_packages_add_operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lent_operators.py").write_text(
        "from digdag_tui.engine.operator import OperatorEntry, OperatorResult\n"
        "async def shout(context):\n"
        "    context.output(context.config['_command'].upper())\n"
        "    return OperatorResult(store={'said': 1})\n"
        "entry = OperatorEntry(shout, retries=False, reads=frozenset({'_command'}))\n"
    )
    about = tmp_path / "lent_operators-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lent-operators\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[digdag_tui.operators]\nshout = lent_operators:shout\ntd = lent_operators:entry\necho = lent_operators:shout\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    task = call(tmp_path, "shout", "hi")
    assert asyncio.run(task.run()).store == {"said": 1}
    assert task.lines == ["HI"]
    entry = find_operator("td")
    assert (entry.retries, entry.reads) == (False, frozenset({"_command"}))
    assert isinstance(entry, OperatorEntry)
    echo = call(tmp_path, "echo", "hi")
    asyncio.run(echo.run())
    assert echo.lines == ["hi"], "Digdag's own operators win"


def test_only_what_is_used_is_imported() -> None:
    program = (
        "import sys; from digdag_tui.operators.registry import find_operator; find_operator('echo');"
        "print([name for name in ('asyncio', 'importlib.metadata', 'difflib', 'digdag_tui.operators.py',"
        " 'digdag_tui.operators.process') if name in sys.modules])"
    )
    here = Path(__file__).parents[2]
    shown = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
