from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digdag_tui.params.layers import Layer, Source, resolve
from digdag_tui.params.overrides import override_layers, parse_assignments
from digdag_tui.params.properties import parse_properties
from digdag_tui.workflow.config import Config, Params
from digdag_tui.workflow.errors import ConfigError, DigdagError, Position


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        ([], {}),
        (["a=1"], {"a": "1"}),
        (["a=1", "b=2"], {"a": "1", "b": "2"}),
        (["a=1", "a=2"], {"a": "2"}),
        (["a="], {"a": ""}),
        (["a=b=c"], {"a": "b=c"}),
        (["=x"], {"": "x"}),
        (["a=1,b=2"], {"a": "1", "b": "2"}),
        (["a=x,y"], {"a": "x,y"}),
        (["a=x,y,b=z,"], {"a": "x,y", "b": "z"}),
        (["a=x,,y"], {"a": "x,,y"}),
        (["a=1", "x,b=2"], {"a": "1,x", "b": "2"}),
        ([" a=1 "], {"a": "1"}),
        (['"a=1,b=x y"'], {"a": "1", "b": "x y"}),
        (["a=${b}"], {"a": "${b}"}),
    ],
)
def test_assignments(assignments: list[str], expected: dict[str, str]) -> None:
    assert parse_assignments(assignments) == expected


def test_assignments_come_in_the_order_of_a_java_hash_table() -> None:
    names = ["region", "limit", "b.x", "b.y", "name", "date", "table", "x", "y", "z"]
    ordered = ["date", "limit", "name", "x", "y", "z", "region", "b.y", "b.x", "table"]
    assert list(parse_assignments([f"{name}=1" for name in names])) == ordered


@pytest.mark.parametrize(
    ("assignments", "shown"),
    [(["novalue"], "novalue"), (["a=1", "b"], "b"), ([""], ""), ([","], ","), (["x,a=1"], "x,a=1")],
)
def test_assignments_without_equals_sign(assignments: list[str], shown: str) -> None:
    with pytest.raises(DigdagError) as caught:
        parse_assignments(assignments)
    assert caught.value.error_message == f"Parameter -p expected a value of the form a=b but got:{shown}"


def layers(config: str = "", params_file: Path | None = None, assignments: tuple[str, ...] = ()) -> list[Layer]:
    return override_layers(parse_properties(config, "config"), params_file, assignments)


def values(found: list[Layer]) -> Params:
    return resolve(found).values


def test_nothing_gives_no_layer() -> None:
    assert layers("client.http.endpoint=x") == []


def test_layers_come_lowest_first(tmp_path: Path) -> None:
    params_file = tmp_path / "params.yml"
    params_file.write_text("# types stay\nb: {x: 1, y: [1, null]}\nc: 2\n")
    found = layers("params.a=1\nsecrets.k=v\nparams.c=config\nparams.b.z=config", params_file, ("b.x=9", "d=4"))

    assert [(layer.source, layer.values) for layer in found] == [
        (Source.CONFIG_FILE, {"a": "1", "c": "config", "b": {"z": "config"}}),
        (Source.PARAMS_FILE, {"b": {"x": 1, "y": [1, None]}, "c": 2}),
        (Source.COMMAND_LINE, {"b": {"x": "9"}, "d": "4"}),
    ]
    resolution = resolve(found)
    assert resolution.values == {"a": "1", "c": 2, "b": {"z": "config", "x": "9", "y": [1, None]}, "d": "4"}
    assert resolution.origin("a").position == Position("config", 1, 1)
    assert resolution.origin("c").position == Position(str(params_file), 3, 1)
    assert resolution.origin("d").position is None


def test_dots_nest() -> None:
    (layer,) = layers("params.a.b.c=1\nparams.a.b.d=2\nparams.a.e.=3\nparams..f=4")
    assert layer.values == {"a": {"b": {"c": "1", "d": "2"}, "e": "3"}, "": {"f": "4"}}
    nested = layer.values["a"]
    assert isinstance(nested, Config)
    assert nested.positions == {"b": Position("config", 1, 1), "e": Position("config", 3, 1)}


def test_an_object_gives_way_to_a_text() -> None:
    assert values(layers("params.a.b=1\nparams.a=2")) == {"a": "2"}
    assert values(layers("params.a.b=1", assignments=("a=2",))) == {"a": "2"}


@pytest.mark.parametrize(
    ("config", "params", "assignments", "message"),
    [
        ("params.a=1\nparams.a.b=2", "", (), "Parameter 'a.b' is set but 'a' is not a object (\"1\")"),
        ("", "", ("a=1", "a.b=2"), "Parameter 'a.b' is set but 'a' is not a object (\"1\")"),
        ("params.a=1", "", ("a.b=2",), "Parameter 'a.b' is set but 'a' is not a object (\"1\")"),
        ("", "a: {b: [1, 2.50]}", ("a.b.c=2",), "Parameter 'a.b.c' is set but 'a.b' is not a object ([1,2.5])"),
    ],
)
def test_a_key_through_a_value_that_is_no_object(
    tmp_path: Path, config: str, params: str, assignments: tuple[str, ...], message: str
) -> None:
    params_file = tmp_path / "params.yml"
    params_file.write_text(params or "{}")
    with pytest.raises(ConfigError) as caught:
        layers(config, params_file, assignments)
    assert caught.value.message == message


def test_null_gives_way_to_an_object(tmp_path: Path) -> None:
    params_file = tmp_path / "params.yml"
    params_file.write_text("a: null")
    assert values(layers(params_file=params_file, assignments=("a.b=1",))) == {"a": {"b": "1"}}


def test_the_order_of_assignments_decides_what_an_object_is() -> None:
    assert values(layers(assignments=("x=1", "x.y=2"))) == {"x": "1"}


def test_a_key_without_name() -> None:
    with pytest.raises(ConfigError, match=r"Parameter '\.' has no name"):
        layers(assignments=(".=1",))


def test_a_params_file_may_be_json_with_includes(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("b: 2")
    params_file = tmp_path / "params.yml"
    params_file.write_text('{"a": 1}')
    assert values(layers(params_file=params_file)) == {"a": 1}
    params_file.write_text("a: 1\n!include : more.yml\n")
    assert values(layers(params_file=params_file)) == {"a": 1, "b": 2}


def test_a_params_file_must_be_there_and_a_mapping(tmp_path: Path) -> None:
    params_file = tmp_path / "params.yml"
    with pytest.raises(DigdagError) as caught:
        layers(params_file=params_file)
    assert caught.value.error_message == f"{params_file} (no such file)"
    params_file.write_text("- a")
    with pytest.raises(DigdagError, match="Expected object to load Config but got"):
        layers(params_file=params_file)


@given(st.lists(st.text(alphabet='ab.=,"\\ é', max_size=12), max_size=4))
def test_any_assignments_give_texts_or_one_error(assignments: list[str]) -> None:
    try:
        found = layers("params.a.b=1", assignments=tuple(assignments))
    except DigdagError as error:
        assert error.message.startswith("Parameter ")
    else:
        assert found[0].source is Source.CONFIG_FILE


NAMES = st.lists(st.text(alphabet="abc", min_size=1, max_size=2), min_size=1, max_size=3).map(".".join)


@given(NAMES, st.text(alphabet="xyz =1", max_size=8))
def test_a_dotted_key_leads_to_its_value(name: str, value: str) -> None:
    (layer,) = layers(assignments=(f'"{name}={value}"',))
    inner = layer.values
    *path, last = name.split(".")
    for part in path:
        inner = inner[part]
    assert inner == {last: value}
