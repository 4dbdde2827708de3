"""The table of field numbers against what others say of the same types."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from orchestrator.api import schema
from orchestrator.api.builtin import BUILTIN
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.groups.reviews import SELF_SUBJECT_REVIEW_V1BETA1
from orchestrator.api.protobuf import table
from tests.conftest import missing
from tests.fakes import protobuf_table
from tests.fakes.kubectl_descriptors import descriptors, installed

#: Messages that are no objects in JSON.
_TEXTS = {"api.resource.Quantity", "apis.meta.v1.FieldsV1", "apis.meta.v1.MicroTime", "apis.meta.v1.Time",
          "runtime.RawExtension", "util.intstr.IntOrString"}  # fmt: skip


def definition(message: str) -> str:
    package = "k8s.io.apimachinery.pkg" if f"io.k8s.apimachinery.pkg.{message}" in DEFINITIONS else "k8s.io.api"
    return f"{package}.{message}".replace("k8s.io", "io.k8s", 1)


DEFINITIONS = schema.read_definitions()


def names(message: str) -> set[str]:
    """The fields of a message in JSON."""
    found: set[str] = set()
    for field in table.message(message).values():
        found |= names(field.type) if field.label == "inline" else {field.name}
    return found


def test_the_names_are_those_of_the_json_schemas() -> None:
    checked = 0
    for message in table.messages():
        if message not in _TEXTS and (described := DEFINITIONS.get(definition(message))):
            # The type of a whole object is told outside of its message.
            outside = {"apiVersion", "kind"} if "x-kubernetes-group-version-kind" in described else set()
            assert names(message) == described.get("properties", {}).keys() - outside, message
            checked += 1
    assert checked > 400


#: Of which the newest kubectl has no message; whoever sends them does so as JSON.
UNKNOWN = {CUSTOM_RESOURCE_DEFINITION, SELF_SUBJECT_REVIEW_V1BETA1}
SENT = [kind for kind in BUILTIN if "create" in kind.verbs and kind not in UNKNOWN]


@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.kind)
def test_every_kind_that_can_be_sent_has_a_message(kind: schema.Kind) -> None:
    assert table.name_of(kind.api_version, kind.kind)


def test_there_is_nothing_for_what_is_not_known() -> None:
    assert table.name_of("", "Pod") is None
    assert table.name_of("apps/v1", "Pod") is None
    assert table.name_of("apps/v1", "DeleteOptions") == table.name_of("v1", "DeleteOptions")


@pytest.mark.kubectl
def test_the_table_is_what_the_tool_makes(kubectl: Path) -> None:
    found = installed(kubectl).get("1.33")
    if found is None:
        missing("kubectl 1.33, which the table was made of")
    made = protobuf_table.write(protobuf_table.table(descriptors(found)))
    assert made == (Path(table.__file__).parent / "fields.json").read_text()


@pytest.mark.kubectl
def test_every_kubectl_gives_the_same_numbers(kubectl: Path) -> None:
    """Newer releases add fields and rename messages; a number never changes what is on the wire."""
    ours = orjson.loads((Path(table.__file__).parent / "fields.json").read_bytes())
    for version, program in installed(kubectl).items():
        theirs = protobuf_table.table(descriptors(program))
        assert len(theirs) > 450, version
        for message, fields in theirs.items():
            for number, (_, kind, label) in fields.items():
                known = ours.get(message, {}).get(number)
                if known is not None:
                    assert (_wire(known[1]), known[2] == "list") == (_wire(kind), label == "list"), (version, message)


def _wire(kind: str) -> str:
    return "message" if "." in kind else kind
