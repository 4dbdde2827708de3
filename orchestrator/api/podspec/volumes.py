"""Volumes and their mounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from orchestrator.api import names
from orchestrator.api.checks import Errors, indexed, named, one_of, present, unique
from orchestrator.api.errors import forbidden, invalid, no_such, not_supported, required
from orchestrator.api.meta import Object
from orchestrator.api.podspec import env, resources

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_NO_BLOCKS = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
_RECURSIONS = ("Disabled", "Enabled", "IfPossible")
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_ITEM_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_MODES = range(0o777 + 1)
_BAD_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_MORE_THAN_ONE = "may not specify more than 1 volume type"
_NO_SUBPATH_BOTH = "subPathExpr and subPath are mutually exclusive"
_TOKEN_SECONDS = (600, 2**32)


def volumes(items: Sequence[Object] | None, field: str) -> Errors:
    for path, volume in indexed(field, items):
        yield from named(f"{path}.name", volume.get("name"), names.dns_label)
        yield from _source(volume, path)
    yield from unique((f"{path}.name", volume.get("name")) for path, volume in indexed(field, items))


def mounts(container: Object, volume_names: frozenset[str], field: str) -> Errors:
    """The rules of `volumeMounts`; `volume_names` are the pod's."""
    seen: set[str] = set()
    for path, mount in indexed(f"{field}.volumeMounts", container.get("volumeMounts")):
        name, target = mount.get("name") or "", mount.get("mountPath") or ""
        yield from present(f"{path}.name", name)
        if name not in volume_names:
            yield no_such(f"{path}.name", name)
        yield from present(f"{path}.mountPath", target)
        if target in seen:
            yield invalid(f"{path}.mountPath", target, "must be unique")
        seen.add(target)
        yield from _sub_path(mount, path)
        yield from _propagation(container, mount, f"{path}.mountPropagation")
        yield from _recursion(mount, f"{path}.recursiveReadOnly")


def devices(container: Object, spec: Object, field: str) -> Errors:
    """The rules of `volumeDevices`."""
    kinds = {volume.get("name"): volume.keys() for volume in spec.get("volumes") or []}
    mounted = container.get("volumeMounts") or []
    names_taken = {mount.get("name") for mount in mounted}
    paths_taken = {mount.get("mountPath") for mount in mounted}
    for path, device in indexed(f"{field}.volumeDevices", container.get("volumeDevices")):
        name, target = device.get("name") or "", device.get("devicePath") or ""
        yield from present(f"{path}.name", name)
        yield from present(f"{path}.devicePath", target)
        if name not in kinds:
            yield no_such(f"{path}.name", name)
        elif not kinds[name] & {"persistentVolumeClaim", "ephemeral"}:
            yield invalid(f"{path}.name", name, _NO_BLOCKS)
        if ".." in target.split("/"):
            yield invalid(f"{path}.devicePath", target, "must not contain '..'")
        if name in names_taken:
            yield invalid(f"{path}.name", name, "must not already exist in volumeMounts")
        if target in paths_taken:
            yield invalid(f"{path}.devicePath", target, "must not already exist in volumeMounts")
    everything = indexed(f"{field}.volumeDevices", container.get("volumeDevices"))
    yield from unique((f"{path}.devicePath", device.get("devicePath")) for path, device in everything)


def _propagation(container: Object, mount: Object, field: str) -> Errors:
    wanted = mount.get("mountPropagation")
    if wanted:
        yield from one_of(field, wanted, _PROPAGATIONS)
    if wanted == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
        yield forbidden(field, "Bidirectional mount propagation is available only to privileged containers")


def _recursion(mount: Object, field: str) -> Errors:
    wanted = mount.get("recursiveReadOnly")
    if wanted is None:
        return
    yield from one_of(field, wanted, _RECURSIONS)
    if wanted in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            yield forbidden(field, "may only be specified when readOnly is true")
        if (mount.get("mountPropagation") or "None") != "None":
            yield forbidden(field, "may only be specified when mountPropagation is None or not specified")


def relative_path(path: str, field: str) -> Errors:
    """The path stays below the folder that it is relative to."""
    if path.startswith("/"):
        yield invalid(field, path, "must be a relative path")
    if ".." in path.split("/"):
        yield invalid(field, path, "must not contain '..'")


def _sub_path(mount: Object, field: str) -> Errors:
    for kind in ("subPath", "subPathExpr"):
        yield from relative_path(mount.get(kind) or "", f"{field}.{kind}")
    if mount.get("subPath") and mount.get("subPathExpr"):
        yield invalid(f"{field}.subPathExpr", mount["subPathExpr"], _NO_SUBPATH_BOTH)


def _source(volume: Object, field: str) -> Errors:
    """Exactly one source, and its rules. Sources without rules of their own here are only counted."""
    given = sorted(volume.keys() - {"name"})
    if not given:
        yield required(field, "must specify a volume type")
        return
    yield from (forbidden(f"{field}.{source}", _MORE_THAN_ONE) for source in given[1:])
    if check := _SOURCES.get(given[0]):
        yield from check(volume[given[0]], f"{field}.{given[0]}")


def host_path(source: Object, field: str) -> Errors:
    path = source.get("path") or ""
    yield from present(f"{field}.path", path)
    if ".." in path.split("/"):
        yield invalid(f"{field}.path", path, "must not contain '..'")
    if (kind := source.get("type") or "") not in _HOST_PATH_TYPES:
        yield not_supported(f"{field}.type", kind, _HOST_PATH_TYPES)


def _empty_dir(source: Object, field: str) -> Errors:
    if "sizeLimit" in source:
        yield from resources.amount(source["sizeLimit"], f"{field}.sizeLimit")


def _secret(source: Object, field: str) -> Errors:
    yield from present(f"{field}.secretName", source.get("secretName"))
    yield from _files(source, field)


def _config_map(source: Object, field: str) -> Errors:
    yield from present(f"{field}.name", source.get("name"))
    yield from _files(source, field)


def _files(source: Object, field: str) -> Errors:
    """Which keys become which files."""
    yield from _mode(source, "defaultMode", field)
    for path, item in indexed(f"{field}.items", source.get("items")):
        yield from present(f"{path}.key", item.get("key"))
        yield from _file(item, path)


def _file(item: Object, field: str) -> Errors:
    yield from present(f"{field}.path", item.get("path"))
    path = item.get("path") or ""
    yield from relative_path(path, f"{field}.path")
    if path.startswith("..") and not path.startswith("../"):
        yield invalid(f"{field}.path", path, "must not start with '..'")
    yield from _mode(item, "mode", field)


def _mode(source: Object, name: str, field: str) -> Errors:
    mode = source.get(name)
    if mode is not None and mode not in _MODES:
        yield invalid(f"{field}.{name}", mode, _BAD_MODE)


def _downward_api(source: Object, field: str) -> Errors:
    yield from _mode(source, "defaultMode", field)
    for path, item in indexed(f"{field}.items", source.get("items")):
        yield from _file(item, path)
        yield from _shown(item, path)


def _shown(item: Object, field: str) -> Errors:
    """What a downward API file shows."""
    if "fieldRef" in item and "resourceFieldRef" in item:
        yield invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif "fieldRef" in item:
        yield from env.field_ref(item["fieldRef"], f"{field}.fieldRef", _ITEM_FIELDS)
    elif "resourceFieldRef" in item:
        yield from env.resource_ref(item["resourceFieldRef"], f"{field}.resourceFieldRef", container_needed=True)
    else:
        yield required(field, "one of fieldRef and resourceFieldRef is required")


def _projected(source: Object, field: str) -> Errors:
    yield from _mode(source, "defaultMode", field)
    for path, projection in indexed(f"{field}.sources", source.get("sources")):
        given = sorted(projection)
        if not given:
            yield required(path, "must specify a source")
        yield from (forbidden(f"{path}.{kind}", _MORE_THAN_ONE) for kind in given[1:])
        for kind in given[:1]:
            if check := _PROJECTIONS.get(kind):
                yield from check(projection[kind], f"{path}.{kind}")


def _token(source: Object, field: str) -> Errors:
    low, high = _TOKEN_SECONDS
    seconds = source.get("expirationSeconds", low)
    if seconds < low:
        yield invalid(f"{field}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > high:
        yield invalid(f"{field}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
    yield from _file(source, field)


def needs(*names: str) -> Callable[[Object, str], Errors]:
    """The rule of a source that only has fields which must be there."""

    def check(source: Object, field: str) -> Errors:
        for name in names:
            yield from present(f"{field}.{name}", source.get(name))

    return check


_SOURCES: Mapping[str, Callable[[Object, str], Errors]] = {
    "configMap": _config_map,
    "csi": needs("driver"),
    "downwardAPI": _downward_api,
    "emptyDir": _empty_dir,
    "ephemeral": needs("volumeClaimTemplate"),
    "gitRepo": needs("repository"),
    "hostPath": host_path,
    "image": needs("reference"),
    "nfs": needs("server", "path"),
    "persistentVolumeClaim": needs("claimName"),
    "projected": _projected,
    "secret": _secret,
}
_PROJECTIONS: Mapping[str, Callable[[Object, str], Errors]] = {
    "configMap": _config_map,
    "downwardAPI": _downward_api,
    "secret": _config_map,
    "serviceAccountToken": _token,
}
