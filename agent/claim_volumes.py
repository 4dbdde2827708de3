"""Volumes behind a claim: which folder of this machine a PersistentVolumeClaim stands for.

Sentences are those of the kubelet's volume manager.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent import host_path
from agent.lookup import Lookup
from agent.podspec import all_containers
from agent.runtime.base import ConfigError
from orchestrator.api.claims import (
    LOCAL,
    belongs_to,
    ephemeral_claim,
    is_made_for,
    not_made_for,
    provisioned_by,
    reachable,
)
from orchestrator.api.groups.core import NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.api.meta import Object, labels, name, namespace, spec, status


class ClaimError(Exception):
    """The claim cannot be mounted here (yet)."""


@dataclass(frozen=True, slots=True)
class ClaimVolumes:
    """`node` is this one's name; `make` makes a folder that is not there, in which everybody may write."""

    lookup: Lookup
    node: str
    make: Callable[[Path, Object], None]

    def path(self, pod: Object, volume: Object) -> tuple[Path, bool]:
        """Where the pod's volume, of type persistentVolumeClaim or ephemeral, lies, and whether it is given to the
        pod's fsGroup: hostPath volumes are somebody else's.

        Raises ClaimError, ConfigError, and what `lookup` and `agent.host_path` raise.
        """
        claim = self._claim(pod, volume)
        _check_mode(pod, volume, claim)
        found = self._volume(claim)
        self._check_node(found)
        if (own := spec(found).get("hostPath")) is not None:
            host_path.check(Path(own["path"]), own.get("type") or "")
            return Path(own["path"]), False
        if (own := spec(found).get("local")) is not None:
            return self._local(pod, found, Path(own["path"])), True
        raise ConfigError(f'PersistentVolume "{name(found)}" is neither hostPath nor local: no other type is supported')

    def _claim(self, pod: Object, volume: Object) -> Object:
        ephemeral = volume.get("ephemeral") is not None
        wanted = ephemeral_claim(pod, volume["name"]) if ephemeral else volume["persistentVolumeClaim"]["claimName"]
        where = f"{namespace(pod)}/{wanted}"
        claim = self.lookup(PERSISTENT_VOLUME_CLAIM, namespace(pod), wanted)
        if claim is None:
            raise ClaimError(f'error processing PVC {where}: persistentvolumeclaim "{wanted}" not found')
        if ephemeral and not is_made_for(claim, pod):
            raise ClaimError(not_made_for(claim, pod))
        if status(claim).get("phase") != "Bound" or not spec(claim).get("volumeName"):
            raise ClaimError(f"error processing PVC {where}: PVC is not bound")
        return claim

    def _volume(self, claim: Object) -> Object:
        wanted = spec(claim)["volumeName"]
        found = self.lookup(PERSISTENT_VOLUME, "", wanted)
        if found is None:
            raise ClaimError(f'failed to fetch PV {wanted}: persistentvolume "{wanted}" not found')
        if not belongs_to(found, claim):
            raise ClaimError(f"PV {wanted} is not bound to PVC {namespace(claim)}/{name(claim)}")
        return found

    def _check_node(self, volume: Object) -> None:
        """A pod that was put here by hand, past the scheduler, may be on the wrong node."""
        if not spec(volume).get("nodeAffinity"):
            return
        node = self.lookup(NODE, "", self.node)
        if node is None or not reachable(volume, self.node, labels(node)):
            raise ClaimError("no matching NodeSelectorTerms: the volume is on another node")

    def _local(self, pod: Object, volume: Object, path: Path) -> Path:
        if provisioned_by(volume) == LOCAL:
            self.make(path, pod)
        elif not path.exists():
            raise ClaimError(f'path "{path}" does not exist')
        return path


def _check_mode(pod: Object, volume: Object, claim: Object) -> None:
    """Raises ClaimError, ConfigError."""
    mode, wanted = spec(claim).get("volumeMode") or "Filesystem", volume["name"]
    where = f"{namespace(claim)}/{name(claim)}"
    for field, other in (("volumeDevices", "Filesystem"), ("volumeMounts", "Block")):
        used = any(entry["name"] == wanted for each in all_containers(pod) for entry in each.get(field) or ())
        if used and mode == other:
            raise ClaimError(f"volume {wanted} has volumeMode {mode}, but is specified in {field}")
    if mode == "Block":
        raise ConfigError(f"PVC {where} has volumeMode Block, which is not supported: use Filesystem")
