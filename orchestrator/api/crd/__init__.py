"""The schemas of CustomResourceDefinitions: what they may say, and what they make of objects.

`schema.CustomSchema` is one version's schema at work: it prunes, defaults and validates. `definition.schema_problems`
says what is wrong with a schema itself. After `k8s.io/apiextensions-apiserver/pkg/apiserver/schema`.
"""
