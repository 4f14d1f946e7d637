"""What a template's script may do, found by parsing it as ECMAScript 5 (core 6.5).

The engine below would accept today's JavaScript; Digdag's accepts ECMAScript 5 only. Parsing it here gives Digdag's
syntax errors, and tells which variables a script can read and whether it could change anything but its own objects.
"""

from __future__ import annotations

from dataclasses import dataclass

from .expressions import ExpressionParser, Scope
from .tokens import ScriptError, token_at

__all__ = ["Script", "ScriptError", "parse"]


@dataclass(slots=True)
class Script:
    """What parsing found.

    `reads` are the free names, each with the static properties asked of it: `a.b.length` is `("a", "b", "length")`,
    and `this.a` at the top is `("a",)`; with `reads_all` the script may look at any param. `members` are all
    property names it asks for; with `dynamic` some come from computing. `changes` tells that it assigns or deletes
    something that is not a local variable, `reads_global` that a function in it uses `this`. `methods` are the names
    in calls like `x.name(...)` and their places; `calls` where each call starts, where its callee and where it ends.
    """

    reads: tuple[tuple[str, ...], ...] = ()
    reads_all: bool = False
    members: frozenset[str] = frozenset()
    dynamic: bool = False
    changes: bool = False
    reads_global: bool = False
    methods: tuple[tuple[str, int], ...] = ()
    calls: tuple[tuple[int, int, int], ...] = ()


def parse(source: str, expressions: list[tuple[int, int]]) -> Script:
    """Parse a template's function body; `expressions` are the spans of the scripts in it.

    Only the scripts are read, unless one reaches beyond its span (an unbalanced parenthesis, a `//` comment).

    Raises:
        ScriptError: not ECMAScript 5.
    """
    parser = _Parser(source)
    try:
        for start, end in expressions:
            parser.restart(start)
            parser.expression()
            if parser.token.text != ")" or parser.token.start != end:
                parser = _Parser(source)
                parser.restart(0)
                parser.statements("eof")
                break
    except ScriptError:
        _check_line(source, parser.token.start)
        raise
    if parser.fails:
        raise parser.fails
    return parser.script()


def _check_line(source: str, position: int) -> None:
    """Digdag reads a whole line before it parses it: a string that does not end on it is the first error."""
    token = token_at(source, position)
    while token.kind != "end" and not token.newline:
        token = token_at(source, token.end)


class _Parser(ExpressionParser):
    """Statements; those that a keyword starts have a method named after it."""

    def script(self) -> Script:
        top = self.scopes[0]
        return Script(
            tuple(dict.fromkeys(top.reads)),
            self.reads_all,
            frozenset(self.members),
            self.dynamic,
            self.changes or bool(top.writes),
            self.reads_global,
            tuple(self.methods),
            tuple(self.calls),
        )

    def statements(self, *ends: str) -> None:
        while not (self.at(*ends) or self.token.kind == "end"):
            self.statement()
        if self.token.kind == "end" and "eof" not in ends:
            raise self.error(f"Expected {ends[0]} but found")

    def block(self) -> None:
        self.expect("{")
        self.statements("}")
        self.expect("}")

    def semicolon(self) -> None:
        if not (self.at("}") or self.token.kind == "end" or self.token.newline):
            self.expect(";")
        else:
            self.accept(";")

    def condition(self) -> None:
        self.expect("(")
        self.expression()
        self.expect(")")

    def statement(self) -> None:
        if self.token.kind == "keyword":
            parse_it = getattr(self, f"_{self.token.text}", None)
            if parse_it:
                self.next()
                parse_it()
                return
        if self.at("{"):
            self.block()
        elif not self.accept(";"):
            first = self.token
            self.expression()
            if first.kind == "name" and self.previous is first and self.accept(":"):
                self.statement()
            else:
                self.semicolon()

    def _var(self, no_in: bool = False) -> None:
        while True:
            name = self.name("destructuring")
            self.declare(name)
            if len(self.scopes) == 1:
                self.scopes[0].writes.add(name)
            if self.accept("="):
                self.assignment(no_in)
            if not self.accept(","):
                break
        if not no_in:
            self.semicolon()

    def _if(self) -> None:
        self.condition()
        self.statement()
        if self.accept("else"):
            self.statement()

    def _while(self) -> None:
        self.condition()
        self.statement()

    def _do(self) -> None:
        self.statement()
        self.expect("while")
        self.condition()
        self.accept(";")

    def _for(self) -> None:
        self.expect("(")
        start = self.token.start
        target: str | None = None
        if self.accept("var"):
            target = self.token.text
            self._var(no_in=True)
        elif not self.at(";"):
            target = self.expression(no_in=True)
        of = self.token.text == "of"
        if of:
            self.iterates("for ... of: write a loop over an index")
        if of or self.at("in"):
            self.next()
            self.write(target, start)
            self.expression()
        else:
            self.expect(";")
            if not self.at(";"):
                self.expression()
            self.expect(";")
            if not self.at(")"):
                self.expression()
        self.expect(")")
        self.statement()

    def _continue(self) -> None:
        if self.token.kind == "name" and not self.token.newline:
            self.next()
        self.semicolon()

    _break = _continue

    def _return(self) -> None:
        if not (self.at(";", "}") or self.token.kind == "end" or self.token.newline):
            self.expression()
        self.semicolon()

    def _with(self) -> None:
        if self.previous.start > 0:  # the template's own with(this) stands at the start
            self.changes = True
        self.condition()
        self.statement()

    def _switch(self) -> None:
        self.condition()
        self.expect("{")
        while not self.at("}"):
            if not self.accept("default"):
                self.expect("case")
                self.expression()
            self.expect(":")
            self.statements("}", "case", "default")
        self.expect("}")

    def _throw(self) -> None:
        if self.token.newline:
            raise self.error("Expected an operand but found")
        self.expression()
        self.semicolon()

    def _try(self) -> None:
        self.block()
        caught = self.accept("catch")
        if caught:
            self.expect("(", "catch without a name")
            self.scopes.append(Scope(function=False, declared={self.name("destructuring")}))
            self.expect(")")
            self.block()
            self.leave()
        if self.accept("finally"):
            self.block()
        elif not caught:
            raise ScriptError("Missing catch or finally after try", self.token.start)

    def _debugger(self) -> None:
        self.semicolon()

    def _function(self) -> None:
        if self.at("*"):
            self.expect("(", "generators")
        name = self.name()
        self.declare(name)
        if len(self.scopes) == 1:
            self.scopes[0].writes.add(name)
        self.function(None)
