"""The order of evaluation and the scopes of core 6.4, held against a second evaluator written from its text."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.evaluate import Evaluator, TemplateError

NAMES = ["a", "b", "c", "d"]
KEYS = st.sampled_from([*NAMES, "_do", "_else_do", "x-y"])
OPENING = re.compile(r"\$\{(?![a-z]+:)")
EVALUATOR = Evaluator()


def _reference(name: str, inner: str | None) -> str:
    return "${" + name + (f".{inner}" if inner else "") + "}"


templates = st.lists(
    st.builds(_reference, st.sampled_from(NAMES), st.none() | st.sampled_from(NAMES))
    | st.sampled_from(["-", "$", "$$", "text", "${secret:a}", "${d"]),
    min_size=1,
    max_size=4,
).map("".join)
values = st.recursive(
    templates | st.none() | st.booleans() | st.integers(-9, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(KEYS, values, max_size=5)


class Failure(Exception):
    """A text names what is not there."""


def expected(params: dict[str, Any], local: dict[str, Any]) -> dict[str, Any]:
    """Core 6.4, sentence by sentence."""
    merged = copy.deepcopy(params)
    merge_into(merged, local)
    return evaluated_object(merged, params)


def merge_into(target: dict[str, Any], update: dict[str, Any]) -> None:
    """Objects merge, everything else replaces, and an overridden key keeps its place."""
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge_into(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def evaluated_object(values: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """Keys in order, in a scope of the raw params overlaid by the object's own evaluated keys."""
    built: dict[str, Any] = {}
    for key, value in values.items():
        built[key] = value if key in ("_do", "_else_do") else evaluated_value(value, raw, built)
    return built


def evaluated_value(value: Any, raw: dict[str, Any], built: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return evaluated_text(value, {**raw, **built})
    if isinstance(value, dict):
        return evaluated_object(value, raw)
    if isinstance(value, list):
        return [evaluated_value(item, raw, built) for item in value]
    return value


def evaluated_text(text: str, scope: dict[str, Any]) -> str:
    """Core 6.5 for texts in which only a name and one property of it stand between braces."""
    opening = OPENING.search(text)
    if opening is None:
        return text.replace("$$", "$")
    literal = text[: opening.start()].replace("$$", "$")
    depth = 1
    for index in range(opening.end(), len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            name, _, inner = text[opening.end() : index].partition(".")
            return literal + shown(lookup(name, inner or None, scope)) + evaluated_text(text[index + 1 :], scope)
    return literal + text[opening.start() :].replace("$$", "$")


def lookup(name: str, inner: str | None, scope: dict[str, Any]) -> Any:
    if name not in scope:
        raise Failure(name)
    value = scope[name]
    if inner is None:
        return value
    if value is None:
        raise Failure(inner)
    return value.get(inner) if isinstance(value, dict) else None


def shown(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@given(objects, objects)
def test_params_are_evaluated_as_the_rules_say(params: dict[str, Any], local: dict[str, Any]) -> None:
    before = copy.deepcopy((params, local))
    try:
        wanted = expected(params, local)
    except Failure:
        wanted = None
    try:
        found = EVALUATOR.evaluate(params, local)
    except TemplateError:
        found = None

    assert found == wanted
    assert found is None or list(found) == list(wanted or {})
    assert (params, local) == before
