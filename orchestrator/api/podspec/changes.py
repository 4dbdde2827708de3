"""What of a pod's spec may change after its creation: very little, and ephemeral containers by their subresource."""

from __future__ import annotations

from orchestrator.api.checks import Errors, indexed
from orchestrator.api.defaults import resize_policy
from orchestrator.api.errors import forbidden, invalid
from orchestrator.api.meta import Object

_ALLOWED = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_LISTS = ("containers", "initContainers")
#: Fields with rules of their own, apart from the containers' images.
_CHECKED = ("activeDeadlineSeconds", "tolerations", "schedulingGates")


def changes(new: Object, old: Object, field: str = "spec") -> Errors:
    """The rules that the change from the spec `old` to `new` breaks."""
    for name in _LISTS:
        if len(new.get(name) or []) != len(old.get(name) or []):
            yield forbidden(f"{field}.{name}", "pod updates may not add or remove containers")
            return
    yield from _deadline(new, old, f"{field}.activeDeadlineSeconds")
    yield from _tolerations(new, old, f"{field}.tolerations")
    yield from _scheduling_gates(new, old, f"{field}.schedulingGates")
    fixed, was = _fixed(new, old), _fixed(old, old)
    changed = [f"`{field}.{name}`" for name in sorted(fixed.keys() | was.keys()) if fixed.get(name) != was.get(name)]
    if changed:
        yield forbidden(field, f"{_ALLOWED}\nchanged: {', '.join(changed)}")


def added_ephemeral(new: Object, old: Object, field: str = "spec") -> Errors:
    """The rules that a change of the ephemeral containers breaks: those that there are stay as they are."""
    path = f"{field}.ephemeralContainers"
    wanted = {container.get("name"): container for container in new.get("ephemeralContainers") or []}
    for container in old.get("ephemeralContainers") or []:
        name = container["name"]
        if name not in wanted:
            yield forbidden(path, f'existing ephemeral containers "{name}" may not be removed')
        elif wanted[name] != container:
            yield forbidden(path, f'existing ephemeral containers "{name}" may not be changed')


def _fixed(spec: Object, old: Object) -> Object:
    """The part of the spec that must stay as it is in `old`."""
    fixed = {name: value for name, value in spec.items() if name not in _CHECKED}
    for name in _LISTS:
        if name in spec:
            fixed[name] = [_imageless(container) for container in spec[name] or []]
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        fixed["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"]
    return fixed


def _imageless(container: Object) -> Object:
    """Pods that were stored before resize policies were filled in get theirs with their next change."""
    return {**container, "image": "", "resizePolicy": resize_policy(container)}


def _deadline(new: Object, old: Object, field: str) -> Errors:
    wanted, current = new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")
    if wanted is None:
        if current is not None:
            yield invalid(field, None, "must not update from a positive integer to nil value")
    elif current is not None and current < wanted:
        yield invalid(field, wanted, "must be less than or equal to previous value")


def _tolerations(new: Object, old: Object, field: str) -> Errors:
    wanted = [_untimed(toleration) for toleration in new.get("tolerations") or []]
    if any(_untimed(toleration) not in wanted for toleration in old.get("tolerations") or []):
        yield forbidden(field, "existing toleration can not be modified except its tolerationSeconds")


def _untimed(toleration: Object) -> Object:
    return {name: value for name, value in toleration.items() if name != "tolerationSeconds"}


def _scheduling_gates(new: Object, old: Object, field: str) -> Errors:
    known = {gate.get("name") for gate in old.get("schedulingGates") or []}
    for path, gate in indexed(field, new.get("schedulingGates")):
        if gate.get("name") not in known:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            yield forbidden(f"{path}.name", why)
