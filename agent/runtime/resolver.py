"""A pod's DNS configuration from its dnsPolicy and dnsConfig, as the kubelet's `network/dns` makes it (pure)."""

from __future__ import annotations

from agent.runtime.node import NodeContext, Resolver
from orchestrator.api.meta import Object, namespace, spec

_CLUSTER_OPTIONS = ("ndots:5",)


def pod_resolver(pod: Object, node: NodeContext) -> Resolver:
    """Empty parts are left to the engine, which takes them from the node's resolv.conf."""
    config = spec(pod).get("dnsConfig") or {}
    base = _policy(pod, node, custom=bool(config))
    if not config:
        return base
    return Resolver(
        nameservers=_unique(base.nameservers, config.get("nameservers") or ()),
        searches=_unique(base.searches, config.get("searches") or ()),
        options=_merge_options(base.options, config.get("options") or ()),
    )


def _policy(pod: Object, node: NodeContext, *, custom: bool) -> Resolver:
    policy = spec(pod).get("dnsPolicy") or "ClusterFirst"
    if policy == "None":
        return Resolver()
    cluster = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec(pod).get("hostNetwork"))
    if cluster and node.dns_ip:
        domain = node.cluster_domain
        searches = (f"{namespace(pod)}.svc.{domain}", f"svc.{domain}", domain)
        return Resolver((node.dns_ip,), _unique(searches, node.resolver.searches), _CLUSTER_OPTIONS)
    # The node's own, as the engine hands it on; spelt out only where something is to be added to it.
    return node.resolver if custom else Resolver()


def _unique(first: tuple[str, ...], more: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *more)))


def _merge_options(base: tuple[str, ...], more: tuple[Object, ...] | list[Object]) -> tuple[str, ...]:
    """The pod's options replace those of the same name."""
    merged = {option.partition(":")[0]: option for option in base}
    for option in more:
        value = option.get("value")
        merged[option["name"]] = option["name"] if value in (None, "") else f"{option['name']}:{value}"
    return tuple(merged.values())


def parse_resolv_conf(text: str) -> Resolver:
    """A resolv.conf (resolv.conf(5)); nameservers on the loopback, which a pod cannot reach, are left out."""
    nameservers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        word, *values = line.split("#", 1)[0].split() or [""]
        if word == "nameserver" and values and not values[0].startswith(("127.", "::1")):
            nameservers.append(values[0])
        elif word in ("search", "domain"):
            searches = [value for value in values if value != "."]
        elif word == "options":
            options = values
    return Resolver(tuple(nameservers), tuple(searches), tuple(options))
