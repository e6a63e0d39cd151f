"""The entry point: every command, and one place where errors become a sentence and an exit code."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from shared.errors import Invalid, Misconfigured, OneWindowError
from shared.runtime.cli import auditing, calculating, catalogue, keeping, keys, operations, running
from shared.runtime.cli.usage import is_help, usage_error

app = typer.Typer(
    name="onewindow",
    help="OneWindow 一窗通:一门受理、协同办理 / one application, handled jointly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # its boxes cut Chinese lines off at the edge of a narrow terminal
)
running.register(app)
catalogue.register(app)
calculating.register(app)
operations.register(app)
auditing.register(app)
keys.register(app)
keeping.register(app)


def main() -> None:
    """Runs a command; 0 when it did what was asked, 2 for a wrong setting or argument, 1 for what else went wrong."""
    try:
        sys.exit(app(prog_name="onewindow", standalone_mode=False))
    except typer.TyperException as cause:
        if is_help(cause):
            typer.echo(cause.format_message(), err=True)
            sys.exit(2)
        stop(usage_error(cause), 2)
    except typer.Abort:
        stop(OneWindowError("已中止", "aborted"), 1)
    except Misconfigured as cause:
        stop(cause, 2)
    except OneWindowError as cause:
        stop(cause, 1)
    except KeyboardInterrupt:
        sys.exit(130)


def stop(cause: OneWindowError, code: int) -> None:
    """Says what happened and what to do, in Chinese and English."""
    screen = Console(stderr=True)
    wrong = cause.errors if isinstance(cause, Invalid) else ()
    lines = [cause.detail_en] if cause.detail_en != cause.detail_zh else []
    lines += [f"{field.pointer.removeprefix('/')}: {field.message}" for field in wrong]
    # Not wrapped: a path or an address broken over two lines cannot be copied.
    screen.print(f"✗ {cause.detail_zh}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    for line in lines:
        screen.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
