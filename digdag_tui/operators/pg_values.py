"""The values of a PostgreSQL result as its JDBC driver hands them to Digdag: as JSON and as text (operators 5.4)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zlib import crc32

from msgspec import Struct

from ..workflow.config import Params, Value
from ..workflow.text import java_double
from .java_dates import java_date, java_time, java_timestamp

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

_PGSQL = "org.postgresql."
_ARRAY_CHAIN = (
    f"{_PGSQL}core.v3.replication.V3ReplicationProtocol",
    f'{_PGSQL}jdbc.PgArray["resultSet"]->{_PGSQL}jdbc.PgResultSet["statement"]->{_PGSQL}jdbc.PgStatement["connection"]'
    f'->{_PGSQL}jdbc.PgConnection["queryExecutor"]->{_PGSQL}core.v3.QueryExecutorImpl["replicationProtocol"]',
)
_XML_CHAIN = ("java.io.ByteArrayInputStream", f'{_PGSQL}jdbc.PgSQLXML["binaryStream"]')
_INTERVAL = re.compile(
    r"(?:([+-]?\d+) years?)?\s*(?:([+-]?\d+) mons?)?\s*(?:([+-]?\d+) days?)?\s*"
    r"(?:([+-]?)(\d+):(\d+):(\d+)(?:\.(\d+))?)?"
)


class BadValue(Exception):
    """A value that the driver refuses to read."""


class NotJson(Struct, frozen=True):
    """Stands for a value that Jackson cannot write: the class it stops at, and the way there."""

    java_class: str
    chain: str


class JavaValue(Struct, frozen=True):
    """A value: its JSON and its `toString`; `is_text` says that it is a `String`."""

    json: Value | NotJson
    text: str
    is_text: bool = False


class Rows:
    """The rows of a result, read one by one.

    Args:
        result: a result that has rows, all of its values in PostgreSQL's text format.
        types: the names of the types that the driver does not know, by OID.
        local: Java's default zone.
    """

    def __init__(self, result: PGresult, types: Mapping[int, TypeName], local: tzinfo) -> None:
        self._result = result
        self.columns = [_text(result.fname(index) or b"") for index in range(result.nfields)]
        self._readers = [_reader(result.ftype(index), types, local) for index in range(result.nfields)]

    def __len__(self) -> int:
        return self._result.ntuples

    def __getitem__(self, row: int) -> list[JavaValue | None]:
        """A row; null is None.

        Raises:
            BadValue: the driver does not read one of its values.
        """
        values: list[JavaValue | None] = []
        for column, read in enumerate(self._readers):
            value = self._result.get_value(row, column)
            values.append(None if value is None else read(_text(value)))
        return values


class TypeName(Struct, frozen=True):
    """A type of the database; `category` is its `typtype`, or `a` for an array."""

    name: str
    category: str


_Reader = Callable[[str], JavaValue]


def unknown_types(result: PGresult) -> set[int]:
    """The OIDs of columns whose types only the database can tell."""
    return {result.ftype(index) for index in range(result.nfields)} - _READERS.keys() - _DATES.keys()


def _reader(oid: int, types: Mapping[int, TypeName], local: tzinfo) -> _Reader:
    if reader := _READERS.get(oid):
        return reader
    if dated := _DATES.get(oid):
        return lambda text: dated(text, local)
    known = types[oid]
    if known.category == "a":
        return _array
    if known.category == "e":
        return _string
    return lambda text: _object(known.name, text)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _string(text: str) -> JavaValue:
    return JavaValue(text, text, is_text=True)


def _plain(text: str) -> JavaValue:
    return JavaValue(text, text)


def _bool(text: str) -> JavaValue:
    value = text in ("t", "1")
    return JavaValue(value, "true" if value else "false")


def _integer(text: str) -> JavaValue:
    return JavaValue(int(text), text)


def _double(text: str) -> JavaValue:
    number = float(text)
    shown = java_double(number)
    return JavaValue(number if shown[-1].isdigit() else shown, shown)


def _numeric(text: str) -> JavaValue:
    if text == "NaN":
        return JavaValue("NaN", "NaN")
    if text.endswith("Infinity"):
        raise BadValue(f"Bad value for type BigDecimal : {text}")
    shown = str(Decimal(text))
    return JavaValue(int(text) if shown.lstrip("-").isdigit() else float(text), shown)


def _money(text: str) -> JavaValue:
    number = text.replace("$", "").replace(",", "")
    try:
        return _double(number)
    except ValueError:
        raise BadValue(f"Bad value for type double : {text.replace('$', '')}") from None


def _bytes(text: str) -> JavaValue:
    data = bytes.fromhex(text.removeprefix("\\x"))
    return JavaValue(b64encode(data).decode(), f"[B@{crc32(data):x}")


def _bits(text: str) -> JavaValue:
    return _bool(text) if len(text) == 1 else _object("bit", text)


def _array(text: str) -> JavaValue:
    return JavaValue(NotJson(*_ARRAY_CHAIN), text)


def _xml(text: str) -> JavaValue:
    return JavaValue(NotJson(*_XML_CHAIN), f"{_PGSQL}jdbc.PgSQLXML@{crc32(text.encode()):x}")


def _object(type_name: str, text: str, parts: Params | None = None) -> JavaValue:
    """A `PGobject`; its `null` is what the driver's `isNull` says of values."""
    return JavaValue({"type": type_name, "value": text, **(parts or {}), "null": True}, text)


def _interval(text: str) -> JavaValue:
    found = _INTERVAL.fullmatch(text)
    if found is None:
        raise BadValue("Conversion of interval failed")
    years, months, days = (int(part or 0) for part in found.groups()[:3])
    sign = -1 if found[4] == "-" else 1
    hours, minutes, whole = (sign * int(part or 0) for part in found.groups()[4:7])
    micros = sign * int(f"{found[8] or 0:0<6}")
    seconds = (whole * 1_000_000 + micros) / 1_000_000
    whole_text, _, fraction = f"{seconds:.6f}".partition(".")
    clock = f"{hours} hours {minutes} mins {whole_text}.{fraction.rstrip('0') or '0'} secs"
    parts = {
        "years": years,
        "months": months,
        "days": days,
        "hours": hours,
        "minutes": minutes,
        "wholeSeconds": whole,
        "microSeconds": micros,
        "seconds": seconds,
    }
    return _object("interval", f"{years} years {months} mons {days} days {clock}", parts)


def _date(text: str, local: tzinfo) -> JavaValue:
    date = java_date(text, local)
    return JavaValue(date.milliseconds, date.text)


def _timestamp(text: str, local: tzinfo) -> JavaValue:
    moment = java_timestamp(text, local)
    return JavaValue(moment.milliseconds, moment.text)


def _time(text: str, local: tzinfo) -> JavaValue:
    return _plain(java_time(text, local))


_READERS: Final[dict[int, _Reader]] = {
    16: _bool,
    17: _bytes,
    **dict.fromkeys((18, 19, 25, 705, 1042, 1043), _string),
    **dict.fromkeys((20, 21, 23, 26), _integer),
    142: _xml,
    **dict.fromkeys((700, 701), _double),
    790: _money,
    1186: _interval,
    1560: _bits,
    1700: _numeric,
    2950: _plain,
}
"""By the OIDs of pg_type: bool, bytea, texts, integers, xml, floats, money, interval, bit, numeric and uuid."""

_DATES: Final[dict[int, Callable[[str, tzinfo], JavaValue]]] = {
    1082: _date,
    **dict.fromkeys((1083, 1266), _time),
    **dict.fromkeys((1114, 1184), _timestamp),
}
"""By the OIDs of pg_type: date, time and timetz, timestamp and timestamptz."""
