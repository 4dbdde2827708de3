"""Which container is meant, and whether it can have a log yet. Sentences as Kubernetes has them."""

from __future__ import annotations

from orchestrator.api.errors import BadRequest
from orchestrator.api.meta import Object, name, spec, status


def choose_container(pod: Object, wanted: str) -> str:
    """The container's name; the only container where none is `wanted`. Raises BadRequest."""
    main, initial = _names(pod, "containers"), _names(pod, "initContainers")
    ephemeral = _names(pod, "ephemeralContainers")
    if wanted:
        if wanted not in main + initial + ephemeral:
            raise BadRequest(f"container {wanted} is not valid for pod {name(pod)}")
        return wanted
    if len(main) == 1:
        return main[0]
    text = f"a container name must be specified for pod {name(pod)}, choose one of: [{' '.join(main)}]"
    if initial:
        text += f" or one of the init containers: [{' '.join(initial)}]"
    if ephemeral:
        text += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
    raise BadRequest(text)


def check_assigned(pod: Object) -> None:
    """Raises BadRequest while no node has the pod."""
    if not spec(pod).get("nodeName"):
        raise BadRequest(f"pod {name(pod)} does not have a host assigned")


def check_has_log(pod: Object, container: str, *, previous: bool) -> None:
    """Raises BadRequest when the container, or its previous instance, has not run yet."""
    check_assigned(pod)
    state = _status(pod, container)
    last = (state.get("lastState") or {}).get("terminated")
    if previous:
        if not last:
            raise BadRequest(f'previous terminated container "{container}" in pod "{name(pod)}" not found')
        return
    waiting = (state.get("state") or {}).get("waiting")
    if last or (state and not waiting):
        return
    reason = (waiting or {}).get("reason") or "ContainerCreating"
    if reason in ("ErrImagePull", "ImagePullBackOff"):
        reason = "trying and failing to pull image"
    raise BadRequest(f'container "{container}" in pod "{name(pod)}" is waiting to start: {reason}')


def _names(pod: Object, field: str) -> list[str]:
    return [container["name"] for container in spec(pod).get(field) or []]


def _status(pod: Object, container: str) -> Object:
    fields = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    states = [state for field in fields for state in status(pod).get(field) or []]
    return next((state for state in states if state.get("name") == container), {})
