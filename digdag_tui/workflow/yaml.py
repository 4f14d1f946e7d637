"""YAML text to configs with source positions, with Digdag's rules (core 1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner, ScannerError

from .config import Config, Value, position_of
from .errors import Position
from .scalars import MERGE, STANDARD_TAG, resolve, tagged
from .sources import FileError, YamlError
from .text import java_text, json_text
from .yaml_errors import syntax_error, tag_error

try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML was built without libyaml
    CParser = None  # type: ignore[assignment, misc]

INCLUDE = "!include:"
"""What the keys and values with the tag `!include` begin with (core 1.4)."""

MAX_ALIASES = 50
MAX_DEPTH = 200
MAX_VALUES = 1_000_000

_LIMITS = ("stack overflow", "yaml")
"""The kinds of errors that end reading at once."""

_BREAKS = "\r\n\x85\u2028\u2029"
_BLANKS = "\0 \t" + _BREAKS
_LIBYAML_DIFFERS = re.compile(
    r"""[\t\x85\u2028\u2029\ufeff]|\r(?!\n)|^(?:%|---|\.\.\.)|\\['/xuU]"""
    r"""|(?<![^\s,\[\]{}:"'])!(?!include\s)|[&*][\w-]+\?|[|>][-+0-9]*#""",
    re.MULTILINE,
)
"""What libyaml may read otherwise than SnakeYAML. It may also refuse more, but then the text is parsed again."""

_FLOW_START = re.compile(r"(?<![\w$)])[\[{]")


def load_text(text: str, file: str, *, includes: bool = False) -> Config:
    """The mapping that a YAML text holds.

    Args:
        file: the name that positions show.
        includes: whether `!include` keys may stand in it; they are left for `include.load_file` to resolve.

    Raises:
        YamlError: no YAML, or no mapping.
        FileError: a null key, which ends the load of a whole project.
    """
    root = _compose(text, file, includes)
    if not isinstance(root, dict):
        message = f"Expected object to load Config but got {json_text(root)}"
        hint = "begin with a task such as `+hello:`, then its keys on indented lines"
        raise YamlError(message, "runtime json mapping", position=Position(file, 1, 1), hint=hint)
    return root if isinstance(root, Config) else Config(root)


def _suits_libyaml(text: str) -> bool:
    """Whether libyaml reads `text` as SnakeYAML does; they also differ on `?` within [] and {}."""
    return not _LIBYAML_DIFFERS.search(text) and not ("?" in text and _FLOW_START.search(text))


def _compose(text: str, file: str, includes: bool) -> Value:
    if CParser is not None and _suits_libyaml(text):
        try:
            return _Composer(CParser(text).get_event, text, file, includes).document()
        except (YAMLError, UnicodeEncodeError):
            pass  # SnakeYAML's words come from the parser it was made from
    try:
        return _Composer(_SnakeParser(text).get_event, text, file, includes).document()
    except (MarkedYAMLError, ReaderError) as error:
        raise syntax_error(error, text, file) from None
    except ValueError:  # of thousands of digits, which only a directive can have
        raise YamlError("found a number that is too large", "scanner", position=Position(file, 1, 1)) from None


class _SnakeParser(Reader, Scanner, Parser):
    """PyYAML's parser with the few differences of SnakeYAML 1.28."""

    ESCAPE_REPLACEMENTS = {  # type: ignore[misc]  # noqa: RUF012
        letter: text for letter, text in Scanner.ESCAPE_REPLACEMENTS.items() if letter not in "/\t"
    }

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def scan_flow_scalar(self, style: str) -> Any:
        """Two escapes may make up one character, as they do in Java."""
        start = self.get_mark()
        try:
            token = super().scan_flow_scalar(style)
        except (ValueError, OverflowError):
            problem = "found an escape of no character"
            raise ScannerError("while scanning a double-quoted scalar", start, problem, self.get_mark()) from None
        if not token.value.isascii():
            token.value = token.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return token

    def scan_plain_spaces(self, indent: int, start_mark: Any) -> list[str]:
        """Tabs may stand within plain text and before a comment, as in SnakeYAML."""
        length = 0
        while self.peek(length) in " \t":
            length += 1
        spaces = self.prefix(length)
        self.forward(length)
        scan_line_break: Callable[[], str] = self.scan_line_break
        first = scan_line_break()
        if not first:
            return [spaces] if spaces else []
        self.allow_simple_key = True
        breaks: list[str] = []
        while not (self.prefix(3) == "---" or (self.prefix(3) == "..." and self.peek(3) in _BLANKS)):
            while self.peek() == " ":
                self.forward()
            following = scan_line_break()
            if not following:
                return ([first] if first != "\n" else [] if breaks else [" "]) + breaks
            breaks.append(following)
        return []

    def scan_anchor(self, token_class: Any) -> Any:
        """Names may have any character but blanks and `:,[]{}/.*&`."""
        start = self.get_mark()
        kind = "alias" if self.peek() == "*" else "anchor"
        self.forward()
        length = 0
        while self.peek(length) not in _BLANKS + ":,[]{}/.*&":
            length += 1
        name = self.prefix(length)
        self.forward(length)
        after = self.peek()
        if not name or after not in _BLANKS + "?:,]}%@`":
            problem = f"unexpected character found {after}({ord(after)})"
            raise ScannerError(f"while scanning an {kind}", start, problem, self.get_mark())
        return token_class(name, start, self.get_mark())


class _NullKeyError(Exception):
    """A key that is null; `path` leads to it from the inside out, in Jackson's words."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self.path = ['java.util.LinkedHashMap["null"]']


class _Composer:
    """Builds values from parser events. Aliases share their value, so nothing may change a value after loading."""

    def __init__(self, next_event: Callable[[], Any], text: str, file: str, includes: bool) -> None:
        self.next_event = next_event
        self.text = text
        self.file = file
        self.includes = includes
        self.anchors: dict[str, tuple[Value, int]] = {}
        self.anchored_texts: dict[str, str] = {}
        self.open_anchors: set[str] = set()
        self.aliases = 0
        self.depth = 0
        self.values = 0
        self.include_count = 0

    def document(self) -> Value:
        """The only document's value; None for a text without any."""
        self.next_event()
        start = self.next_event()
        if isinstance(start, StreamEndEvent):
            return None
        first = self.next_event()
        try:
            value = self.value(first)
        except YamlError as error:
            if error.kind not in _LIMITS:
                self.read_on()
            raise
        except _NullKeyError as error:
            self.read_on()
            message = "Null key for a Map not allowed in JSON (use a converting NullKeySerializer?)"
            path = "->".join(reversed(error.path))
            message = f"{message} (through reference chain: {path})"
            raise FileError(message, "json mapping", position=error.position, hint="put the key in quotes") from None
        self.next_event()
        end = self.next_event()
        if not isinstance(end, StreamEndEvent):
            context, problem = "expected a single document in the stream", "but found another document"
            self.fail(ComposerError(context, first.start_mark, problem, end.start_mark))
        return value

    def read_on(self) -> None:
        """Parse the rest: wrong syntax anywhere comes before values that are wrong."""
        while not isinstance(self.next_event(), StreamEndEvent):
            pass

    def value(self, event: Any) -> Value:
        kind = type(event)
        if kind is AliasEvent:
            return self.alias(event)
        anchor = event.anchor
        if anchor is None:
            return self.scalar(event) if kind is ScalarEvent else self.collection(event)
        before = self.values
        self.open_anchors.add(anchor)
        value = self.scalar(event) if kind is ScalarEvent else self.collection(event)
        self.open_anchors.discard(anchor)
        self.anchors[anchor] = value, self.values - before
        self.anchored_texts.pop(anchor, None)
        if kind is ScalarEvent:
            self.anchored_texts[anchor] = event.value
        return value

    def alias(self, event: Any) -> Value:
        name = event.anchor
        if name in self.open_anchors:
            self.refuse(event, f"The alias *{name} stands inside what it names", "stack overflow")
        if name not in self.anchors:
            self.fail(ComposerError(None, None, f"found undefined alias {name}", event.start_mark))
        value, size = self.anchors[name]
        self.values += size
        if isinstance(value, (dict, list)):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                message = f"Number of aliases for non-scalar nodes exceeds the specified max={MAX_ALIASES}"
                self.refuse(event, message, "yaml", "write some of them out")
            if self.values > MAX_VALUES:
                self.refuse(event, f"Aliases make more than {MAX_VALUES} values of this file", "yaml")
        return value

    def scalar(self, event: Any) -> Value:
        self.values += 1
        text: str = event.value
        tag = event.tag
        try:
            if tag is None or tag == "!":
                value = resolve(text) if event.implicit[0] else text
            elif tag == "!include" and self.includes:
                self.include_count += 1
                return f"{INCLUDE}{self.include_count}"
            elif tag.startswith(STANDARD_TAG) and tag != STANDARD_TAG + "merge":
                value = tagged(tag[len(STANDARD_TAG) :], text)
            else:
                raise KeyError(tag)
        except KeyError:
            raise tag_error(tag, event.start_mark, self.text, self.file) from None
        except ValueError as error:
            self.refuse(event, str(error), "number format", "put the text in quotes")
        if value is MERGE:
            raise tag_error(STANDARD_TAG + "merge", event.start_mark, self.text, self.file)
        return value

    def collection(self, event: Any) -> Value:
        self.values += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse(event, f"Lists and mappings are nested more than {MAX_DEPTH} deep", "stack overflow")
        tag = event.tag or ""
        is_mapping = type(event) is MappingStartEvent
        value = self.mapping(event) if is_mapping else self.sequence()
        self.depth -= 1
        if tag in ("", "!") or tag == STANDARD_TAG + ("map" if is_mapping else "seq"):
            return value
        if tag == STANDARD_TAG + "set" and isinstance(value, dict):
            return list(value)
        if isinstance(value, list) and all(isinstance(item, dict) and len(item) == 1 for item in value):
            if tag == STANDARD_TAG + "omap":
                return {key: item[key] for item in value for key in item}
            if tag == STANDARD_TAG + "pairs":
                return [[key, item[key]] for item in value for key in item]
        raise tag_error(tag, event.start_mark, self.text, self.file)

    def sequence(self) -> list[Value]:
        items: list[Value] = []
        event = self.next_event()
        while type(event) is not SequenceEndEvent:
            try:
                items.append(self.value(event))
            except _NullKeyError as error:
                error.path.append(f"java.util.ArrayList[{len(items)}]")
                raise
            event = self.next_event()
        return items

    def mapping(self, start: Any) -> Config:
        config = Config()
        positions = config.positions
        next_event = self.next_event
        seen: set[str] = set()
        duplicates: list[tuple[Any, str]] = []
        merged: set[str] = set()
        event = next_event()
        while type(event) is not MappingEndEvent:
            text = self.key_text(event)
            if text is not None:
                if text in seen:
                    duplicates.append((event, text))
                seen.add(text)
            if type(event) is ScalarEvent and text == "<<" and event.implicit[0]:
                self.merge(config, merged, start, next_event())
            else:
                key = self.key(event)
                try:
                    value = self.value(next_event())
                except _NullKeyError as error:
                    error.path.append(f'java.util.LinkedHashMap["{key}"]')
                    raise
                if key in config and key not in merged:
                    del config[key]
                config[key] = value
                mark = event.start_mark
                positions[key] = Position(self.file, mark.line + 1, mark.column + 1)
            event = next_event()
        if duplicates:
            keys = ", ".join(dict.fromkeys(text for _, text in duplicates))
            self.refuse(duplicates[0][0], f"Duplicated keys: [{keys}]", "duplicate key yaml", "remove one of them")
        return config

    def key_text(self, event: Any) -> str | None:
        """What tells a key from those beside it: its text as it stands in the file."""
        if type(event) is ScalarEvent:
            return None if event.tag == "!include" else str(event.value)
        return self.anchored_texts.get(str(event.anchor)) if type(event) is AliasEvent else None

    def key(self, event: Any) -> str:
        key = self.value(event)
        if key is None:
            raise _NullKeyError(self.position(event))
        return key if isinstance(key, str) else java_text(key)

    def merge(self, config: Config, merged: set[str], start: Any, event: Any) -> None:
        """Take over keys that `config` lacks, in place (core 1.3); `event` begins what `<<` names."""
        place = event.start_mark
        value = self.value(event)
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                wanted = "mapping" if isinstance(value, list) else "mapping or list of mappings"
                found = "sequence" if isinstance(source, list) else "scalar"
                problem = f"expected a {wanted} for merging, but found {found}"
                self.fail(ConstructorError("while constructing a mapping", start.start_mark, problem, place))
            for key, item in source.items():
                if key not in config:
                    config[key] = item
                    config.positions[key] = position_of(source, key) or self.position(event)
                    merged.add(key)

    def position(self, event: Any) -> Position:
        return Position(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def fail(self, error: MarkedYAMLError) -> NoReturn:
        raise syntax_error(error, self.text, self.file)

    def refuse(self, event: Any, message: str, kind: str, hint: str | None = None) -> NoReturn:
        raise YamlError(message, kind, position=self.position(event), hint=hint)
