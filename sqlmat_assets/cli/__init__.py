"""The `sqlmat` command: arguments in, what the package says out."""

from __future__ import annotations

import io
import os
import shlex
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

import click

from sqlmat_assets.errors import SqlmatError, UsageError
from sqlmat_assets.errors.usage import bad_option, unexpected

GOOD, PROBLEMS, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

# A command is imported only when it is run: `check` and `ls` answer before Dagster would be loaded.
_COMMANDS = {
    "check": "sqlmat_assets.cli.check",
    "ls": "sqlmat_assets.cli.ls",
    "test": "sqlmat_assets.cli.test",
    "build": "sqlmat_assets.cli.build",
    "plan": "sqlmat_assets.cli.plan",
    "render": "sqlmat_assets.cli.render",
    "diff": "sqlmat_assets.cli.diff",
    "why": "sqlmat_assets.cli.why",
    "costs": "sqlmat_assets.cli.costs",
    "simulate": "sqlmat_assets.cli.simulate",
    "undo": "sqlmat_assets.cli.undo",
    "orphans": "sqlmat_assets.cli.orphans",
    "env": "sqlmat_assets.cli.env",
    "dev": "sqlmat_assets.cli.dev",
}


class _LateCommands(click.Group):
    """A group that knows its commands by name and imports them when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        if cmd_name not in _COMMANDS:
            return None
        return import_module(_COMMANDS[cmd_name]).command


@click.group(cls=_LateCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sqlmat", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="SQLMAT_DEBUG", help="Show the traceback of an unexpected error.")
def sqlmat(*, debug: bool) -> None:
    """Turn a folder of SELECT files into tables that are replaced only when their checks pass.

    Exit codes: 0 good, 1 problems found or a build failed, 2 wrong usage.
    """
    del debug  # read in `run`, which also sees errors from before this function


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing but a real exit gets through."""
    shown = shlex.join(["sqlmat", *arguments])
    try:
        # A command returns its exit code; without standalone mode click hands it over.
        code = sqlmat.main(list(arguments), "sqlmat", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USAGE
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        click.echo(bad_option(error.format_message(), context.command_path if context else "sqlmat"), err=True)
        return WRONG_USAGE
    except SqlmatError as error:
        click.echo(str(error), err=True)
        return WRONG_USAGE if isinstance(error, UsageError) else PROBLEMS
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except SystemExit as error:
        # click's way of leaving when whoever read the output has left. Passed on, it would keep all frames alive.
        return error.code if isinstance(error.code, int) else PROBLEMS
    except Exception as error:  # noqa: BLE001 - the last place where an error can become words
        if "--debug" in arguments or os.environ.get("SQLMAT_DEBUG", "0") not in ("", "0"):
            traceback.print_exc()
        click.echo(unexpected(error, shown), err=True)
        return PROBLEMS
    return code if isinstance(code, int) else GOOD


def main() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # File names are bytes and terminals have encodings: what cannot be shown must not end a build.
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    if code == INTERRUPTED:
        # A thread may still wait for a lock or a server. Whoever pressed Ctrl-C does not wait with it.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)
