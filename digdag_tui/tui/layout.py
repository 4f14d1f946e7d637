"""How much of the screen each box has: borders that the person moves, by keys or with the mouse."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from textual.dom import DOMNode

Direction: TypeAlias = Literal["left", "right", "up", "down"]
LEAST, STEP = 15, 4
"""The least that a box has, and how far a key moves a border; both in percent."""


class Border(NamedTuple):
    """A border between the box before it, which is sized, and what comes after it, which has the rest."""

    name: str
    before: str
    after: str
    axis: Literal["width", "height"]


SIDE = Border("side", "tasks-box", "right", "width")
"""Tasks beside the rest, in a wide terminal."""
STACK = Border("stack", "tasks-box", "right", "height")
"""Tasks above the rest, in a narrow one."""
RIGHT = Border("right", "about", "output-box", "height")
BESIDE = Border("beside", "about-box", "source-box", "width")
"""Params beside the source, in a very wide terminal."""


class Layout:
    """The shares of boxes, in percent, by the names of the borders after them; those not moved are as styled."""

    def __init__(self, shares: dict[str, int] | None = None) -> None:
        self.shares = {
            border.name: max(LEAST, min(share, 100 - LEAST))
            for border in (SIDE, STACK, RIGHT, BESIDE)
            if type(share := (shares or {}).get(border.name)) is int
        }

    def apply(self, screen: DOMNode, *, narrow: bool, wide: bool, one: bool) -> None:
        """Size the boxes; with `one` pane at a time they have all the room."""
        first, other = (STACK, SIDE) if narrow else (SIDE, STACK)
        for border, counts in ((other, False), (first, True), (RIGHT, True), (BESIDE, wide)):
            before, after = screen.query_one(f"#{border.before}"), screen.query_one(f"#{border.after}")
            share = self.shares.get(border.name) if counts and not one else None
            for box, part in ((before, share), (after, None if share is None else 100 - share)):
                setattr(box.styles, border.axis, None if part is None else f"{part}fr")
                if border.axis == "width":
                    box.styles.max_width = None if part is None else "100%"
                    box.styles.min_width = None if part is None else 0

    def move(self, screen: DOMNode, border: Border, cells: float) -> None:
        """Put a border so many cells after the beginning of the box before it."""
        before, after = (screen.query_one(f"#{name}").outer_size for name in (border.before, border.after))
        room = before.width + after.width if border.axis == "width" else before.height + after.height
        if room:
            self.shares[border.name] = max(LEAST, min(round(100 * cells / room), 100 - LEAST))

    def step(self, screen: DOMNode, direction: Direction, *, narrow: bool) -> bool:
        """Move a border by a key; False if there is none that goes in that direction."""
        if direction in ("left", "right"):
            border = SIDE
            if narrow:
                return False
        else:
            border = RIGHT if not narrow or screen.query_one("#right").has_focus_within else STACK
        before, after = (screen.query_one(f"#{name}").outer_size for name in (border.before, border.after))
        size, rest = (before.width, after.width) if border.axis == "width" else (before.height, after.height)
        share = self.shares.get(border.name, round(100 * size / max(1, size + rest)))
        step = STEP if direction in ("right", "down") else -STEP
        self.shares[border.name] = max(LEAST, min(share + step, 100 - LEAST))
        return True


def border_at(box: str, x: int, y: int, width: int, height: int, *, narrow: bool, wide: bool = False) -> Border | None:
    """The border that a cell of a box's frame belongs to; `x` and `y` count from the box's corner."""
    if box == "tasks-box":
        if narrow:
            return STACK if y == height - 1 else None
        return SIDE if x == width - 1 else None
    if wide and x == {"about-box": width - 1, "source-box": 0}.get(box):
        return BESIDE
    if not narrow and x == 0:
        return SIDE
    if narrow and box != "output-box" and y == 0:
        return STACK
    edge = 0 if box == "output-box" else height - 1
    return RIGHT if y == edge else None
