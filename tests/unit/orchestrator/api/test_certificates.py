from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.api.certificates import (
    CLIENT,
    KUBELET_CLIENT,
    KUBELET_SERVING,
    Subject,
    UnreadableRequest,
    refusal,
    subject,
)
from tests.fakes.certificates import request_pem

NODE = Subject("system:node:n1", ("system:nodes",))


def test_whom_a_request_is_about() -> None:
    asked = subject(request_pem("jane", "dev", "ops", hosts=["a.example", "b.example"]))
    assert asked == Subject("jane", ("dev", "ops"), ("a.example", "b.example"))


def test_a_request_that_was_tampered_with() -> None:
    lines = request_pem("jane").decode().splitlines()
    last = lines[-2]
    lines[-2] = last[:10] + ("A" if last[10] != "A" else "B") + last[11:]
    with pytest.raises(UnreadableRequest):
        subject("\n".join(lines).encode())


@pytest.mark.parametrize("text", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"])
def test_what_is_no_request(text: bytes) -> None:
    with pytest.raises(UnreadableRequest, match="PEM block type must be CERTIFICATE REQUEST"):
        subject(text)


@pytest.mark.parametrize(
    ("signer", "wanted", "usages", "why"),
    [
        (CLIENT, Subject("jane"), "client auth", ""),
        (CLIENT, Subject("jane"), "client auth,digital signature,key encipherment", ""),
        (CLIENT, Subject("jane"), "server auth", "usages"),
        (CLIENT, Subject("jane"), "client auth,cert sign", "usages"),
        (KUBELET_CLIENT, NODE, "client auth,digital signature", ""),
        (KUBELET_CLIENT, Subject("system:node:n1"), "client auth", "organization"),
        (KUBELET_CLIENT, Subject("system:node:n1", ("system:nodes", "system:masters")), "client auth", "organization"),
        (KUBELET_CLIENT, Subject("n1", ("system:nodes",)), "client auth", "common name"),
        (KUBELET_CLIENT, replace(NODE, hosts=("n1",)), "client auth", "not allowed"),
        (KUBELET_SERVING, replace(NODE, hosts=("n1", "10.0.0.1")), "server auth,digital signature", ""),
        (KUBELET_SERVING, NODE, "server auth", "required"),
        (KUBELET_SERVING, replace(NODE, hosts=("n1",), others=("a@b",)), "server auth", "e-mail"),
        (KUBELET_SERVING, replace(NODE, hosts=("n1",)), "server auth,client auth", "usages"),
    ],
)
def test_what_signers_refuse(signer: str, wanted: Subject, usages: str, why: str) -> None:
    refused = refusal(signer, wanted, frozenset(usages.split(",")))
    assert (why in refused) if why else not refused
