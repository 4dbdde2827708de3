"""Definitions of versions that Kubernetes has given up since, but that the oldest kubectl still asks for."""

from __future__ import annotations

from typing import Any

_SELF_SUBJECT_REVIEW = "io.k8s.api.authentication.{}.SelfSubjectReview"


def with_earlier_versions(definitions: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """With SelfSubjectReview of v1beta1, which has the fields of v1: `auth whoami` of kubectl 1.27 knows no other."""
    gvk = {"group": "authentication.k8s.io", "version": "v1beta1", "kind": "SelfSubjectReview"}
    review = definitions[_SELF_SUBJECT_REVIEW.format("v1")] | {"x-kubernetes-group-version-kind": [gvk]}
    return definitions | {_SELF_SUBJECT_REVIEW.format("v1beta1"): review}
