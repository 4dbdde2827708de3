"""What the server does at its start to a default role or binding that is there already (pure).

As `k8s.io/component-helpers/auth/rbac/reconciliation`: what is missing is added, what users added stays.
"""

from __future__ import annotations

from typing import Literal

from orchestrator.api import meta
from orchestrator.api.meta import Object, labels
from orchestrator.api.rbac import missing, rules_of
from orchestrator.server.policy import AUTOUPDATE

Step = Literal["keep", "update", "recreate"]


def reconciled_role(there: Object, wanted: Object) -> Object | None:
    """The role as it is to be written, None when it may stay as it is."""
    if not _ours(there):
        return None
    new = _with_metadata(there, wanted)
    if aggregation := wanted.get("aggregationRule"):
        new["aggregationRule"] = aggregation
    else:
        lacking = [rule for rule in wanted["rules"] if missing(rules_of(there), rules_of({"rules": [rule]}))]
        new["rules"] = [*(there.get("rules") or []), *lacking]
    return new if new != there else None


def reconciled_binding(there: Object, wanted: Object) -> tuple[Step, Object]:
    """What to do, and with which object. A binding to another role must be made anew: roleRef cannot change."""
    if not _ours(there):
        return "keep", there
    if there.get("roleRef") != wanted["roleRef"]:
        return "recreate", wanted
    new = _with_metadata(there, wanted)
    subjects = there.get("subjects") or []
    new["subjects"] = [*subjects, *(subject for subject in wanted["subjects"] if subject not in subjects)]
    return ("update", new) if new != there else ("keep", there)


def _ours(there: Object) -> bool:
    return meta.annotations(there).get(AUTOUPDATE) == "true"


def _with_metadata(there: Object, wanted: Object) -> Object:
    merged = {
        **there["metadata"],
        "labels": {**labels(there), **labels(wanted)},
        "annotations": {**meta.annotations(there), **meta.annotations(wanted)},
    }
    return {**there, "metadata": merged}
