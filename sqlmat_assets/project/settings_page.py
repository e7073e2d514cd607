"""The page of all settings, for `docs/`."""

from __future__ import annotations

import sys

from sqlmat_assets.project.keys import KEYS, Key


def describe_keys() -> str:
    """Write the page of all settings as Markdown."""
    rows = "".join(_row(key) for key in sorted(KEYS.values(), key=lambda key: key.name))
    return f"{_PAGE}\n| setting | example | where | meaning |\n|---|---|---|---|\n{rows}\n{_TIMES}"


def _row(key: Key) -> str:
    example = key.example.replace("|", "\\|")
    return f"| `{key.name}` | `{example}` | {'`global.conf`' if key.is_global else 'any'} | {key.meaning} |\n"


_PAGE = """# Settings

Written by `python -m sqlmat_assets.project.settings_page`; the table is the one in `sqlmat_assets/project/keys.py`.

A table takes its settings from `global.conf`, `<schema>.conf`, `<schema>/<schema>.conf`, `<schema>.<table>.conf`,
`<schema>/<table>.conf` and the comment lines on top of its SQL file (`-- owner: data-eng@example.com`). Each of these
wins over those before it. `=` and `:` both stand between key and value; `null`, `None` or nothing resets a key. In a
`.conf`, lines that begin with `#` or `;` are comments.
"""

_TIMES = """## Schedules

`schedule = 0 9 1 * *` builds a table at 9:00 on the first of each month, instead of an interval in the name of its
file. The five fields are minute (`0` to `59`), hour (`0` to `23`), day (`1` to `31`, `L` for the last), month (`1` to
`12` or `jan` to `dec`) and weekday (`0`, Sunday, to `6`, or `sun` to `sat`; `mon#1` for the first Monday of a month,
`5L` for the last Friday). In each, `*` stands for all, `mon-fri` for a range, `6,18` for a list and `*/15` for every
fifteenth. Where neither day nor weekday begins with `*`, one of the two is enough.

- Times are those of `timezone`. When clocks are put forward and 2:30 is left out, a table of 2:30 is built as soon as
  they are; when they are put back and 2:30 comes twice, it is built the first time. That does not hold where minute or
  hour begins with `*`: such a table is built as time goes by.
- What a scheduled table reads is brought up to date at its times, if it has no interval or schedule of its own.
- An interval in the name of a file wins over a `schedule` that it inherits. Both for one table by itself are an error.
- After a stop, a table whose time was missed is built once.

## Conditions

`conditions` says at which times a table is built at all, be it by its interval or its schedule. One condition is made
of `months`, `weekdays`, `days` and `hours` with commas between them, and all of them must hold; of several with `|`
between them one must.

| written | holds |
|---|---|
| `weekdays mon-fri, hours 8-18` | Monday to Friday, from 8:00 until 18:59 |
| `weekdays mon, wed, hours 6-9, 17-20` | the same with lists |
| `days 1 \\| weekdays sun` | on the first of a month, and on Sundays |
| `months nov-feb, hours 22-5` | over the turn of the year and the night: 22:00 to 23:59 and 0:00 to 5:59 |

Months and weekdays are names, cut after three letters or not, or numbers; weekday 0 is Sunday. After midnight the date
is that of the new day. A table that becomes due outside its times is built when they begin; a time of its schedule
outside them is left out. A new or changed table is built at once, whatever its times are.
"""


if __name__ == "__main__":
    sys.stdout.write(describe_keys())
