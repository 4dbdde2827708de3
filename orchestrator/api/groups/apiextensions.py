"""The group `apiextensions.k8s.io`: the kinds that users define."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

CUSTOM_RESOURCE_DEFINITION = Kind(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    subresources=("status",),
    rules="crd:CustomResourceDefinitionStrategy",
)

KINDS = (CUSTOM_RESOURCE_DEFINITION,)
