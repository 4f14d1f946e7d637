"""Parsing the expressions of ECMAScript 5, and noting which names they use."""

from __future__ import annotations

from dataclasses import dataclass, field

from .tokens import ScriptError, Token, regex_at, token_at

_ASSIGNMENTS = frozenset(["=", "+=", "-=", "*=", "**=", "/=", "%=", "<<=", ">>=", ">>>=", "&=", "|=", "^="])
_PRECEDENCE = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "===": 6, "!==": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "in": 7, "instanceof": 7, "<<": 8, ">>": 8, ">>>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_UNARY = frozenset(["delete", "void", "typeof", "+", "-", "~", "!"])
_LITERALS = frozenset(("null", "true", "false"))
_MEMBER = ""
"""What an expression that ends in a property access is as a target; a plain name is itself, others are None."""

_NEWER = {
    "=>": "arrow functions: write function (x) { return x; }",
    "`": "template literals: join texts with +",
    "...": "spread and rest",
    "**": "operator **: write Math.pow(a, b)",
    "??": "operator ??: write a == null ? b : a",
    "?.": "operator ?.: write a && a.b",
    "||=": "operator ||=",
    "&&=": "operator &&=",
    "const": "const: write var",
    "let": "let: write var",
    "class": "classes",
    "super": "super",
    "import": "import",
    "export": "export",
    "async": "async functions",
    "of": "for ... of: write a loop over an index",
}


@dataclass(slots=True)
class Scope:
    """The names of one function, or of one catch clause."""

    function: bool
    declared: set[str] = field(default_factory=set)
    reads: list[tuple[str, ...]] = field(default_factory=list)
    writes: set[str] = field(default_factory=set)


class ExpressionParser:
    """A recursive descent: methods are named after what they parse, and leave `token` behind it.

    What it notes on the way is explained at `syntax.Script`.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.token = self.previous = Token("end", "eof", 0, 0, False)
        self.scopes = [Scope(function=True)]
        self.members: set[str] = set()
        self.methods: list[tuple[str, int]] = []
        self.calls: list[tuple[int, int, int]] = []
        self.reads_all = self.dynamic = self.changes = self.reads_global = False
        self.fails: ScriptError | None = None

    def restart(self, position: int) -> None:
        self.token = token_at(self.source, position)

    # Tokens

    def next(self) -> Token:
        """Step over the token and give it."""
        self.previous = self.token
        self.token = token_at(self.source, self.token.end)
        return self.previous

    def at(self, *texts: str) -> bool:
        return self.token.text in texts and self.token.kind in ("punctuator", "keyword")

    def accept(self, text: str) -> bool:
        if self.at(text):
            self.next()
            return True
        return False

    def expect(self, text: str, newer: str | None = None) -> None:
        if not self.accept(text):
            raise self.error(f"Expected {text} but found", newer)

    def name(self, newer: str | None = None) -> str:
        if self.token.kind != "name":
            raise self.error("Expected ident but found", newer)
        return self.next().text

    def error(self, message: str, newer: str | None = None) -> ScriptError:
        """An error that ends in the token; `newer` is what it would be in a newer ECMAScript."""
        token, previous = self.token, self.previous
        text, start = token.text, token.start
        if token.kind == "string":
            text, start = text[1:-1], start + 1
        here = self.source[token.start : token.start + 1]
        both = previous.text + token.text if previous.end == token.start else ""
        for word in (both, here, token.text, previous.text):
            newer = newer or _NEWER.get(word)
        return ScriptError(f"{message} {text}", start, newer)

    def iterates(self, newer: str) -> None:
        """Note what Digdag parses but cannot run, since ECMAScript 5 has no iterators."""
        self.fails = self.fails or ScriptError("undefined is not a function", self.token.start, newer, "TypeError")

    # Names

    def declare(self, name: str) -> None:
        next(scope for scope in reversed(self.scopes) if scope.function).declared.add(name)

    def leave(self) -> None:
        """End the innermost scope: what it does not declare itself is its parent's."""
        inner, outer = self.scopes.pop(), self.scopes[-1]
        outer.reads += [path for path in inner.reads if path[0] not in inner.declared]
        outer.writes |= inner.writes - inner.declared

    def write(self, target: str | None, start: int) -> None:
        """Note an assignment to what began at `start`."""
        if target is None:
            raise ScriptError("Invalid left hand side for assignment", start, kind="ReferenceError")
        if target == _MEMBER:
            self.changes = True
        else:
            self.scopes[-1].writes.add(target)

    def function(self, name: str | None) -> None:
        """Parameters and body; `name` is known inside only."""
        newer = "default values, patterns and rest in parameters"
        self.scopes.append(Scope(function=True, declared={"arguments", *([name] if name else [])}))
        self.expect("(", "generators" if self.at("*") else None)
        while not self.at(")"):
            self.declare(self.name(newer))
            if not self.at(")"):
                self.expect(",", newer if self.at("=") else None)
                if self.at(")"):
                    self.name("trailing commas in parameters")
        self.next()
        self.block()
        self.leave()

    def block(self) -> None:
        """Statements in braces: a matter of the subclass.

        Raises:
            ScriptError: not ECMAScript 5.
        """
        raise NotImplementedError

    # Expressions

    def expression(self, no_in: bool = False) -> str | None:
        target = self.assignment(no_in)
        while self.accept(","):
            self.assignment(no_in)
            target = None
        return target

    def assignment(self, no_in: bool = False) -> str | None:
        start = self.token.start
        target = self.conditional(no_in)
        if self.token.kind == "punctuator" and self.token.text in _ASSIGNMENTS:
            self.next()
            self.assignment(no_in)
            self.write(target, start)
            return None
        return target

    def conditional(self, no_in: bool) -> str | None:
        target = self.binary(1, no_in)
        if self.accept("?"):
            self.assignment()
            self.expect(":")
            self.assignment(no_in)
            return None
        return target

    def binary(self, minimum: int, no_in: bool) -> str | None:
        target = self.unary()
        while self.token.kind in ("punctuator", "keyword"):
            precedence = _PRECEDENCE.get(self.token.text, 0)
            if precedence < minimum or (no_in and self.token.text == "in"):
                break
            self.next()
            self.binary(precedence + 1, no_in)
            target = None
        return target

    def unary(self) -> str | None:
        if self.at(*_UNARY):
            operator = self.next().text
            self.unary()
            self.changes |= operator == "delete"
            return None
        if self.at("++", "--"):
            self.next()
            start = self.token.start
            self.write(self.unary(), start)
            return None
        start = self.token.start
        target = self.member()
        if self.at("++", "--") and not self.token.newline:
            self.write(target, start)
            self.next()
            return None
        return target

    def member(self, calls: bool = True) -> str | None:
        """A primary expression and what follows it: properties, and calls where `calls` says so."""
        start = self.token.start
        path: list[str] | None = None
        target: str | None = None
        if self.accept("new"):
            callee = self.token.start
            self.member(calls=False)
            self.arguments(callee)
        else:
            path, target = self.primary()
        while True:
            if self.accept("."):
                if self.token.kind not in ("name", "keyword"):
                    raise self.error("Expected ident but found")
                method = self.next()
                path = self.property(path, method.text)
                target = _MEMBER
                if calls and self.at("("):
                    self.methods.append((method.text, method.start))
            elif self.accept("["):
                key = self.token
                only = token_at(self.source, key.end).text == "]"
                static = only and key.kind == "string" and "\\" not in key.text
                if static:
                    path = self.property(path, key.text[1:-1])
                else:
                    self.dynamic |= not (only and key.kind == "number")
                    self.read(path)
                    path = None
                self.expression()
                self.expect("]")
                target = _MEMBER
                if static and calls and self.at("(") and key.text[1:-1] != "length":
                    self.methods.append((key.text[1:-1], key.start + 1))
            elif calls and self.at("("):
                self.read(path)
                path = None
                self.arguments(start)
                target = None
            else:
                self.read(path)
                return target

    def property(self, path: list[str] | None, name: str) -> list[str] | None:
        self.members.add(name)
        return None if path is None else [*path, name]

    def read(self, path: list[str] | None) -> None:
        """Note that `path` ends here."""
        if path == ["this"]:
            self.reads_all = True
        elif path:
            self.scopes[-1].reads.append(tuple(path[1:] if path[0] == "this" else path))

    def arguments(self, start: int) -> None:
        """The arguments of a call of what began at `start`; `new` may have none."""
        callee_end = self.previous.end
        if self.accept("("):
            while not self.at(")"):
                self.assignment()
                if not self.at(")"):
                    self.expect(",")
                    if self.at(")"):
                        raise self.error("Expected an operand but found", "trailing commas in calls")
            self.next()
        self.calls.append((start, callee_end, self.previous.end))

    def primary(self) -> tuple[list[str] | None, str | None]:
        """The path that a name or `this` starts, and the name if it can be assigned to."""
        token = self.token
        if token.kind == "name":
            self.next()
            return [token.text], token.text
        if token.kind in ("number", "string") or (token.kind == "keyword" and token.text in _LITERALS):
            self.next()
        elif self.at("/", "/="):
            self.token = regex_at(self.source, token)
            self.next()
        elif self.accept("this"):
            if sum(scope.function for scope in self.scopes) == 1:
                return ["this"], None
            self.reads_global = True
        elif self.accept("("):
            target = self.expression()
            self.expect(")")
            return None, target
        elif self.accept("["):
            self.array()
        elif self.accept("{"):
            self.object()
        elif self.accept("function"):
            self.function(self.next().text if self.token.kind == "name" else None)
        else:
            raise self.error("Expected an operand but found")
        return None, None

    def array(self) -> None:
        while not self.at("]"):
            if not self.accept(","):
                if self.at("..."):
                    self.iterates("spread in lists: write a.concat(b)")
                    self.next()
                self.assignment()
                if not self.at("]"):
                    self.expect(",")
        self.next()

    def object(self) -> None:
        while not self.at("}"):
            key = self.token
            if key.kind not in ("name", "keyword", "string", "number"):
                newer = "computed property names" if self.at("[") else None
                raise self.error("Expected property id but found", newer)
            self.next()
            accessor = key.kind == "name" and key.text in ("get", "set") and not self.at(":", ",", "}", "(")
            if accessor:
                key = self.next()
                self.function(None)
            else:
                self.expect(":", "shorthand properties and methods" if self.at(",", "}", "(") else None)
                self.assignment()
            self.members.add(key.text.strip("'\""))
            if not self.at("}"):
                self.expect(",")
        self.next()
