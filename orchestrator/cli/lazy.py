"""A group whose commands are imported when they are asked for: most of a small command's time would be imports."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

#: Title in the help -> command -> where it is, as `module:attribute`.
Sections = Mapping[str, Mapping[str, str]]


class LazyGroup(click.Group):
    def __init__(self, *args: Any, sections: Sections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sections = sections
        self._places = {name: place for section in sections.values() for name, place in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self._places.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        limit = formatter.width - 6 - max(map(len, self._places))
        for title, section in self._sections.items():
            commands = ((name, self.get_command(ctx, name)) for name in section)
            with formatter.section(title):
                formatter.write_dl([(name, c.get_short_help_str(limit)) for name, c in commands if c is not None])
