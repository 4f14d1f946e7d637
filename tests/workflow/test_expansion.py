"""The tasks of a workflow with those that it will generate."""

from __future__ import annotations

from pathlib import Path

from digdag_tui.workflow.expansion import OPEN, Node, expand
from digdag_tui.workflow.project import load_project

from ..support import write

MAIN = """
_error: {echo>: x}
+loop:
  loop>: 3
  _do:
    +in: {echo>: "${i}"}
    +then: {echo>: x}
+each:
  for_each>: {shop: [1], day: [2]}
  _parallel: true
  _do: {echo>: x}
+if:
  if>: true
  _do: {+yes: {echo>: x}}
  _else_do: {echo>: no}
+call:
  call>: sub/part
+py:
  py>: tasks.adds
  _check: {echo>: x}
+off:
  _disable: true
  +inner: {echo>: x}
"""


def tree(project: Path, files: dict[str, str]) -> list[Node]:
    write(project, files)
    loaded = load_project(project)
    return expand(project, loaded.workflows["main"])


def test_what_is_generated(tmp_path: Path) -> None:
    part, tasks = (
        "+a: {py>: job.run}\n",
        "import digdag\ndef adds():\n    digdag.env.add_subtask(one, k=1)\ndef one(k): 1",
    )
    nodes = tree(tmp_path, {"main.dig": MAIN, "sub/part.dig": part, "sub/job.py": "def run(): 1", "tasks.py": tasks})
    assert [node.full_name for node in nodes] == [
        "+main",
        "+main+loop", "+main+loop^sub+loop-*", "+main+loop^sub+loop-*+in", "+main+loop^sub+loop-*+then",
        "+main+each", "+main+each^sub+for-*",
        "+main+if", "+main+if^sub", "+main+if^sub+yes", "+main+if^sub",
        "+main+call", "+main+call^sub", "+main+call^sub+a",
        "+main+py", "+main+py^sub+subtask*", "+main+py^check",
        "+main+off",
        "+main^error",
    ]  # fmt: skip
    named = {node.full_name: node for node in nodes}
    assert [node.index for node in nodes] == list(range(len(nodes)))
    assert named["+main+loop"].end == 5 and named["+main"].end == len(nodes)
    assert named["+main+loop^sub+loop-*"].is_round and not named["+main+each^sub+for-*"].is_round
    assert named["+main+each^sub+for-*"].export == {"shop": OPEN, "day": OPEN}
    assert named["+main+call^sub+a"].function and named["+main+call^sub+a"].folder == "sub"
    assert named["+main+py^sub+subtask*"].own == {"py>": "tasks.one", "k": OPEN}
    assert named["+main^error"].upstreams == named["+main"].children[:-1]


def test_what_only_running_it_tells(tmp_path: Path) -> None:
    main = "+a: {call>: '${x}'}\n+b: {call>: main}\n+c: {http_call>: u}\n+d: {_type: '${x}'}\n+e: {py>: gone.f}\n"
    nodes = tree(tmp_path, {"main.dig": main})
    assert [node.full_name for node in nodes if node.may_generate] == [f"+main+{name}" for name in "abcde"]
