"""Service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.names import dns_1035_label
from orchestrator.api.strategies import service_changes, service_rules
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, or_none, wide
from orchestrator.api.strategies.service_defaults import default_service


class ServiceStrategy(Strategy):
    columns = (
        NAME,
        Column("Type"),
        Column("Cluster-IP"),
        Column("External-IP"),
        Column("Port(s)"),
        AGE,
        wide("Selector"),
    )
    selectable = frozenset({"spec.clusterIP", "spec.type"})
    returns_deleted = True

    def name_problems(self, name: str) -> list[str]:
        return dns_1035_label(name)

    def default(self, obj: Object) -> None:
        default_service(obj.setdefault("spec", {}))

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"loadBalancer": {}}

    def prepare_update(self, new: Object, old: Object) -> None:
        service_changes.carry_over(spec(new), spec(old))

    def validate(self, obj: Object) -> list[FieldError]:
        return list(service_rules.service(spec(obj), "spec"))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(service_changes.changes(spec(new), spec(old), "spec"))

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {"spec.clusterIP": spec(obj).get("clusterIP") or "", "spec.type": spec(obj).get("type") or ""}

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        addresses = spec(obj).get("clusterIPs") or [spec(obj).get("clusterIP")]
        return (
            name(obj),
            spec(obj).get("type"),
            or_none(addresses[0]),
            _external(obj),
            or_none(",".join(_port(port) for port in spec(obj).get("ports") or [])),
            created(obj, now),
            or_none(",".join(f"{key}={value}" for key, value in sorted((spec(obj).get("selector") or {}).items()))),
        )


def _external(service: Object) -> str:
    """The addresses that the service has outside of the cluster."""
    given: list[str] = spec(service).get("externalIPs") or []
    match spec(service).get("type"):
        case "ExternalName":
            return str(spec(service).get("externalName") or "")
        case "LoadBalancer":
            ingress = (status(service).get("loadBalancer") or {}).get("ingress") or []
            addresses = [address.get("ip") or address.get("hostname") or "" for address in ingress]
            return ",".join([*addresses, *given]) or "<pending>"
    return or_none(",".join(given))


def _port(port: Object) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node_port}/{port.get('protocol')}"
