"""Java's methods and names in templates, as GraalJS shows them in Nashorn's mode (core 6.5)."""

from __future__ import annotations

import pytest

from digdag_tui.params.evaluate import Evaluator, TemplateError

EVALUATOR = Evaluator()
SCOPE = {"s": "Hello, World", "u": "äöü😀", "n": 12, "f": 1.5, "words": ["b", "A", "a", "B", "_", "1", "é", "Z", "-"]}


def evaluated(expression: str) -> str:
    return EVALUATOR.text("${" + expression + "}", SCOPE)


def reason(expression: str) -> str:
    with pytest.raises(TemplateError) as caught:
        evaluated(expression)
    return caught.value.reason


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("s.length()", "12"),
        ("s.length", "12"),
        ("u.length()", "5"),
        ("s.isEmpty()", "false"),
        ("' '.isBlank()", "true"),
        ("' x '.strip() + '|'", "x|"),
        ("' x '.stripLeading() + '|'", "x |"),
        ("' x '.stripTrailing() + '|'", " x|"),
        ("'ab'.repeat(3)", "ababab"),
        ("s.equals('Hello, World')", "true"),
        ("s.equals(null)", "false"),
        ("'5'.equals(5)", "false"),
        ("s.equalsIgnoreCase('HELLO, WORLD')", "true"),
        ("s.equalsIgnoreCase(null)", "false"),
        ("s.compareTo('Hello')", "7"),
        ("s.compareTo('Zebra')", "-18"),
        ("s.compareToIgnoreCase('hello, world')", "0"),
        ("s.contains('lo')", "true"),
        ("s.contains('')", "true"),
        ("s.contains(new String('lo'))", "true"),
        ("s.contentEquals('x')", "false"),
        ("s.startsWith('He')", "true"),
        ("s.startsWith('lo', 3)", "true"),
        ("s.startsWith('He', -1)", "false"),
        ("s.endsWith('ld')", "true"),
        ("s.endsWith('')", "true"),
        ("s.matches('Hello.*')", "true"),
        ("s.matches('Hello')", "false"),
        ("s.replaceAll('[aeiou]', '*')", "H*ll*, W*rld"),
        (r"s.replaceAll('(\\w+), (\\w+)', '$2 $1')", "World Hello"),
        (r"s.replaceAll('l', '\\$')", "He$$o, Wor$d"),
        ("s.replaceAll('(?<x>l)', '<${x}>')", "He<l><l>o, Wor<l>d"),
        ("s.replaceFirst('(?i)HELLO', 'Bye')", "Bye, World"),
        ("s.hashCode()", "-505841268"),
        ("u.codePointAt(3)", "128512"),
        ("u.codePointCount(0, 5)", "4"),
        ("s.offsetByCodePoints(0, 1)", "1"),
        ("s.subSequence(1, 3)", "el"),
        ("s.regionMatches(true, 0, 'hELLO', 0, 5)", "true"),
        ("s.regionMatches(0, 'Hello', 0, 50)", "false"),
        ("s.chars().count()", "12"),
        ("u.codePoints().count()", "4"),
        ("'a\\nb\\r\\nc\\n'.lines().count()", "3"),
        ("s.getBytes()", "{}"),
        ("s.toCharArray().length", ""),
        ("s.getClass().getName()", "java.lang.String"),
        ("'a\\nb'.indent(2)", "  a\n  b\n"),
        ("'  a\\n b'.indent(-1)", " a\nb\n"),
        ("s.transform(function(x) { return x + '!' })", "Hello, World!"),
        ("'%s-%d'.formatted('x', 5)", "x-5"),
        ("typeof s.replaceAll", "undefined"),
        ("s['replaceAll']('l', 'L')", "HeLLo, WorLd"),
        ("s.replaceAll('l', 'L').toUpperCase().contains('WORLD')", "true"),
        ("n.toString().replaceAll('1', '6')", "62"),
        ("'abc'.trimStart() + 'x '.trimEnd() + ' y'.trimLeft() + 'z '.trimRight()", "abcxyz"),
    ],
)
def test_methods_of_texts(expression: str, result: str) -> None:
    assert evaluated(expression) == result


@pytest.mark.parametrize(
    "expression",
    [
        "s.length(1)",
        "s.equals()",
        "s.contains()",
        "s.contains(5)",
        "s.contains([1])",
        "s.startsWith(/He/)",
        "s.startsWith('He', '0')",
        "s.matches(/Hello/)",
        "s.replaceAll('l')",
        "s.replaceAll('l', 5)",
        "s.replaceAll(/l/g, 'x')",
        "s.replaceAll('l', function(m) { return m })",
        "s.repeat('2')",
        "s.repeat(2.5)",
        "s.compareTo(5)",
        "s.codePointAt('0')",
        "s['length']()",
        "new String('abc').replaceAll('a', 'b')",
        "new String('abc').length()",
        "n.length()",
        "n.replaceAll('1', '2')",
        "words.contains('a')",
        "s.nosuch()",
    ],
)
def test_java_refuses_what_javascript_would_convert(expression: str) -> None:
    assert reason(expression).startswith("TypeError: ")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'x'.repeat(-1)", "count is negative: -1"),
        ("s.codePointAt(100)", "index 100, length 12"),
        ("s.subSequence(3, 1)", "begin 3, end 1, length 12"),
        ("s.replaceAll('l', '$3')", "No group 3"),
        ("s.replaceAll('l', '$')", "Illegal group reference"),
        ("Java.type('java.lang.String').format('%d', 'x')", "d != java.lang.String"),
        ("Java.type('java.lang.String').format('%.2f', n)", "f != java.lang.Integer"),
        ("Java.type('java.lang.String').format('%q', n)", "Conversion = 'q'"),
        ("Java.type('java.lang.String').format('%s')", "Format specifier '%s'"),
        ("quit()", "null"),
        ("exit(3)", "null"),
    ],
)
def test_an_exception_of_java_is_its_message_alone(expression: str, message: str) -> None:
    assert reason(expression) == message


def test_an_exception_of_java_can_be_caught() -> None:
    caught = "(function() { try { 'x'.repeat(-1) } catch (e) { return e.getMessage() + '|' + e } })()"
    message = "count is negative: -1"
    assert evaluated(caught) == f"{message}|java.lang.IllegalArgumentException: {message}"
    assert "because an argument is null" in reason("s.contains(null)")


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ("'%05d', 12", "00012"),
        ("'%s %s', 'a', n", "a 12"),
        ("'%.2f', f", "1.50"),
        ("'%x|%X|%o', 255, 255, 8", "ff|FF|10"),
        ("'%,d', 1234567", "1,234,567"),
        ("'%-5s|%5s', 'a', 'b'", "a    |    b"),
        ("'%2$s %1$s', 'a', 'b'", "b a"),
        ("'%s', [1, 2]", "1"),
        ("'%s', 100000000000", "1.0E11"),
        ("'%s', 1.5", "1.5"),
        ("'%s %b', null, true", "null true"),
        ("'%c', 97", "a"),
        ("'%+d%%', 5", "+5%"),
    ],
)
def test_format(arguments: str, result: str) -> None:
    assert evaluated(f"java.lang.String.format({arguments})") == result


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("java", "{}"),
        ("java.util.Date", "{}"),
        ("org.foo.Bar", "{}"),
        ("typeof Packages.com.x", "object"),
        ("Object.keys(Java)", "[]"),
        ("Java.extend", "undefined"),
        ("typeof JavaImporter", "function"),
        ("Graal", '{"language":"JavaScript"}'),
        ("Graal.isGraalRuntime()", "false"),
        ("Java.isScriptObject({})", "true"),
        ("Java.isJavaObject('x')", "false"),
        ("Java.typeName(Java.type('java.lang.String'))", "java.lang.String"),
    ],
)
def test_names_of_java(expression: str, result: str) -> None:
    assert evaluated(expression) == result


@pytest.mark.parametrize(
    "expression",
    [
        "Java.type('java.lang.System')",
        "Java.type('java.lang.String')",
        "java.lang.System.currentTimeMillis()",
        "new java.util.Date()",
        "Java.from([1])",
        "Java.to([1])",
        "com()",
    ],
)
def test_no_other_class_can_be_reached(expression: str) -> None:
    assert reason(expression).startswith("TypeError: ")


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("words.slice().sort(function(x, y) { return x.localeCompare(y) }).join('')", "-_1aAbBéZ"),
        ("'résumé'.localeCompare('resume')", "1"),
        ("'resume'.localeCompare('Résumé')", "-1"),
        ("'a'.localeCompare('A')", "-1"),
        ("'a b'.localeCompare('ab')", "1"),
        ("'a-b'.localeCompare('ac')", "-1"),
        ("'2026-01-02'.localeCompare('2026-01-10')", "-1"),
        ("'z'.localeCompare('ä')", "1"),
        ("'a'.localeCompare('a')", "0"),
    ],
)
def test_texts_compare_as_in_java(expression: str, result: str) -> None:
    assert evaluated(expression) == result


@pytest.mark.parametrize(
    ("pattern", "replacement", "result"),
    [
        (r"\\d{4}", "Y", "a-b [c] Y"),
        ("(?<=-)b", "B", "a-B [c] 2026"),
        ("[-a]", "x", "xxb [c] 2026"),
        ("[a-b-]", "x", "xxx [c] 2026"),
        (r"[\\w-]", "x", "xxx [x] xxxx"),
        (r"[\\[\\]]", "|", "a-b |c| 2026"),
        ("(?i)[A-C&&[^B]]", "x", "x-b [x] 2026"),
        (r"\\p{Alpha}", "x", "x-x [x] 2026"),
        (r"\\Q[c]\\E", "x", "a-b x 2026"),
        ("2++", "x", "a-b [c] x0x6"),
        ("$", "!", "a-b [c] 2026!"),
        ("", "_", "_a_-_b_ _[_c_]_ _2_0_2_6_"),
        ("(2)(0)", "$2$1$$".replace("$$", r"\\$"), "a-b [c] 02$26"),
        ("(2)", "$11", "a-b [c] 210216"),
    ],
)
def test_regular_expressions_of_java(pattern: str, replacement: str, result: str) -> None:
    assert evaluated(f"'a-b [c] 2026'.replaceAll('{pattern}', '{replacement}')") == result


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "Unclosed group near index 1\n("),
        ("[a", "Unclosed character class near index 1\n[a\n ^"),
        ("a|*", "Dangling meta character '*' near index 2\na|*\n  ^"),
        (r"\\y", "Illegal/unsupported escape sequence near index 1\n\\y\n ^"),
        (r"\\", "Unexpected internal error near index 1\n\\"),
    ],
)
def test_a_regular_expression_that_java_refuses(pattern: str, message: str) -> None:
    assert reason(f"s.matches('{pattern}')") == message


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (r"\\", "character to be escaped is missing"),
        ("${y}", "No group with name {y}"),
        ("$x", "Illegal group reference"),
    ],
)
def test_a_replacement_that_java_refuses(replacement: str, message: str) -> None:
    assert reason(f"s.replaceAll('l', '{replacement}')") == message
