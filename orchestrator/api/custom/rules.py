"""The rules of a CustomResourceDefinition.

Rules and sentences are those of `k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation`.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.api import names
from orchestrator.api.checks import Errors, indexed, one_of, present, unchanged
from orchestrator.api.custom import definition
from orchestrator.api.custom.version_rules import version_problems
from orchestrator.api.errors import forbidden, invalid, not_supported, required
from orchestrator.api.meta import Object, metadata, name, spec, status

#: On definitions in groups of Kubernetes' own: where the API was agreed upon.
APPROVED = "api-approved.kubernetes.io"
_PROTECTED = ("k8s.io", "kubernetes.io")
_SCOPES = ("Cluster", "Namespaced")
_LABELS = ("plural", "singular", "kind", "listKind")


def definition_problems(crd: Object) -> Errors:
    """What is wrong with it, new or changed."""
    yield from _own_name(crd)
    yield from _group(str(spec(crd).get("group") or ""))
    yield from one_of("spec.scope", spec(crd).get("scope"), _SCOPES)
    yield from _versions(definition.versions(crd))
    yield from _names(spec(crd).get("names") or {}, "spec.names")
    yield from _conversion(spec(crd).get("conversion") or {}, "spec.conversion")
    if spec(crd).get("preserveUnknownFields"):
        why = "must be false: set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield invalid("spec.preserveUnknownFields", True, why)


def creation_problems(crd: Object) -> Errors:
    group = str(spec(crd).get("group") or "")
    if _is_protected(group) and not (metadata(crd).get("annotations") or {}).get(APPROVED):
        why = (
            f'protected groups must have approval annotation "{APPROVED}", '
            "see https://github.com/kubernetes/enhancements/pull/1111"
        )
        yield required(f"metadata.annotations[{APPROVED}]", why)


def change_problems(new: Object, old: Object) -> Errors:
    yield from unchanged("spec.group", spec(new).get("group"), spec(old).get("group"))
    if definition.is_established(old):
        yield from unchanged("spec.scope", spec(new).get("scope"), spec(old).get("scope"))
        for field in ("kind", "plural"):
            before = (spec(old).get("names") or {}).get(field)
            yield from unchanged(f"spec.names.{field}", (spec(new).get("names") or {}).get(field), before)
    if definition.versions(new) != definition.versions(old):
        yield from status_problems(new)


def status_problems(crd: Object) -> Errors:
    stored = status(crd).get("storedVersions") or []
    known = [version.get("name") for version in definition.versions(crd)]
    if not stored:
        yield invalid("status.storedVersions", stored, "must have at least one stored version")
    for field, version in indexed("status.storedVersions", stored):
        if version not in known:
            yield invalid(field, version, "must appear in spec.versions")
    wanted = definition.storage_version(crd)
    if stored and wanted and wanted not in stored:
        yield invalid("status.storedVersions", stored, f"must have the storage version {wanted}")


def _own_name(crd: Object) -> Errors:
    plural = (spec(crd).get("names") or {}).get("plural") or ""
    if name(crd) != f"{plural}.{spec(crd).get('group') or ''}":
        yield invalid("metadata.name", name(crd), 'must be spec.names.plural+"."+spec.group')


def _group(group: str) -> Errors:
    if not group:
        yield required("spec.group")
        return
    yield from (invalid("spec.group", group, problem) for problem in names.dns_subdomain(group))
    if "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")


def _is_protected(group: str) -> bool:
    return any(group == suffix or group.endswith(f".{suffix}") for suffix in _PROTECTED)


def _versions(versions: list[Object]) -> Errors:
    given = [str(version.get("name") or "") for version in versions]
    if len(set(given)) != len(given):
        yield invalid("spec.versions", given, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid("spec.versions", given, "must have exactly one version marked as storage version")
    # Loaded with the first definition: every process knows this kind, and few ever see one.
    from orchestrator.api.crd.definition import schema_problems

    for field, version in indexed("spec.versions", versions):
        yield from version_problems(version, field)
        if document := definition.schema_of(version):
            yield from schema_problems(document, f"{field}.schema.openAPIV3Schema")


def _names(given: Object, field: str) -> Errors:
    for part in _LABELS:
        yield from present(f"{field}.{part}", given.get(part))
    for part in _LABELS:
        if value := given.get(part):
            yield from _name(f"{field}.{part}", value)
    if given.get("kind") and given.get("kind") == given.get("listKind"):
        yield invalid(f"{field}.listKind", given["listKind"], "kind and listKind may not be the same")
    for part in ("shortNames", "categories"):
        for path, value in indexed(f"{field}.{part}", given.get(part)):
            yield from (invalid(path, value, problem) for problem in names.dns_1035_label(value))


def _name(field: str, value: str) -> Errors:
    kinds = field.endswith("ind")
    for problem in names.dns_1035_label(value.lower() if kinds else value):
        yield invalid(field, value, f"may have mixed case, but should otherwise match: {problem}" if kinds else problem)


def _conversion(conversion: Mapping[str, object], field: str) -> Errors:
    strategy = conversion.get("strategy")
    if strategy == "Webhook":
        # Kubernetes has it; here nobody would call the webhook.
        yield not_supported(f"{field}.strategy", strategy, ["None"])
    else:
        yield from one_of(f"{field}.strategy", str(strategy or ""), ("None", "Webhook"))
        if conversion.get("webhook") is not None:
            yield forbidden(f"{field}.webhook", "should not be set when strategy is not set to Webhook")
