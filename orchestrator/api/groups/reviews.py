"""The groups `authentication.k8s.io` and `authorization.k8s.io`: questions, which are answered and not kept."""

from __future__ import annotations

from orchestrator.api.kinds import VIRTUAL, Kind


def _question(group: str, kind: str, *, namespaced: bool = False) -> Kind:
    """A virtual kind (`orchestrator.server.reviews` answers it)."""
    return Kind(group, "v1", kind, f"{kind.lower()}s", namespaced=namespaced, verbs=VIRTUAL)


SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "SubjectAccessReview")
SELF_SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "SelfSubjectAccessReview")
LOCAL_SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "LocalSubjectAccessReview", namespaced=True)
SELF_SUBJECT_RULES_REVIEW = _question("authorization.k8s.io", "SelfSubjectRulesReview")
SELF_SUBJECT_REVIEW = _question("authentication.k8s.io", "SelfSubjectReview")
TOKEN_REVIEW = _question("authentication.k8s.io", "TokenReview")

KINDS = (
    SUBJECT_ACCESS_REVIEW,
    SELF_SUBJECT_ACCESS_REVIEW,
    LOCAL_SUBJECT_ACCESS_REVIEW,
    SELF_SUBJECT_RULES_REVIEW,
    SELF_SUBJECT_REVIEW,
    TOKEN_REVIEW,
)
