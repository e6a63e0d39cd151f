"""`make bench`: every figure beside the floor of the same run, its ratio and its goal."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks import embedded, hops, http, idle, kafka, machine, memory, recovery
from benchmarks.readme import write_tables
from benchmarks.sizes import FULL, QUICK, Size
from benchmarks.table import Figure, show
from shared import log
from shared.runtime.cli.running import loop_factory

SECTIONS: dict[str, Callable[[Size, Progress], Awaitable[list[Figure]]]] = {
    "embedded": embedded.measure,
    "kafka": kafka.measure,
    "http": http.measure,
    "idle": idle.measure,
    "recovery": recovery.measure,
    "memory": memory.measure,
    "hops": hops.measure,
}
screen = Console()
app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


async def run(sections: list[str], size: Size) -> list[Figure]:
    """The machine, then the figures of these sections, one after the other."""
    found = await machine.measure()
    with Progress(console=screen, transient=True) as progress:
        for name in sections:
            progress.console.print(f"{name} …")
            found += await SECTIONS[name](size, progress)
    return found


@app.command()
def main(
    sections: Annotated[list[str] | None, typer.Argument(help=f"of {', '.join(SECTIONS)}; all by default")] = None,
    quick: Annotated[bool, typer.Option(help="only try it out")] = False,
    write: Annotated[bool, typer.Option(help="put the table into the READMEs")] = False,
) -> None:
    """Measures, and shows the table; the READMEs take only a whole one."""
    if write and (sections or quick):
        raise typer.BadParameter(
            "READMEs 只收完整的一次 / the READMEs take only a whole run: neither sections nor --quick"
        )
    unknown = set(sections or ()) - set(SECTIONS)
    if unknown:
        raise typer.BadParameter(f"没有 {unknown} / no such section; there are: {', '.join(SECTIONS)}")
    log.configure("ERROR")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # A SIGTERM is a Ctrl-C, also where a shell had that ignored: no server is left behind.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        figures = runner.run(run(sections or list(SECTIONS), QUICK if quick else FULL))
    show(figures, screen)
    if write:
        write_tables(figures)


if __name__ == "__main__":
    app()
