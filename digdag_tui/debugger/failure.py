"""The failure of a `py>` task as people read it: frames, folded where they are none of their own, and values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ..workflow.config import Params
from ..workflow.text import json_text
from .inspect import frame_source

LONGEST = 300
"""Characters of a value in one line."""
RELATIONS = {"cause": "caused by", "context": "raised while handling", "member": "one of the group:"}
_BRACKETS = {
    "dict": ("{", "}"), "list": ("[", "]"), "tuple": ("(", ")"), "set": ("{", "}"), "frozenset": ("{", "}"),
    "deque": ("[", "]"),
}  # fmt: skip


def told(exceptions: Sequence[Params], frames: Sequence[Params]) -> Sequence[Params]:
    """The exceptions of a failure; `frames` stand for them where an old journal has only those.

    Those that the runner itself met, and met again when it looked for the module in another way, are left out.
    """
    if not exceptions:
        return [{"class": "", "relation": "", "depth": 0, "frames": frames}] if frames else []
    kept: list[Params] = []
    for exception in exceptions:
        is_context = exception["relation"] == "context"
        if not is_context or (exception["frames"] and not any(_same(exception, other) for other in kept)):
            kept.append(exception)
    return kept if kept[0]["frames"] or len(kept) > 1 or kept[0].get("notes") else []


def _same(exception: Params, other: Params) -> bool:
    places = ([(frame["file"], frame["line"]) for frame in each["frames"]] for each in (exception, other))
    return next(places) == next(places) and all(exception.get(key) == other.get(key) for key in ("class", "message"))


def exception_text(exception: Params) -> str:
    """`caused by KeyError: 'key'`."""
    relation = RELATIONS.get(exception["relation"], "")
    return f"{relation} {exception['class']}: {message_of(exception)}".strip().removesuffix(":")


def message_of(exception: Params) -> str:
    """An exception's message, with how much of it is left out."""
    note = exception.get("note", "")
    return f"{exception.get('message', '')}{_rest(exception)}" + (f" ({note})" if note else "")


def notes_of(exception: Params) -> Iterator[str]:
    """What was added to an exception with `add_note`."""
    return (f"{note['text']}{_rest(note)}" for note in exception.get("notes", ()))


def folded(frames: Iterable[Params]) -> Iterator[tuple[str, list[Params]]]:
    """Runs of frames with the package that they are of; the user's own one by one, with a blank name."""
    for package, found in groupby(frames, key=lambda frame: str(frame.get("library", ""))):
        if package:
            yield package, list(found)
        else:
            yield from (("", [frame]) for frame in found)


def fold_text(package: str, frames: Sequence[Params]) -> str:
    """`3 frames of pandas`."""
    return f"{len(frames)} frame{'s' * (len(frames) != 1)} of {package}"


def frame_words(frame: Params) -> str:
    """What is to be said of a frame beside its place: its function, and how often it is there."""
    words = f" in {frame['function']}" if frame.get("function") else ""
    words += f", {frame['times']:,} times in a row" if "times" in frame else ""
    return words + (f", after {frame['skipped']:,} other frames that are left out" if "skipped" in frame else "")


def source_lines(frame: Params, *, around: bool) -> list[tuple[int, str]]:
    """The frame's line with its number, and those around it; as they were when it failed, where that is known."""
    if "lines" not in frame:
        return list(frame_source(frame, around=2 if around else 0))
    numbered = list(enumerate(frame["lines"], frame["first"]))
    return numbered if around else [(line, text) for line, text in numbered if line == frame["line"]]


def caret(frame: Params) -> str | None:
    """The line of signs below that of a frame, which shows the part that failed."""
    columns = frame.get("columns")
    if not columns or "lines" not in frame:
        return None
    text = str(frame["lines"][frame["line"] - frame["first"]])
    start, end = columns[0], max(columns[1], columns[0] + 1)
    before = "".join("\t" if sign == "\t" else " " for sign in text[:start].ljust(start))
    return before + "^" * int(end - start)


# Values


def value_text(value: Params) -> str:
    """A value in one line, cut where it is long."""
    text = _text(value, inner=1)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def inside(value: Params) -> Sequence[Params]:
    """What a value holds: its items, or the lines of a long text."""
    items: list[Params] = list(value.get("items", ()))
    text = str(value.get("text", ""))
    if items or ("\n" not in text and len(text) <= LONGEST):
        return items
    return [{"name": "", "type": "", "text": line} for line in text.split("\n")]


def left_out(value: Params) -> str | None:
    """What is not told of a value's items."""
    missing = int(value.get("size", 0)) - len(value.get("items", ()))
    return f"… {missing:,} more" if missing > 0 and value.get("items") else None


def _text(value: Params, inner: int) -> str:
    if "note" in value:
        return f"({value['note']})"
    if value.get("is_text"):
        return json_text(value["text"]) + _rest(value)
    if "text" in value:
        return " ".join(str(value["text"]).split()) + _rest(value)
    items, kind = value.get("items", ()), str(value["type"])
    start, end = _BRACKETS.get(kind, (f"{kind}(", ")"))
    if not items:
        return f"{start}{end}" if not value.get("size") else f"{start}… {value['size']:,}{end}"
    if not inner:
        return f"{start}…{end}"
    named = kind not in ("list", "tuple", "set", "frozenset", "deque")
    parts = (f"{item['name']}: " * named + _text(item, inner - 1) for item in items)
    more = [] if len(items) == value.get("size") else ["…"]
    return start + ", ".join([*parts, *more]) + end


def _rest(value: Params) -> str:
    return f" … ({value['length']:,} characters)" if "length" in value else ""


def failure_lines(exceptions: Sequence[Params], project: str) -> Iterator[str]:
    """A failure as plain text: what a report has, and what is printed without a screen."""
    return map(printable, _failure_lines(exceptions, project))


def printable(line: str) -> str:
    """A line without what would act on a terminal."""
    return "".join(sign if sign.isprintable() else " " if sign == "\t" else "?" for sign in line)


def _failure_lines(exceptions: Sequence[Params], project: str) -> Iterator[str]:
    for number, exception in enumerate(exceptions):
        indent = "  " * int(exception["depth"])
        if number:
            yield f"{indent}{exception_text(exception)}"
        yield from (f"{indent}note: {line}" for note in notes_of(exception) for line in note.splitlines())
        for package, frames in folded(exception["frames"]):
            if package:
                yield f"{indent}  {fold_text(package, frames)}"
            else:
                last = frames[0] is exception["frames"][-1] or "library" in exception["frames"][-1]
                yield from (f"{indent}  {line}" for line in _frame_lines(frames[0], project, last))


def _frame_lines(frame: Params, project: str, last: bool) -> Iterator[str]:
    yield f"{str(frame['file']).removeprefix(project + '/')}:{frame['line']}{frame_words(frame)}"
    for line, text in source_lines(frame, around=last):
        here = line == frame["line"]
        yield f"  {'>' if here else ' '} {line:>4}  {text}"
        if here and (signs := caret(frame)):
            yield f"          {signs}"
    for value in frame.get("locals", ()):
        yield f"      {value['name']} = {value_text(value)}"
