"""How long templates take: prints microseconds for each kind.

python benchmarks/bench_templates.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

from digdag_tui.params.evaluate import Evaluator
from digdag_tui.workflow.config import Params

BUILT_IN: Params = {
    "timezone": "Asia/Tokyo", "session_uuid": "414a8b9e-b365-4394-916a-f0ed9987bd2b", "session_id": 12,
    "session_time": "2026-01-31T00:00:00+09:00", "session_date": "2026-01-31", "session_date_compact": "20260131",
    "session_local_time": "2026-01-31 00:00:00", "session_tz_offset": "+0900", "session_unixtime": 1769785200,
    "project_id": 3, "attempt_id": 17, "task_name": "+main+load",
}  # fmt: skip
PARAMS: Params = {
    **{f"plain_{index}": f"value {index}" for index in range(12)},
    "td": {"database": "sales", "apikey": "none", "engine": "presto"},
    "table": "${td.database}.daily_${session_date_compact}",
    "limit": 100,
    "path": "s3://bucket/${td.database}/${session_date}/",
    **BUILT_IN,
}
LOCAL: Params = {"echo>": "${table} ${limit * 2}", "to": "${path}", "retries": 3}


def measure(label: str, run: Callable[[], object], seconds: float = 0.5) -> None:
    """Print the mean time of `run` once it is warm."""
    run()
    count, start = 0, time.perf_counter()
    while (now := time.perf_counter()) - start < seconds:
        run()
        count += 1
    print(f"{label:44} {(now - start) / count * 1e6:10.1f}")


def main() -> None:
    evaluator = Evaluator()
    scope = {**PARAMS, "a": {"b": "x"}, "n": 7}
    print(f"{'':44} {'µs':>10}")
    for text in (
        "plain",
        "${a.b}",
        "${td}",
        "${n * 2 + 1}",
        "${td.database.toUpperCase()}",
        "${td.database.replaceAll('a', 'b')}",
        "${moment(session_time).format('YYYY-MM-DD')}",
        "${moment(session_time).add(1, 'days').format()}",
        "${x = 2}",
    ):
        measure(text, lambda text=text: evaluator.text(text, scope))  # type: ignore[misc]
    measure("params of a task (30 keys, 4 templates)", lambda: evaluator.evaluate(PARAMS, LOCAL))
    plain = {key: value for key, value in PARAMS.items() if "$" not in str(value)}
    measure("params of a task (28 keys, no template)", lambda: evaluator.evaluate(plain, {"echo>": "x", "y": 1}))
    measure("a new evaluator, ${n + 1}", lambda: Evaluator().text("${n + 1}", scope))
    measure("a new evaluator, a moment", lambda: Evaluator().text("${moment(session_time).format()}", scope))


if __name__ == "__main__":
    main()
