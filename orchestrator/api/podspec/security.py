"""Security contexts of pods and of containers."""

from __future__ import annotations

import re

from orchestrator.api.checks import MAX_INT32, Errors, indexed, one_of, within
from orchestrator.api.errors import duplicate, forbidden, invalid, required
from orchestrator.api.meta import Object
from orchestrator.api.podspec.volumes import relative_path

_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_PROC_MOUNTS = ("Default", "Unmasked")
_POLICIES = (
    ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
    ("seLinuxChangePolicy", ("MountOption", "Recursive")),
    ("supplementalGroupsPolicy", ("Merge", "Strict")),
)
_SYSCTL = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?")
_SYSCTL_LENGTH = 253
_BAD_SYSCTL = f"must have at most {_SYSCTL_LENGTH} characters and match regex ^{_SYSCTL.pattern}$"
_BOTH = "cannot set `allowPrivilegeEscalation` to false and"


def pod(context: Object, spec: Object, field: str) -> Errors:
    yield from _ids(context, field)
    yield from within(f"{field}.fsGroup", context.get("fsGroup"), 0, MAX_INT32)
    for path, group in indexed(f"{field}.supplementalGroups", context.get("supplementalGroups")):
        yield from within(path, group, 0, MAX_INT32)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield invalid(f"{field}.shareProcessNamespace", True, why)
    yield from _sysctls(context.get("sysctls") or [], f"{field}.sysctls")
    for name, options in _POLICIES:
        if name in context:
            yield from one_of(f"{field}.{name}", context[name], options)
    yield from _profiles(context, field)


def host_users(spec: Object, field: str) -> Errors:
    """A pod with users of its own has no part in the host's namespaces; one without sees /proc masked."""
    if spec.get("hostUsers") is False:
        shared = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
        yield from (forbidden(f"{field}.{name}", "when `hostUsers` is false") for name in shared)
        return
    for name in ("initContainers", "containers", "ephemeralContainers"):
        for path, each in indexed(f"{field}.{name}", spec.get(name)):
            if (each.get("securityContext") or {}).get("procMount") == "Unmasked":
                why = "`hostUsers` must be false to use `Unmasked`"
                yield invalid(f"{path}.securityContext.procMount", "Unmasked", why)


def container(context: Object, field: str) -> Errors:
    yield from _ids(context, field)
    if "procMount" in context:
        yield from one_of(f"{field}.procMount", context["procMount"], _PROC_MOUNTS)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            yield invalid(field, context, f"{_BOTH} `privileged` to true")
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or []):
            yield invalid(field, context, f"{_BOTH} `capabilities.Add` CAP_SYS_ADMIN")
    yield from _profiles(context, field)


def _ids(context: Object, field: str) -> Errors:
    for name in ("runAsUser", "runAsGroup"):
        yield from within(f"{field}.{name}", context.get(name), 0, MAX_INT32)


def _profiles(context: Object, field: str) -> Errors:
    for kind, word in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        if kind in context:
            yield from _profile(context[kind], word, f"{field}.{kind}")


def _profile(profile: Object, word: str, field: str) -> Errors:
    yield from one_of(f"{field}.type", profile.get("type"), _PROFILES)
    path = profile.get("localhostProfile")
    if profile.get("type") != "Localhost":
        if path is not None:
            yield invalid(f"{field}.localhostProfile", path, f"can only be set when {word} type is Localhost")
    elif not path:
        yield required(f"{field}.localhostProfile", f"must be set when {word} type is Localhost")
    else:
        yield from relative_path(path, f"{field}.localhostProfile")


def _sysctls(sysctls: list[Object], field: str) -> Errors:
    seen: set[str] = set()
    for path, sysctl in indexed(field, sysctls):
        name = sysctl.get("name") or ""
        if not name:
            yield required(f"{path}.name")
        elif len(name) > _SYSCTL_LENGTH or not _SYSCTL.fullmatch(name):
            yield invalid(f"{path}.name", name, _BAD_SYSCTL)
        elif name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)
