"""A container's environment variables, as the kubelet makes them: services, then envFrom, then env."""

from __future__ import annotations

from collections.abc import Mapping

from agent.downward import field_value, named_container, resource_value
from agent.lookup import Lookup
from agent.runtime.base import ConfigError
from agent.runtime.expansion import expand
from agent.runtime.node import NodeContext
from agent.service_variables import service_variables
from agent.sources import config_map_text, secret_text
from orchestrator.api.meta import Object, name, namespace, spec

#: The API's own service: every pod gets its variables, whatever enableServiceLinks says.
_API_NAMESPACE, _API_SERVICE = "default", "kubernetes"


def resolve(pod: Object, container: Object, lookup: Lookup, node: NodeContext, status: Object) -> list[tuple[str, str]]:
    """The variables in order, each name once. `status` is the pod's as of now: it has the addresses.

    Raises ConfigError when something that is not optional is missing, and what `lookup` raises.
    """
    values = service_variables(_services(pod, lookup))
    for source in container.get("envFrom") or ():
        values |= _env_from(source, namespace(pod), lookup)
    for entry in container.get("env") or ():
        if source := entry.get("valueFrom"):
            value = _value_from(source, pod, container, lookup, node, status)
        else:
            # Only what was defined before can be referred to.
            value = expand(entry.get("value") or "", values)
        if value is not None:
            values[entry["name"]] = value
    return list(values.items())


def _services(pod: Object, lookup: Lookup) -> list[Object]:
    """The API's, and those of the pod's namespace: a namesake there wins."""
    api = [service for service in lookup.services(_API_NAMESPACE) if name(service) == _API_SERVICE]
    linked = spec(pod).get("enableServiceLinks") is not False
    return [*api, *(lookup.services(namespace(pod)) if linked else ())]


def _env_from(source: Object, space: str, lookup: Lookup) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    if reference := source.get("configMapRef"):
        data, kind = config_map_text(lookup, space, reference["name"]), "configmap"
    else:
        reference = source["secretRef"]
        data, kind = secret_text(lookup, space, reference["name"]), "secret"
    if data is None:
        _absent(reference, f'{kind} "{reference["name"]}" not found')
    return {prefix + key: value for key, value in (data or {}).items()}


def _value_from(
    source: Object, pod: Object, container: Object, lookup: Lookup, node: NodeContext, status: Object
) -> str | None:
    """None when an optional reference leads nowhere."""
    space = namespace(pod)
    if reference := source.get("configMapKeyRef"):
        return _key(reference, config_map_text(lookup, space, reference["name"]), "ConfigMap", space)
    if reference := source.get("secretKeyRef"):
        return _key(reference, secret_text(lookup, space, reference["name"]), "Secret", space)
    if reference := source.get("fieldRef"):
        return field_value(reference["fieldPath"], pod, status)
    if reference := source.get("resourceFieldRef"):
        return resource_value(reference, _shown(reference, pod, container), node)
    raise ConfigError(f"valueFrom {', '.join(source)} of an environment variable is not supported")


def _shown(reference: Object, pod: Object, container: Object) -> Object:
    """The container whose resources are shown: its own, or another that is named."""
    wanted = reference.get("containerName") or container["name"]
    return container if wanted == container["name"] else named_container(pod, wanted)


def _key(reference: Object, data: Mapping[str, str] | None, kind: str, space: str) -> str | None:
    if data is None:
        _absent(reference, f'{kind.lower()} "{reference["name"]}" not found')
    elif reference["key"] not in data:
        _absent(reference, f"couldn't find key {reference['key']} in {kind} {space}/{reference['name']}")
    return (data or {}).get(reference["key"])


def _absent(reference: Object, sentence: str) -> None:
    """Raises ConfigError unless the reference is optional."""
    if not reference.get("optional"):
        raise ConfigError(sentence)
