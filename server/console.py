"""What every command of `kakanai …` needs: how one is named, how it complains, its settings and its store.

A command is one `add_…` function that names its arguments and a `run(arguments) -> exit code`. Exit codes: 0 done,
1 a check found something, 2 the command could not be carried out. What was found goes to stdout, progress and
complaints to stderr. Imports of a command stand in its functions: each starts fast.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from server.settings import Settings, ignored

if TYPE_CHECKING:
    from server.store.database import Database

Commands = Any  # argparse does not export the type of what add_subparsers answers
Run = Callable[[argparse.Namespace], int]


def command(commands: Commands, name: str, text: str, run: Run) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def group(commands: Commands, name: str, text: str) -> Commands:
    return commands.add_parser(name, help=text, description=text).add_subparsers(required=True, metavar="COMMAND")


def complain(*lines: str) -> None:
    for line in lines:
        print(f"kakanai: {line}", file=sys.stderr)


def read_settings() -> Settings:
    """The settings of this process; a variable that means nothing is complained about."""
    complain(*(f"{name} is not a setting and is ignored" for name in ignored(os.environ)))
    return Settings.from_env(os.environ)


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    from server.store.database import open_database

    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()
