"""Values as YAML in Digdag's layout (cli 2.3, 2.4)."""

from __future__ import annotations

from digdag_tui.workflow.yaml_text import yaml_lines, yaml_text

VALUE = {
    "text": 'a "b" \\ \t\n é😀\u2028\x07',
    "number": 1,
    "double": 1e20,
    "none": None,
    "true": True,
    "1": "0.5",
    "echo>": "${x}",
    "+for-0=a=1": {},
    "list": [[1, []], {"a": 1, "b": "c"}],
    "key: of many words": "",
}
LAYOUT = r"""text: "a \"b\" \\ \t\n é\U0001F600\L\a"
number: 1
double: 1.0E20
none: null
true: true
1: "0.5"
echo>: "${x}"
+for-0=a=1: {}
list:
- - 1
  - []
- a: 1
  b: "c"
'key: of many words': ""
"""


def test_layout() -> None:
    assert yaml_lines(VALUE) == yaml_text(VALUE) == LAYOUT


def test_long_texts_are_broken_as_snakeyaml_breaks_them() -> None:
    text = "word " * 30
    assert yaml_lines({"a": text}) == f'a: "{text}"\n'
    first, second = yaml_text({"a": text}).splitlines()
    assert first == 'a: "' + "word " * 15 + "word\\"
    assert second == "  \\ " + "word " * 14 + '"'
