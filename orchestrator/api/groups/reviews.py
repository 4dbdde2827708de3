"""The groups `authentication.k8s.io` and `authorization.k8s.io`: questions, which are answered and not kept."""

from __future__ import annotations

from orchestrator.api.kinds import VIRTUAL, Kind


def _question(group: str, kind: str, version: str = "v1", *, namespaced: bool = False) -> Kind:
    """A virtual kind (`orchestrator.server.reviews` answers it)."""
    return Kind(group, version, kind, f"{kind.lower()}s", namespaced=namespaced, verbs=VIRTUAL)


SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "SubjectAccessReview")
SELF_SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "SelfSubjectAccessReview")
LOCAL_SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "LocalSubjectAccessReview", namespaced=True)
SELF_SUBJECT_RULES_REVIEW = _question("authorization.k8s.io", "SelfSubjectRulesReview")
SELF_SUBJECT_REVIEW = _question("authentication.k8s.io", "SelfSubjectReview")
SELF_SUBJECT_REVIEW_V1BETA1 = _question("authentication.k8s.io", "SelfSubjectReview", "v1beta1")
TOKEN_REVIEW = _question("authentication.k8s.io", "TokenReview")

KINDS = (
    SUBJECT_ACCESS_REVIEW,
    SELF_SUBJECT_ACCESS_REVIEW,
    LOCAL_SUBJECT_ACCESS_REVIEW,
    SELF_SUBJECT_RULES_REVIEW,
    SELF_SUBJECT_REVIEW,
    SELF_SUBJECT_REVIEW_V1BETA1,
    TOKEN_REVIEW,
)
