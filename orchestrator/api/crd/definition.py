"""What a CustomResourceDefinition's schema may not say. One that says none of it can be read (`schema.CustomSchema`).

After `ValidateCustomResourceDefinitionOpenAPISchema` in
`k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation`.
"""

from __future__ import annotations

from orchestrator.api.crd import declarations, default_problems, rule_problems, shape, structural
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object


def schema_problems(schema: Object, path: str) -> list[FieldError]:
    """Everything wrong with a version's `openAPIV3Schema`, which is at `path`.

    Each step relies on those before it: types, keywords, structure, defaults, rules.
    """
    if errors := shape.problems(schema, path):
        return errors
    errors = [*declarations.problems(schema, path), *structural.problems(schema, path)]
    if errors:
        return errors
    return [*default_problems.problems(schema, path), *rule_problems.problems(schema, path)]
