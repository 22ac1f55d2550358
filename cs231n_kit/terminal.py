"""What the commands of `cs231n` print with."""

from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

console = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)


def stop(message: str, code: int = 1) -> NoReturn:
    """End the command with a message and an exit code."""
    errors.print(f"[red]{escape(message)}[/red]")
    raise typer.Exit(code)


def printable(text: str) -> str:
    """`text` in one line, without what could steer a terminal or turn the direction of writing."""
    return "".join(character if character.isprintable() else "?" for character in text)
