from __future__ import annotations

from collections.abc import Sequence

import pytest

from orchestrator.api.kinds import Kind, Kinds
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs.catalog import Catalog
from orchestrator.cli.verbs.targets import parse
from orchestrator.server.discovery import aggregated

KINDS = Kinds(
    (
        Kind("", "v1", "Pod", "pods", short_names=("po",), categories=("all",)),
        Kind("", "v1", "Event", "events", short_names=("ev",)),
        Kind("", "v1", "Node", "nodes", namespaced=False),
        Kind("apps", "v1", "Deployment", "deployments", short_names=("deploy",), categories=("all",)),
        Kind("events.k8s.io", "v1", "Event", "events", short_names=("ev",)),
        Kind("lab.example.com", "v1", "Widget", "widgets", categories=("all", "lab")),
        Kind("lab.example.com", "v1beta1", "Widget", "widgets", categories=("all", "lab")),
    )
)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog([aggregated(KINDS, core=True), aggregated(KINDS, core=False)])


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("po", ["v1 Pod"]),
        ("pod", ["v1 Pod"]),
        ("Pods", ["v1 Pod"]),
        ("deploy.apps", ["apps/v1 Deployment"]),
        ("deployments.v1.apps", ["apps/v1 Deployment"]),
        ("events", ["v1 Event"]),
        ("events.events.k8s.io", ["events.k8s.io/v1 Event"]),
        ("widgets", ["lab.example.com/v1 Widget"]),
        ("widgets.v1beta1.lab.example.com", ["lab.example.com/v1beta1 Widget"]),
        ("all", ["v1 Pod", "apps/v1 Deployment", "lab.example.com/v1 Widget"]),
        ("lab", ["lab.example.com/v1 Widget"]),
    ],
)
def test_a_kind_has_many_names(catalog: Catalog, word: str, found: list[str]) -> None:
    assert [f"{kind.api_version} {kind.kind}" for kind in catalog.resolve(word)] == found


def test_a_singular_of_its_own() -> None:
    """A custom resource's singular need not be its kind in lower case."""
    document = aggregated(KINDS, core=False)
    for group in document["items"]:
        for version in group["versions"]:
            for resource in version["resources"]:
                resource["singularResource"] = f"one-{resource['singularResource']}"
    assert Catalog([document]).resolve("one-widget")[0].plural == "widgets"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["pods"], ["ns:pod/"]),
        (["po,deploy"], ["ns:pod/", "ns:deployment.apps/"]),
        (["all,po"], ["ns:pod/", "ns:deployment.apps/", "ns:widget.lab.example.com/"]),
        (["po", "a", "b"], ["ns:pod/a", "ns:pod/b"]),
        (["po/a", "deploy/b"], ["ns:pod/a", "ns:deployment.apps/b"]),
        (["node", "n1"], [":node/n1"]),
    ],
)
def test_arguments(catalog: Catalog, words: Sequence[str], named: list[str]) -> None:
    assert [f"{target.namespace}:{target}" for target in parse(catalog, words, "ns")] == named


@pytest.mark.parametrize(
    ("words", "namespace", "sentence"),
    [
        ([], "ns", "say what"),
        (["nonsense"], "ns", 'resource type "nonsense"'),
        (["po/a", "b"], "ns", "no need to specify a resource type"),
        (["po/a/b"], "ns", "single type and name"),
        (["po/"], "ns", "single type and name"),
        (["po", "a"], "", "across all namespaces"),
    ],
)
def test_arguments_that_make_no_sense(catalog: Catalog, words: Sequence[str], namespace: str, sentence: str) -> None:
    with pytest.raises(Failure, match=sentence):
        parse(catalog, words, namespace)
