"""ServiceIPs: each Service its own cluster address and node ports, reserved before the write."""

from __future__ import annotations

import ipaddress
import logging
import random
from dataclasses import dataclass
from functools import partial

from orchestrator.api.errors import FieldError, InternalError, invalid, invalid_object
from orchestrator.api.groups.core import SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, key, name
from orchestrator.server.admission.base import Attributes, Plugin, View
from orchestrator.server.allocator import Exhausted, OutOfRange, Pool, Taken
from orchestrator.util.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """What a Service occupies: addresses as integers, and ports."""

    addresses: frozenset[int]
    ports: frozenset[int]


def held(service: Object | None) -> Held:
    spec = (service or {}).get("spec") or {}
    address = spec.get("clusterIP")
    addresses = {_number(address)} if has_address(spec) and address else set()
    ports = {port.get("nodePort") for port in spec.get("ports") or [] if port.get("nodePort")}
    return Held(frozenset(addresses), frozenset(ports if has_node_ports(spec) else ()))


def has_address(spec: Object) -> bool:
    return spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"


def has_node_ports(spec: Object) -> bool:
    if spec.get("type") == "LoadBalancer":
        return spec.get("allocateLoadBalancerNodePorts") is not False
    return spec.get("type") == "NodePort"


class ServiceIPs(Plugin):
    """The pools are filled from the store at start and follow every write from then on."""

    def __init__(self, view: View, settings: Settings, rng: random.Random) -> None:
        self._network = ipaddress.IPv4Network(settings.service_cidr)
        self._port_range = settings.node_ports
        first = int(self._network.network_address) + 1
        kept = (first, int(ipaddress.IPv4Address(settings.dns_ip)))
        self._addresses = Pool(first, int(self._network.broadcast_address) - 1, rng, kept)
        self._ports = Pool(*settings.node_ports, rng)
        for service in view.all(SERVICE):
            self._adopt(service)

    def admit(self, attributes: Attributes) -> None:
        if attributes.kind is not SERVICE or attributes.subresource or attributes.new is None:
            return
        before = held(attributes.old)
        self._give_address(attributes, before)
        self._give_ports(attributes, before)
        after = held(attributes.new)
        attributes.after.append(lambda: self._release(before.addresses - after.addresses, before.ports - after.ports))

    def removed(self, kind: Kind, obj: Object) -> None:
        if kind is SERVICE:
            gone = held(obj)
            self._release(gone.addresses, gone.ports)

    def _adopt(self, service: Object) -> None:
        has = held(service)
        try:
            for address in has.addresses:
                self._addresses.take(address)
            for port in has.ports:
                self._ports.take(port)
        except (OutOfRange, Taken) as error:
            log.error("service %s: %s is out of range or held by another service; recreate it", key(service), error)

    def _release(self, addresses: frozenset[int], ports: frozenset[int]) -> None:
        for address in addresses:
            self._addresses.release(address)
        for port in ports:
            self._ports.release(port)

    def _give_address(self, attributes: Attributes, before: Held) -> None:
        assert attributes.new is not None
        spec = attributes.new.setdefault("spec", {})
        if spec.get("type") == "ExternalName":
            return
        if has_address(spec):
            asked = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or []), "")
            spec["clusterIP"] = asked or self._free_address(attributes)
            if asked and asked not in map(_text, before.addresses):
                self._take_address(attributes, asked)
        spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")

    def _free_address(self, attributes: Attributes) -> str:
        try:
            number = self._addresses.next()
        except Exhausted:
            raise InternalError(
                f"failed to allocate a serviceIP: every address of {self._network} is taken: delete a Service"
            ) from None
        attributes.undo.append(partial(self._addresses.release, number))
        return _text(number)

    def _take_address(self, attributes: Attributes, text: str) -> None:
        try:
            number = _number(text)
            self._addresses.take(number)
        except Taken:
            raise _refused(attributes, _bad_address(text, "provided IP is already allocated")) from None
        except ValueError:
            why = f"the provided IP ({text}) is not in the valid range. The range of valid IPs is {self._network}"
            raise _refused(attributes, _bad_address(text, why)) from None
        attributes.undo.append(partial(self._addresses.release, number))

    def _give_ports(self, attributes: Attributes, before: Held) -> None:
        assert attributes.new is not None
        spec = attributes.new["spec"]
        if not has_node_ports(spec):
            return
        # One port may serve TCP and UDP of the same Service.
        mine = set(before.ports)
        for index, port in enumerate(spec.get("ports") or []):
            asked = port.get("nodePort") or 0
            if asked and asked not in mine:
                self._take_port(attributes, index, asked)
            mine.add(asked)
        for port in spec.get("ports") or []:
            port["nodePort"] = port.get("nodePort") or self._free_port(attributes)

    def _free_port(self, attributes: Attributes) -> int:
        try:
            port = self._ports.next()
        except Exhausted:
            low, high = self._port_range
            raise InternalError(
                f"failed to allocate a nodePort: every port of {low}-{high} is taken: delete a Service"
            ) from None
        attributes.undo.append(partial(self._ports.release, port))
        return port

    def _take_port(self, attributes: Attributes, index: int, port: int) -> None:
        field = f"spec.ports[{index}].nodePort"
        try:
            self._ports.take(port)
        except Taken:
            raise _refused(attributes, invalid(field, port, "provided port is already allocated")) from None
        except OutOfRange:
            low, high = self._port_range
            why = f"provided port is not in the valid range. The range of valid ports is {low}-{high}"
            raise _refused(attributes, invalid(field, port, why)) from None
        attributes.undo.append(partial(self._ports.release, port))


def _number(address: str) -> int:
    """Raises ValueError."""
    return int(ipaddress.IPv4Address(address))


def _text(number: int) -> str:
    return str(ipaddress.IPv4Address(number))


def _bad_address(text: str, why: str) -> FieldError:
    return invalid("spec.clusterIPs", f'["{text}"]', f"failed to allocate IP {text}: {why}")


def _refused(attributes: Attributes, error: FieldError) -> Exception:
    assert attributes.new is not None
    return invalid_object(SERVICE.kind, SERVICE.group, name(attributes.new), [error])
