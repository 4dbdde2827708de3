"""Security contexts of pod and container as the engine's options (pure)."""

from __future__ import annotations

from agent.runtime.base import ConfigError, Image
from orchestrator.api.meta import Object, key, spec


def context(pod: Object, container: Object) -> Object:
    """The container's security context; what it leaves out comes from the pod's."""
    inherited = spec(pod).get("securityContext") or {}
    own = {field: value for field, value in (container.get("securityContext") or {}).items() if value is not None}
    return {**inherited, **own}


def user(pod: Object, context: Object, image: Image) -> str:
    """`uid`, `uid:gid`, or "" for the image's own. Raises ConfigError.

    With a group given, the engine adds none of those that the image's /etc/group has for the user: what the policy
    Strict asks for.
    """
    uid, gid = context.get("runAsUser"), context.get("runAsGroup")
    if gid is None:
        if (spec(pod).get("securityContext") or {}).get("supplementalGroupsPolicy") == "Strict":
            raise ConfigError("supplementalGroupsPolicy Strict needs a runAsGroup: the image's groups would be added")
        return "" if uid is None else str(uid)
    owner = uid if uid is not None else image.user.partition(":")[0] or 0
    return f"{owner}:{gid}"


def groups(pod: Object) -> list[str]:
    """Supplementary groups: a pod's fsGroup owns its volumes."""
    own = spec(pod).get("securityContext") or {}
    wanted = [*(own.get("supplementalGroups") or ()), *([own["fsGroup"]] if own.get("fsGroup") is not None else ())]
    return [str(group) for group in dict.fromkeys(wanted)]


def capabilities(context: Object) -> tuple[list[str], list[str]]:
    """(added, dropped)."""
    own = context.get("capabilities") or {}
    return list(own.get("add") or ()), list(own.get("drop") or ())


def sysctl(entry: Object) -> str:
    """Its name with dots: slashes may be written too."""
    return str(entry["name"]).replace("/", ".")


def options(context: Object, seccomp: str = "") -> list[str]:
    """`seccomp` is the text of the profile of type Localhost."""
    privileged = bool(context.get("privileged"))
    found = [*_seccomp(context, seccomp), *_apparmor(context), *_selinux(context)]
    if context.get("allowPrivilegeEscalation") is False and not privileged:
        found.append("no-new-privileges")
    return found


def _seccomp(context: Object, text: str) -> list[str]:
    match (context.get("seccompProfile") or {}).get("type"):
        case "Localhost":
            return [f"seccomp={text}"]
        case "Unconfined":
            return ["seccomp=unconfined"]
    return []


def _apparmor(context: Object) -> list[str]:
    profile = context.get("appArmorProfile") or {}
    if profile.get("type") == "Localhost":
        return [f"apparmor={profile['localhostProfile']}"]
    return ["apparmor=unconfined"] if profile.get("type") == "Unconfined" else []


def _selinux(context: Object) -> list[str]:
    own = context.get("seLinuxOptions") or {}
    return [f"label={field}:{own[field]}" for field in ("user", "role", "type", "level") if own.get(field)]


def check_non_root(pod: Object, container: Object, image: Image) -> None:
    """Raises ConfigError when `runAsNonRoot` forbids the user that the container would run as."""
    own = context(pod, container)
    if not own.get("runAsNonRoot"):
        return
    where = f"(pod: {key(pod)!r}, container: {container['name']})".replace("'", '"')
    uid = own.get("runAsUser")
    if uid == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
    if uid is not None:
        return
    name = image.user.partition(":")[0]
    if name in ("", "0", "root"):
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if not name.isdigit():
        raise ConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({name}), "
            f"cannot verify user is non-root {where}"
        )
