from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION as CRD
from orchestrator.api.meta import Object
from tests.fakes.custom import definition, version

Change = Callable[[Object], object]


def problems(change: Change) -> list[str]:
    crd = deepcopy(definition())
    CRD.strategy.default(crd)
    change(crd)
    return [
        f"{error.field}: {error.message}" for error in [*CRD.strategy.validate(crd), *CRD.strategy.validate_create(crd)]
    ]


def in_spec(**fields: object) -> Change:
    return lambda crd: crd["spec"].update(fields)


def in_names(**fields: object) -> Change:
    return lambda crd: crd["spec"]["names"].update(fields)


def in_version(**fields: object) -> Change:
    return lambda crd: crd["spec"]["versions"][0].update(fields)


def in_scale(**fields: object) -> Change:
    return lambda crd: crd["spec"]["versions"][0]["subresources"]["scale"].update(fields)


def column(**fields: object) -> Change:
    return in_version(additionalPrinterColumns=[{"name": "A", "type": "string", "jsonPath": ".spec.a", **fields}])


def test_a_good_one_has_no_problems() -> None:
    assert problems(lambda _: None) == []


def test_what_is_left_out_is_filled_in() -> None:
    crd = definition()
    CRD.strategy.default(crd)
    assert crd["spec"]["names"]["singular"] == "crontab"
    assert crd["spec"]["names"]["listKind"] == "CronTabList"
    assert crd["spec"]["conversion"] == {"strategy": "None"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda crd: crd["metadata"].update(name="x"), 'metadata.name: Invalid value: "x": must be spec.names'),
        (in_spec(group="example"), 'spec.group: Invalid value: "example": should be a domain with at least one dot'),
        (in_spec(group=""), "spec.group: Required value"),
        (in_spec(group="x.k8s.io"), "metadata.annotations[api-approved.kubernetes.io]: Required value: protected"),
        (in_spec(scope=""), "spec.scope: Required value"),
        (in_spec(scope="Global"), 'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'),
        (in_spec(versions=[]), "must have exactly one version marked as storage version"),
        (in_spec(versions=[version(), version()]), "must contain unique version names"),
        (in_spec(versions=[version("V1")]), 'spec.versions[0].name: Invalid value: "V1"'),
        (in_spec(preserveUnknownFields=True), "spec.preserveUnknownFields: Invalid value: true: must be false"),
        (in_spec(conversion={"strategy": "Webhook"}), "spec.conversion.strategy: Unsupported value"),
        (in_spec(conversion={"strategy": "None", "webhook": {}}), "spec.conversion.webhook: Forbidden: should not be"),
        (in_names(plural=""), "spec.names.plural: Required value"),
        (in_names(kind="Cron_Tab"), "spec.names.kind: Invalid value: \"Cron_Tab\": may have mixed case, but should"),
        (in_names(listKind="CronTab"), "spec.names.listKind: Invalid value: \"CronTab\": kind and listKind may not"),
        (in_names(shortNames=["A"]), 'spec.names.shortNames[0]: Invalid value: "A"'),
        (in_names(categories=["A"]), 'spec.names.categories[0]: Invalid value: "A"'),
        (in_version(schema=None), "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required"),
        (in_version(schema={"openAPIV3Schema": {"type": "string"}}), "must be object at the root"),
        (in_scale(specReplicasPath=""), "spec.versions[0].subresources.scale.specReplicasPath: Required value"),
        (in_scale(specReplicasPath=".status.x"), "should be a json path under .spec"),
        (in_scale(statusReplicasPath=".spec.x"), "should be a json path under .status"),
        (in_scale(labelSelectorPath=".x.y"), "should be a json path under either .spec or .status"),
        (column(type="timestamp"), "must be one of boolean,date,integer,number,string"),
        (column(format="x"), "spec.versions[0].additionalPrinterColumns[0].format: Invalid value"),
        (column(jsonPath=""), "spec.versions[0].additionalPrinterColumns[0].jsonPath: Required value"),
        (column(jsonPath="spec"), "must be a simple json path starting with ."),
        (column(jsonPath=".spec[?(@"), "is an invalid path"),
        (in_version(selectableFields=[{"jsonPath": ".spec.ports"}]), "must point to a field of type string"),
        (in_version(selectableFields=[{"jsonPath": ".spec.nothing"}]), "is an invalid path"),
        (in_version(selectableFields=[{"jsonPath": ".metadata.name"}]), "must not point to fields in metadata"),
        (in_version(selectableFields=[{"jsonPath": ".spec.image"}] * 2), "Duplicate value"),
        (in_version(selectableFields=[{"jsonPath": ".spec.image"}] * 9), "Too many: 9: must have at most 8 items"),
    ],
)  # fmt: skip
def test_each_rule(change: Change, problem: str) -> None:
    assert any(problem in found for found in problems(change)), problems(change)
