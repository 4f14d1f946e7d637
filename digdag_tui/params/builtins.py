"""Built-in variables: Digdag's runtime params, which exports and stores cannot override (core 6.3, cli 5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..workflow.config import Params
from ..workflow.convert import read_optional_string
from ..workflow.errors import ConfigError
from ..workflow.session_time import format_session_time, parse_session_time
from ..workflow.zones import zone, zone_id

if TYPE_CHECKING:
    from ..workflow.schedule import Schedule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST, _LAST_EXECUTED, _NEXT = "last_session_", "last_executed_session_", "next_session_"


class BuiltIns:
    """The built-in variables of one attempt.

    Args:
        session_time: as `format_session_time` gives it; variables show it in the zone `timezone`.
        timezone: a zone id.

    Raises:
        ValueError: `session_time` is no such time.
        ConfigError: `timezone` is no zone.
    """

    def __init__(
        self,
        session_uuid: str,
        session_time: str,
        timezone: str,
        *,
        session_id: int = 1,
        project_id: int = 1,
        attempt_id: int = 1,
        retry_attempt_name: str | None = None,
    ) -> None:
        self._zone = zone(timezone)
        self._derived: dict[tuple[str, str | None], Params] = {}
        time = parse_session_time(session_time).astimezone(self._zone)
        self._session: Params = {
            "timezone": zone_id(timezone),
            "session_uuid": session_uuid,
            "session_time": format_session_time(time),
            "session_id": session_id,
            **_time_params("session_", time),
        }
        retry = {} if retry_attempt_name is None else {"retry_attempt_name": retry_attempt_name}
        self._ids: Params = {"project_id": project_id, **retry, "attempt_id": attempt_id}

    def for_task(self, task_name: str, params: Params) -> Params:
        """The variables of a task, in Digdag's order; `params` are its other params, unevaluated.

        `last_session_*`, `next_session_*` and `last_executed_session_*` come from the `..._time` in `params`.
        """
        built_ins = dict(self._session)
        for prefix in (_LAST, _LAST_EXECUTED, _NEXT):
            built_ins.update(self._from_params(prefix, params))
        built_ins.update(self._ids)
        built_ins["task_name"] = task_name
        return built_ins

    def _from_params(self, prefix: str, params: Params) -> Params:
        try:
            text = read_optional_string(params, f"{prefix}time")
        except ConfigError:
            return {}
        key = (prefix, text)
        if key not in self._derived:
            self._derived[key] = self._derive(prefix, text)
        return self._derived[key]

    def _derive(self, prefix: str, text: str | None) -> Params:
        if text is None:
            return _no_time_params(prefix, _EPOCH.astimezone(self._zone)) if prefix == _LAST_EXECUTED else {}
        try:
            return _time_params(prefix, parse_session_time(text).astimezone(self._zone))
        except (ValueError, OverflowError):
            return {}


def schedule_params(schedule: Schedule | None, session_time: datetime) -> Params:
    """What a schedule adds to the params of an attempt: the sessions before and after `session_time` (core 6.1).

    Raises:
        ConfigError: they would not lie in the years 1 to 9999.
    """
    if schedule is None:
        return {}
    return {
        "last_session_time": format_session_time(schedule.last(session_time).session_time),
        "next_session_time": format_session_time(schedule.next(session_time).session_time),
    }


def _time_params(prefix: str, time: datetime) -> Params:
    date = time.date().isoformat()
    return {
        f"{prefix}date": date,
        f"{prefix}date_compact": date.replace("-", ""),
        f"{prefix}local_time": f"{date} {time.time().isoformat('seconds')}",
        f"{prefix}tz_offset": _offset(time),
        f"{prefix}unixtime": int(time.timestamp()),
    }


def _no_time_params(prefix: str, epoch: datetime) -> Params:
    texts = dict.fromkeys(("time", "date", "date_compact", "local_time", "tz_offset", "unixtime"), "")
    texts["tz_offset"] = _offset(epoch)
    return {f"{prefix}{name}": text for name, text in texts.items()}


def _offset(time: datetime) -> str:
    return format_session_time(time)[len("yyyy-MM-ddTHH:mm:ss") :].replace(":", "")
