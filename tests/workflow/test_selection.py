"""Tasks named from outside: patterns, parts of a workflow, and what comes before a task (cli 2.1, 2.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from digdag_tui.workflow.compiler import compile_workflow
from digdag_tui.workflow.definition import TaskDefinition
from digdag_tui.workflow.errors import DigdagError
from digdag_tui.workflow.selection import before, find_task, inside, subtree
from digdag_tui.workflow.workflow_file import read_workflow
from digdag_tui.workflow.yaml import load_text

DIG = """
+prepare:
  +load: {echo>: load}
  +clean: {echo>: clean}
+main:
  _parallel: true
  +load: {+one: {echo>: 1}, +two: {echo>: 2}}
  +after: {_after: [+load], echo>: after}
  +free: {echo>: free}
+x=1: {loop>: 2, _do: {+inner: {echo>: i}}}
+end: {echo>: end}
"""


def compiled(dig: str = DIG, name: str = "flow") -> list[TaskDefinition]:
    return compile_workflow(read_workflow(name, Path(f"{name}.dig"), load_text(dig, "flow.dig")))


def names(tasks: list[TaskDefinition], indexes: object) -> set[str]:
    return {tasks[index].full_name.removeprefix("+flow") for index in indexes}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("+clean", "+flow+prepare+clean"),
        ("clean", "+flow+prepare+clean"),
        ("ean", "+flow+prepare+clean"),
        ("+prepare+load", "+flow+prepare+load"),
        ("repare+load", "+flow+prepare+load"),
        ("+flow", "+flow"),
        ("+flow+end", "+flow+end"),
        ("x=1", "+flow+x=1"),
        ("=1", "+flow+x=1"),
    ],
)
def test_a_pattern_is_the_end_of_one_name(pattern: str, found: str) -> None:
    tasks = compiled()
    assert tasks[find_task(tasks, pattern)].full_name == found


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("+zzz", "Task pattern '+zzz' doesn't match with any tasks. (no match)"),
        ("+inner", "Task pattern '+inner' doesn't match with any tasks. (no match)"),
        (
            "+load",
            "Task pattern '+load' is ambiguous. Matching candidates are [+flow+prepare+load, +flow+main+load] "
            "(multiple task match)",
        ),
        ("++end", "Match patterns excepting direct child (+name+name) is not supported: ++end (syntax)"),
        ("+end+", "Match patterns excepting direct child (+name+name) is not supported: +end+ (syntax)"),
        ("d", "Match patterns excepting direct child (+name+name) is not supported: d (syntax)"),
        ("a end", "Match patterns excepting direct child (+name+name) is not supported: a end (syntax)"),
    ],
)  # fmt: skip
def test_other_patterns_are_refused_in_digdags_words(pattern: str, sentence: str) -> None:
    with pytest.raises(DigdagError) as caught:
        find_task(compiled(), pattern)
    assert caught.value.error_message == sentence
    assert caught.value.hint


def test_a_pattern_that_is_nearly_a_name_is_corrected() -> None:
    with pytest.raises(DigdagError) as caught:
        find_task(compiled(), "+main+afetr")
    assert caught.value.hint == "did you mean +after?"


@pytest.mark.parametrize(
    ("task", "first"),
    [
        ("+prepare", set()),
        ("+prepare+clean", {"", "+prepare", "+prepare+load"}),
        ("+main", {"", "+prepare", "+prepare+load", "+prepare+clean"}),
        ("+main+after", {"", "+main", "+main+load", "+main+load+one", "+main+load+two", "PREPARE"}),
        ("+main+free", {"", "+main", "PREPARE"}),
        ("+main+load+two", {"", "+main", "+main+load", "+main+load+one", "PREPARE"}),
        ("+x=1", {"+main", "+main+load", "+main+load+one", "+main+load+two", "+main+after", "+main+free", "PREPARE"}),
        ("+flow", set()),
    ],
)  # fmt: skip
def test_before_a_task_are_its_ancestors_and_all_upstreams(task: str, first: set[str]) -> None:
    tasks = compiled()
    if "PREPARE" in first:
        first = first - {"PREPARE"} | {"+prepare", "+prepare+load", "+prepare+clean"}
    found = names(tasks, before(tasks, find_task(tasks, task)))
    assert found == (first | {""} if task != "+flow" else first)


def test_inside_a_task_is_all_below_it() -> None:
    tasks = compiled()
    main = find_task(tasks, "+main")
    assert names(tasks, inside(tasks, main)) == {
        "+main+load", "+main+load+one", "+main+load+two", "+main+after", "+main+free"
    }  # fmt: skip
    assert not list(inside(tasks, find_task(tasks, "+end")))


def test_a_part_keeps_names_but_hangs_at_the_root_and_waits_for_nothing() -> None:
    tasks = compiled()
    part = subtree(tasks, find_task(tasks, "+main+load"))
    assert [(task.index, task.full_name, task.parent, task.upstreams) for task in part] == [
        (0, "+flow", None, ()),
        (1, "+flow+main+load", 0, ()),
        (2, "+flow+main+load+one", 1, ()),
        (3, "+flow+main+load+two", 1, (2,)),
    ]
    assert find_task(part, "+flow+load") == 1
    with pytest.raises(DigdagError):
        find_task(part, "+main+load")


def test_the_part_at_the_root_is_all() -> None:
    tasks = compiled()
    assert subtree(tasks, 0) == tasks
