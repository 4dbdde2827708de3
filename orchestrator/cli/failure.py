"""What the CLI raises for the user: one sentence that says what happened and what to do."""

from __future__ import annotations

import click


class Failure(click.ClickException):
    """Ends the command with exit code 1 and `podlab: SENTENCE` on stderr."""

    def show(self, file: object = None) -> None:
        click.echo(f"podlab: {self.message}", err=True)
