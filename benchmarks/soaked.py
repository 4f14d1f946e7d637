"""The project that a soak runs: every kind of task, and the texts that its files are saved with."""

from __future__ import annotations

_HEAD = """\
timezone: Asia/Tokyo
_export:
  n: 3
  region: west
  td: {database: dev}
+a:
  echo>: 日本語 ${region} ${n + 1}
"""
_LOAD = """\
+load:
  for_each>: {region: [east, west, 北], size: [1, 2]}
  _parallel: true
  _do:
    +one: {py>: tasks.load}
    +two:
      sh>: echo "${region} ${size}"; sleep 0.1
"""
_NOISE = """\
+noise:
  sh>: i=0; while [ $i -lt 20000 ]; do echo "line $i of many"; i=$((i+1)); done; printf '10%%\\r20%%\\r'
"""
_FAILING = """\
+failing:
  _retry: 1
  sh>: echo out; exit 3
  _error:
    echo>: it failed
"""
_SLEEP = """\
+side:
  _parallel: true
  +s1: {sh>: sleep 0.5}
  +s2: {sh>: sleep 2 & sleep 0.2}
  +s3: {py>: tasks.store}
"""
_END = """\
+if:
  if>: ${stored}
  _do: {echo>: "stored ${stored}"}
+query:
  sh>: cat query.sql
+required:
  require>: other
  session_time: ${session_time}
+end:
  loop>: 3
  _do: {echo>: "${i}"}
"""
_INCLUDED = "!include : parts.dig\n"
_MAIN = _HEAD + _LOAD + _NOISE + _FAILING + _SLEEP + _INCLUDED + _END
_PYTHON = """\
import digdag

FACTOR = {factor}

def load(region, size):
    print("loading", region, size * FACTOR)
    digdag.env.store({{"loaded": {{"region": region, "size": size}}}})

def store(n):
    digdag.env.store({{"stored": int(n) > 1}})
"""

FILES = {
    "main.dig": _MAIN,
    "parts.dig": "+part: {sh>: . ./part.sh}\n",
    "part.sh": "echo a part of ${region:-it}\n",
    "other.dig": "+o:\n  echo>: other ${session_date}\n",
    "tasks.py": _PYTHON.format(factor=1),
    "query.sql": "SELECT ${n} FROM t\n",
}
"""The project as it begins."""

EDITS = {
    "main.dig": (
        _MAIN,
        _HEAD + _LOAD + _END,
        _MAIN.replace("n: 3", "n: 4"),
        _MAIN.replace("exit 3", "exit 0"),
        _MAIN.replace("+a:", "+b:"),
        _MAIN + "+more:\n  echo>: more\n",
        _MAIN.replace("echo>", "ecko>"),
        "+a:\n  echo>: [\n",
        "",
        _HEAD + "+many:\n  for_range>: {to: 900}\n  _do: {echo>: '${range.from}'}\n" + _END,
        _MAIN.replace("for_each>: {", "for_each>: {x: ${["),
    ),
    "parts.dig": (
        FILES["parts.dig"],
        "+part: {echo>: other}\n+p2: {fail>: no}\n",
        "+part: [",
        "!include : parts.dig\n",
    ),
    "part.sh": (FILES["part.sh"], "echo other; exit 1\n", "if\n"),
    "other.dig": (FILES["other.dig"], "+o: {fail>: no}\n", "+o:\n echo>: {\n"),
    "tasks.py": (_PYTHON.format(factor=1), _PYTHON.format(factor=2), "def load(:\n"),
    "query.sql": ("SELECT ${n} FROM t\n", "SELECT ${region}\n"),
}
"""What each file is saved with; some of it does not load."""
