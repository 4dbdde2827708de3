"""Ingress and IngressClass.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/networking/validation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import meta, names
from orchestrator.api.checks import Errors, named, obeys, one_of, unchanged
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, forbidden, invalid, required, too_long
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, or_none
from orchestrator.api.strategies.ingress_rules import ingress, reference
from orchestrator.api.strategies.shortened import shortened

#: "true" on the class of ingresses that name none.
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
#: The annotation that named the class before there was a field for it.
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_DEPRECATED = f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"
_NOT_SERVED = "Ingress is not enforced by podlab: it has no ingress controller, so that no traffic follows these rules"
_SCOPES = ("Cluster", "Namespace")
_LONGEST_CONTROLLER = 250


class IngressStrategy(Strategy):
    columns = (NAME, Column("Class"), Column("Hosts"), Column("Address"), Column("Ports"), AGE)
    has_generation = True

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"loadBalancer": {}}

    def validate(self, obj: Object) -> list[FieldError]:
        return list(ingress(spec(obj), "spec"))

    def validate_create(self, obj: Object) -> list[FieldError]:
        annotation, field = meta.annotations(obj).get(CLASS_ANNOTATION), spec(obj).get("ingressClassName")
        if annotation is None or field is None or annotation == field:
            return []
        path = f"annotations.{CLASS_ANNOTATION}"
        return [invalid(path, annotation, "must match `ingressClassName` when both are specified")]

    def warnings(self, obj: Object) -> list[str]:
        return [_DEPRECATED, _NOT_SERVED] if CLASS_ANNOTATION in meta.annotations(obj) else [_NOT_SERVED]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        hosts = [rule["host"] for rule in spec(obj).get("rules") or [] if rule.get("host")]
        balancers = (status(obj).get("loadBalancer") or {}).get("ingress") or []
        return (
            name(obj),
            or_none(spec(obj).get("ingressClassName")),
            shortened(hosts) or "*",
            ",".join(balancer.get("ip") or balancer.get("hostname") or "" for balancer in balancers),
            "80, 443" if spec(obj).get("tls") else "80",
            created(obj, now),
        )


class IngressClassStrategy(Strategy):
    columns = (NAME, Column("Controller"), Column("Parameters"), AGE)
    has_status = False
    has_generation = True

    def default(self, obj: Object) -> None:
        if (parameters := obj.setdefault("spec", {}).get("parameters")) is not None:
            fill(parameters, {"scope": "Cluster"}, unset=(None,))

    def validate(self, obj: Object) -> list[FieldError]:
        errors = list(_controller(spec(obj).get("controller") or "", "spec.controller"))
        if (parameters := spec(obj).get("parameters")) is not None:
            errors += _parameters(parameters, "spec.parameters")
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(unchanged("spec.controller", spec(new).get("controller"), spec(old).get("controller")))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), spec(obj).get("controller") or "", or_none(_target(obj)), created(obj, now))


def _target(ingress_class: Object) -> str:
    """`Kind.group/name` of the parameters, "" when there are none."""
    parameters = spec(ingress_class).get("parameters")
    if parameters is None:
        return ""
    group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
    return f"{parameters.get('kind') or ''}{group}/{parameters.get('name') or ''}"


def _controller(controller: str, field: str) -> Errors:
    """`example.com/name`: a domain and a path."""
    if not controller:
        yield required(field)
        return
    if len(controller.encode()) > _LONGEST_CONTROLLER:
        yield too_long(field, _LONGEST_CONTROLLER)
    domain, slash, path = controller.partition("/")
    if not slash or not domain or not path:
        yield invalid(field, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        yield from obeys(field, domain, names.dns_subdomain)


def _parameters(parameters: Object, field: str) -> Errors:
    yield from reference(parameters, field)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    yield from one_of(f"{field}.scope", scope, _SCOPES)
    if scope == "Namespace":
        if namespace is None:
            yield required(f"{field}.namespace", "`parameters.scope` is set to 'Namespace'")
        else:
            yield from named(f"{field}.namespace", namespace, names.dns_label)
    elif scope == "Cluster" and namespace is not None:
        yield forbidden(f"{field}.namespace", "`parameters.scope` is set to 'Cluster'")
