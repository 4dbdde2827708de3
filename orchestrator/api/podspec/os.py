"""The operating system that a pod says it is for, and the fields that are another system's."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.api.checks import Errors, indexed, one_of
from orchestrator.api.errors import forbidden
from orchestrator.api.meta import Object

_LISTS = ("initContainers", "containers", "ephemeralContainers")
_WINDOWS_ONLY = ("windowsOptions",)
#: Of every security context, of the pod's, and of the spec.
_LINUX_ONLY = ("appArmorProfile", "seLinuxOptions", "seccompProfile", "runAsUser", "runAsGroup")
_LINUX_ONLY_POD = ("fsGroup", "fsGroupChangePolicy", "sysctls", "supplementalGroups", "supplementalGroupsPolicy")
_LINUX_ONLY_CONTAINER = (
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
)
_LINUX_ONLY_SPEC = ("hostPID", "hostIPC", "hostUsers", "shareProcessNamespace")


def os(spec: Object, field: str) -> Errors:
    if "os" not in spec:
        return
    system = spec["os"].get("name")
    yield from one_of(f"{field}.os.name", system, ("linux", "windows"))
    if system == "linux":
        paths = list(_given(spec, field, _WINDOWS_ONLY, _WINDOWS_ONLY))
        yield from (forbidden(path, "windows options cannot be set for a linux pod") for path in paths)
    elif system == "windows":
        of_pod, of_container = (*_LINUX_ONLY, *_LINUX_ONLY_POD), (*_LINUX_ONLY, *_LINUX_ONLY_CONTAINER)
        paths = [*_given(spec, field, of_pod, of_container), *(f"{field}.{n}" for n in _LINUX_ONLY_SPEC if n in spec)]
        yield from (forbidden(path, "cannot be set for a windows pod") for path in paths)


def _given(spec: Object, field: str, of_pod: tuple[str, ...], of_container: tuple[str, ...]) -> Iterator[str]:
    """The paths of the named fields that security contexts have."""
    contexts = [(f"{field}.securityContext", spec.get("securityContext") or {}, of_pod)]
    for name in _LISTS:
        for path, container in indexed(f"{field}.{name}", spec.get(name)):
            contexts.append((f"{path}.securityContext", container.get("securityContext") or {}, of_container))
    for path, context, names in contexts:
        yield from (f"{path}.{name}" for name in names if context.get(name) is not None)
