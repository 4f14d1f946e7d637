"""The tasks of orders.dig, each alone: no engine, no workflow. digdag-tui brings the fixture `digdag_env`."""

import pytest
from tasks import orders


def test_report_called_directly(digdag_env):
    digdag_env.params["session_date"] = "2026-01-31"
    orders.report({"ginza": 100, "umeda": 200})
    assert digdag_env.store_params == {"best": "umeda", "day": "2026-01-31"}


def test_report_called_as_digdag_calls_it(digdag_env, capsys):
    digdag_env.params = {"sold": {"ginza": 100}, "currency": "JPY", "session_date": "2026-01-31"}
    digdag_env.call("tasks.orders.report")
    assert capsys.readouterr().out == "ginza: 100 JPY\n"


def test_a_missing_param_is_told_as_digdag_tells_it(digdag_env):
    with pytest.raises(TypeError, match="Method 'report' requires parameter 'sold' but not set"):
        digdag_env.call("tasks.orders.report")


def test_a_task_for_each_shop(digdag_env):
    orders.split(["ginza", "umeda"])
    assert [(task.function, task.args) for task in digdag_env.subtasks] == [
        (orders.load, {"shop": "ginza"}),
        (orders.load, {"shop": "umeda"}),
    ]
    assert digdag_env.subtask_config["_parallel"] is True


def test_from_the_files_to_the_report(digdag_env):
    digdag_env.params = {"shops": ["ginza", "umeda"], "session_date": "2026-01-31"}
    digdag_env.call(orders.split)
    for task in digdag_env.subtasks:
        digdag_env.call(task)
    assert digdag_env.store_params["sold"] == {"ginza": 2100, "umeda": 2800}
    digdag_env.call(orders.report)  # gets what was stored
    assert digdag_env.store_params["best"] == "umeda"


def test_a_shop_that_sold_nothing(digdag_env, tmp_path):
    (tmp_path / "kobe.csv").write_text("item,price,count\n")
    digdag_env.call(orders.load, shop="kobe", data=str(tmp_path))
    assert digdag_env.store_params == {"sold": {"kobe": 0}}
