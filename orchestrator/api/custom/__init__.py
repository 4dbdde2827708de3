"""Custom resources: from a CustomResourceDefinition to the kinds that it makes. Pure.

What is inside of a schema is `orchestrator.api.crd`'s.
"""
