"""Where commands print: as wide as the terminal, and wide enough for whole names in a pipe."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console, RenderableType

PIPE_WIDTH = 220
OfService = Annotated[str, typer.Argument(help="服务名,如 funeral / the service, as funeral")]


def show(what: RenderableType) -> None:
    """Prints a line or a table to standard output; text is taken as it is, without markup."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(width=width, highlight=False, markup=False).print(what)
