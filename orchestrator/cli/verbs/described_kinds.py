"""What `podlab describe` says of pods, deployments, services and nodes beyond their fields. Pure but for `Find`."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Protocol

from orchestrator.api import meta, quantity
from orchestrator.api.meta import Object
from orchestrator.cli.verbs.choice import pod_selector
from orchestrator.cli.verbs.description import Tree, condition_table, fields, general, head, pairs, pod_template, table


class Find(Protocol):
    def __call__(self, word: str, namespace: str = "", **options: str) -> list[Object]:
        """The objects of the kind that `word` names."""


_STATUSES = {
    "Init Containers": ("initContainers", "initContainerStatuses"),
    "Containers": ("containers", "containerStatuses"),
    "Ephemeral Containers": ("ephemeralContainers", "ephemeralContainerStatuses"),
}


def pod(obj: Object, _find: Find) -> Tree:
    spec, status = dict(meta.spec(obj)), meta.status(obj)
    tree = head(obj)
    tree |= {"Node": spec.pop("nodeName", None), "Start Time": status.get("startTime")}
    tree |= {"Status": "Terminating" if meta.is_deleting(obj) else status.get("phase")}
    tree |= {title: status[field] for title, field in (("Reason", "reason"), ("Message", "message")) if field in status}
    tree |= {"IP": status.get("podIP"), "QoS Class": status.get("qosClass")}
    for title, (field, reported) in _STATUSES.items():
        states = {each["name"]: each for each in status.get(reported) or []}
        if containers := spec.pop(field, None):
            tree[title] = [_container(each, states.get(each["name"], {})) for each in containers]
    tolerations = spec.pop("tolerations", None) or []
    tree |= fields(spec)
    tree["Tolerations"] = [_toleration(each) for each in tolerations]
    return tree | {"Conditions": condition_table(status.get("conditions") or [])}


def _container(container: Object, state: Object) -> Tree:
    """What it is to be, then how it is."""
    spec = dict(container)
    tree: Tree = {"Name": spec.pop("name"), "Image": spec.pop("image", None)}
    tree["Container ID"] = state.get("containerID")
    ports = [f"{port['containerPort']}/{port.get('protocol', 'TCP')}" for port in spec.pop("ports", None) or []]
    tree["Ports"] = ", ".join(ports)
    tree |= {"State": _state(state.get("state")), "Last State": _state(state.get("lastState"))}
    tree |= {"Ready": state.get("ready", False), "Restart Count": state.get("restartCount", 0)}
    tree["Environment"] = [_variable(variable) for variable in spec.pop("env", None) or []]
    mounts = spec.pop("volumeMounts", None) or []
    tree["Mounts"] = [f"{m['mountPath']} from {m['name']} ({'ro' if m.get('readOnly') else 'rw'})" for m in mounts]
    return tree | fields(spec)


def _state(state: Object | None) -> list[str] | None:
    """`Waiting: ImagePullBackOff`, and what else is known of it a line each."""
    for name, details in (state or {}).items():
        reason = details.get("reason")
        rest = [f"{key}: {value}" for key, value in details.items() if key not in ("reason", "containerID")]
        return [name.capitalize() + (f": {reason}" if reason else ""), *rest]
    return None


def _variable(variable: Object) -> str:
    source = variable.get("valueFrom")
    if not source:
        return f"{variable['name']}={variable.get('value', '')}"
    kind, reference = next(iter(source.items()))
    where = reference.get("fieldPath") or reference.get("resource") or f"{reference.get('name')}.{reference.get('key')}"
    return f"{variable['name']} from {kind} {where}"


def _toleration(toleration: Object) -> str:
    value = f"={toleration['value']}" if toleration.get("value") else ""
    effect = f":{toleration['effect']}" if toleration.get("effect") else ""
    seconds = toleration.get("tolerationSeconds")
    said = f"{toleration.get('key', '')}{value}{effect} op={toleration.get('operator', 'Equal')}"
    return said + (f" for {seconds}s" if seconds is not None else "")


def deployment(obj: Object, find: Find) -> Tree:
    spec, status = meta.spec(obj), meta.status(obj)
    counts = {"desired": spec.get("replicas", 1), "updated": status.get("updatedReplicas", 0)}
    counts |= {"total": status.get("replicas", 0), "available": status.get("availableReplicas", 0)}
    counts["unavailable"] = status.get("unavailableReplicas", 0)
    sets = find("replicasets.apps", meta.namespace(obj))
    own = [each for each in sets if (meta.controller_of(each) or {}).get("uid") == meta.uid(obj)]
    rows = [(meta.name(s), meta.spec(s).get("replicas"), meta.status(s).get("readyReplicas", 0)) for s in own]
    tree = head(obj) | {"Selector": pod_selector(obj)}
    tree["Replicas"] = ", ".join(f"{count} {name}" for name, count in counts.items())
    rest = {key: value for key, value in spec.items() if key not in ("replicas", "selector", "template")}
    tree |= fields(rest) | {"Pod Template": pod_template(spec["template"])}
    tree["Replica Sets"] = table(["NAME", "DESIRED", "READY"], rows) if rows else None
    return tree | {"Conditions": condition_table(status.get("conditions") or [])}


def service(obj: Object, find: Find) -> Tree:
    spec = dict(meta.spec(obj))
    selector, ports = spec.pop("selector", None) or {}, spec.pop("ports", None) or []
    options = {"labelSelector": f"kubernetes.io/service-name={meta.name(obj)}"}
    slices = find("endpointslices.discovery.k8s.io", meta.namespace(obj), **options)
    tree = head(obj) | {"Selector": pairs(selector)} | fields(spec)
    rows = [
        (p.get("name") or "<unset>", f"{p['port']}/{p.get('protocol', 'TCP')}", p.get("targetPort"), p.get("nodePort"))
        for p in ports
    ]
    tree["Ports"] = table(["NAME", "PORT", "TARGET PORT", "NODE PORT"], rows) if rows else None
    tree["Endpoints"] = [endpoint for each in slices for endpoint in _endpoints(each)]
    return tree | ({"Status": fields(obj["status"])} if meta.status(obj).get("loadBalancer") else {})


def _endpoints(slice_: Object) -> list[str]:
    """`10.0.0.5:80`, those that take connections."""
    ready = [e for e in slice_.get("endpoints") or [] if (e.get("conditions") or {}).get("ready", True)]
    ports = [port["port"] for port in slice_.get("ports") or [] if port.get("port")]
    return [f"{address}:{port}" for endpoint in ready for address in endpoint["addresses"] for port in ports]


def node(obj: Object, find: Find) -> Tree:
    status = dict(meta.status(obj))
    conditions, addresses = status.pop("conditions", None) or [], status.pop("addresses", None) or []
    images = status.pop("images", None) or []
    tree = head(obj) | fields(meta.spec(obj))
    tree["Taints"] = [
        f"{taint['key']}{'=' + taint['value'] if taint.get('value') else ''}:{taint['effect']}"
        for taint in meta.spec(obj).get("taints") or []
    ]
    tree["Addresses"] = [f"{address['type']}: {address['address']}" for address in addresses]
    tree |= fields(status) | {"Images": len(images), "Conditions": condition_table(conditions)}
    pods = find("pods", fieldSelector=f"spec.nodeName={meta.name(obj)}")
    running = [each for each in pods if meta.status(each).get("phase") not in ("Succeeded", "Failed")]
    rows = [(meta.namespace(each), meta.name(each), *map(_said, requests(each))) for each in running]
    tree["Pods"] = table(["NAMESPACE", "NAME", "CPU REQUESTS", "MEMORY REQUESTS"], rows) if rows else None
    return tree


def requests(pod: Object) -> tuple[Fraction, Fraction]:
    """Cores and bytes that a pod's containers ask for."""
    asked = [((each.get("resources") or {}).get("requests") or {}) for each in meta.spec(pod).get("containers") or []]
    cpu, memory = ([quantity.parse(each.get(name, 0)) for each in asked] for name in ("cpu", "memory"))
    return sum(cpu, Fraction()), sum(memory, Fraction())


def _said(amount: Fraction) -> str:
    return quantity.canonical(str(amount)) if amount.denominator == 1 else quantity.format_milli(int(amount * 1000))


_SPECIAL: dict[str, Callable[[Object, Find], Tree]] = {
    "pods": pod,
    "deployments.apps": deployment,
    "services": service,
    "nodes": node,
}


def describe(resource: str, obj: Object, find: Find) -> Tree:
    """`resource` is the kind's name, as `deployments.apps`."""
    special = _SPECIAL.get(resource)
    return special(obj, find) if special else general(obj)
