"""The projects that `digdag-tui init` writes: for each type the texts of its files by name (cli 3)."""

from __future__ import annotations

from typing import Final

WORKFLOW: Final = "workflow.dig"
"""Stands for the workflow's file, which has the project's name."""

GITIGNORE: Final = ".digdag\n*.pyc\n/.digdag-wrapper\n"

_ECHO = """\
timezone: UTC

# Every task sees these params as ${name}.
_export:
  greeting: Hello

+hello:
  echo>: ${greeting} from the session of ${session_time}

# The tasks of a group run one after another, or side by side as here.
+both:
  _parallel: true

  +left:
    echo>: ${task_name} does not wait for its neighbour

  +right:
    echo>: ${task_name} does not wait for its neighbour

# One run of _do for each item.
+each:
  for_each>:
    fruit: [apple, orange]
  _do:
    echo>: the ${fruit} has ${fruit.length} letters
"""

_SH = """\
timezone: UTC

_export:
  script: scripts/myscript.sh

# A command line; the session's params can be written into it.
+date:
  sh>: echo "this session is about ${session_date}"

# A script of the project.
+script:
  sh>: ${script} first second

# `_env` gives a task variables of its own.
+environment:
  sh>: echo "GREETING is $GREETING"
  _env:
    GREETING: hello

# A command that ends with another code than 0 fails its task; this one is tried again.
+retried:
  _retry: 1
  sh>: test -d scripts
"""

_MYSCRIPT = """\
#!/bin/sh
# Called by the workflow with its arguments.
echo "$0 was called with $# arguments: $*"
"""

_PYTHON = """\
timezone: UTC

# A module and a class of it; arguments of the same name come from the params.
+count:
  py>: scripts.myclass.MyClass.count
  words: [one, two, three]

# What a task stored is a param of all that follow.
+show:
  echo>: ${number} words were counted

+check:
  if>: ${number > 2}
  _do:
    py>: scripts.myclass.MyClass.praise
"""

_MYCLASS_PY = '''\
import digdag


class MyClass:
    def count(self, words):
        """`words` is the task's param of that name."""
        digdag.env.store({"number": len(words)})

    def praise(self, number, session_time):
        print(f"{number} words on {session_time}: well done")
'''

_RUBY = """\
timezone: UTC

_export:
  rb:
    require: scripts/myclass

# A class and its method; arguments of the same name come from the params.
+count:
  rb>: MyClass.count
  words: [one, two, three]

# What a task stored is a param of all that follow.
+show:
  echo>: ${number} words were counted

+check:
  if>: ${number > 2}
  _do:
    rb>: MyClass.praise
"""

_MYCLASS_RB = """\
class MyClass
  # `words` is the task's param of that name.
  def count(words)
    Digdag.env.store(number: words.length)
  end

  def praise(number:, session_time:)
    puts "#{number} words on #{session_time}: well done"
  end
end
"""

_TD = """\
timezone: UTC

schedule:
  daily>: 07:00:00

_export:
  td:
    database: sample_datasets

# The API key is a secret: `secrets --local --set td.apikey=...`
+count:
  td>: queries/query.sql
  store_last_results: true

+show:
  echo>: ${td.last_results.accesses} accesses
"""

_QUERY = """\
-- Params can be written into a query: this one runs in the session of ${session_date}.
SELECT COUNT(*) AS accesses
FROM www_access
"""

_POSTGRESQL = """\
timezone: UTC

# The password is a secret: `secrets --local --set pg.password=...`
_export:
  table: daily_sales
  pg:
    host: localhost
    port: 5432
    user: postgres
    database: postgres

+create:
  pg>: queries/create_src_table.sql

+insert:
  pg>: queries/insert_data_to_src_table.sql

# `store_last_results` keeps the first row as a param.
+summarize:
  pg>: queries/summarize_src_table.sql
  store_last_results: first

+show:
  echo>: ${pg.last_results.sales} sales, ${pg.last_results.total} in total
"""

_CREATE = """\
CREATE TABLE IF NOT EXISTS ${table} (
  day date NOT NULL,
  item text NOT NULL,
  price integer NOT NULL
)
"""

_INSERT = """\
INSERT INTO ${table} (day, item, price)
VALUES
  ('${session_date}', 'apple', 120),
  ('${session_date}', 'orange', 80)
"""

_SUMMARIZE = """\
SELECT COUNT(*) AS sales, SUM(price) AS total
FROM ${table}
WHERE day = '${session_date}'
"""

EXAMPLES: Final = {
    "echo": {WORKFLOW: _ECHO},
    "sh": {"scripts/myscript.sh": _MYSCRIPT, WORKFLOW: _SH},
    "ruby": {"scripts/myclass.rb": _MYCLASS_RB, WORKFLOW: _RUBY},
    "python": {"scripts/__init__.py": "", "scripts/myclass.py": _MYCLASS_PY, WORKFLOW: _PYTHON},
    "td": {"queries/query.sql": _QUERY, WORKFLOW: _TD},
    "postgresql": {
        "queries/create_src_table.sql": _CREATE,
        "queries/insert_data_to_src_table.sql": _INSERT,
        "queries/summarize_src_table.sql": _SUMMARIZE,
        WORKFLOW: _POSTGRESQL,
    },
}
"""In the order in which the files are written; those ending in `.sh` can be executed."""
