"""Options that several verbs have, with kubectl's names."""

from __future__ import annotations

import re

import click

from orchestrator.cli.failure import Failure

namespace = click.option("-n", "--namespace", default="", help="The namespace (default: default).")
all_namespaces = click.option("-A", "--all-namespaces", is_flag=True, help="All namespaces.")
selector = click.option("-l", "--selector", default="", help="Only objects whose labels are so (app=web,tier!=db).")
field_selector = click.option("--field-selector", default="", help="Only objects whose fields are so.")
filenames = click.option("-f", "--filename", "files", multiple=True, help="A file, a folder, a URL, or - for stdin.")
container = click.option("-c", "--container", default="", help="The container, where the pod has several.")

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[hms])")


def seconds(text: str) -> float:
    """Of a duration as Go writes it (`1h30m`, `90s`; a bare number is seconds). Raises Failure."""
    if text.isdecimal():
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise Failure(f"{text!r} is no duration: write 30s, 5m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def selectors(selector: str, field_selector: str = "") -> dict[str, str]:
    """The query parameters of a list."""
    given = {"labelSelector": selector, "fieldSelector": field_selector}
    return {option: text for option, text in given.items() if text}
