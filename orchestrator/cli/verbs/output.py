"""`-o`: objects in the form asked for. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from orchestrator.api import meta
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import jsonpath

_BARE = ("", "wide", "yaml", "json", "name")
_WITH_ARGUMENT = ("jsonpath", "custom-columns")


@dataclass(frozen=True, slots=True)
class Output:
    """`form` is "" or wide for the server's tables."""

    form: str
    argument: str = ""

    @property
    def table(self) -> bool:
        return self.form in ("", "wide")


def parse(text: str) -> Output:
    """Raises Failure when there is no such form."""
    form, _, argument = text.partition("=")
    if form in (_WITH_ARGUMENT if argument else _BARE):
        return Output(form, argument)
    if form in _WITH_ARGUMENT:
        raise Failure(f"-o {form} needs its {'template' if form == 'jsonpath' else 'columns'}: -o {form}=...")
    raise Failure(f"there is no output {text!r}: choose one of {', '.join(_BARE[1:])}, jsonpath=, custom-columns=")


def render(output: Output, objects: Sequence[Object], *, single: bool, headers: bool = True) -> str:
    """The text with its end of line. `single` when one object was asked for by name: it is then no List."""
    if output.form == "name":
        return "".join(f"{_type(obj)}/{meta.name(obj)}\n" for obj in objects)
    if output.form == "custom-columns":
        return "".join(f"{line}\n" for line in jsonpath.columns(output.argument, list(objects), headers=headers))
    value: Object = objects[0] if single else _list(objects)
    if output.form == "jsonpath":
        return jsonpath.template(output.argument)(value)
    if output.form == "json":
        return json.dumps(value, indent=4, ensure_ascii=False) + "\n"
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(value, Dumper=dumper, sort_keys=True, allow_unicode=True))


def without_managed_fields(obj: Object) -> Object:
    return {**obj, "metadata": {k: v for k, v in meta.metadata(obj).items() if k != "managedFields"}}


def _list(objects: Sequence[Object]) -> Object:
    return {"apiVersion": "v1", "items": list(objects), "kind": "List", "metadata": {"resourceVersion": ""}}


def _type(obj: Object) -> str:
    group = meta.group_of(obj["apiVersion"])
    return f"{obj['kind'].lower()}.{group}" if group else str(obj["kind"]).lower()
