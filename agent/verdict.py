"""Why the node itself ends a pod, or does not begin it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: Reason of the DisruptionTarget condition of a pod that its node ended.
BY_KUBELET = "TerminationByKubelet"
#: Reason of a pod whose node needs what it uses.
EVICTED = "Evicted"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The pod's phase will be Failed, with this reason and message.

    `grace` in seconds is the most that its containers get (None: what the pod asks for). `rejected`: the pod was never
    begun, so nothing of it has to end.
    """

    reason: str
    message: str
    grace: int | None = None
    rejected: bool = False

    @property
    def status_message(self) -> str:
        return f"Pod was rejected: {self.message}" if self.rejected else self.message


def rejection(reason: str, message: str) -> Verdict:
    return Verdict(reason, message, rejected=True)
