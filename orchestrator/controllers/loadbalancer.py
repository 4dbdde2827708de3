"""The load balancer controller: gives Services of type LoadBalancer an address of `load_balancer_cidr` at once."""

from __future__ import annotations

from ipaddress import IPv4Network

from orchestrator.api.groups.core import SERVICE
from orchestrator.api.meta import Key, Object, key, spec
from orchestrator.controllers import loadbalancer_plan as plans
from orchestrator.controllers.base import Context, Controller


class LoadBalancerController(Controller):
    name = "service-controller"
    #: One: two could give the same address to two Services.
    workers = 1

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._pool = IPv4Network(context.settings.load_balancer_cidr)
        #: What was given and may not be in the cache yet.
        self._given: dict[Key, str] = {}
        self._services = self.informer(SERVICE)
        self._services.add_handler(self._service_changed)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        """Only Services with something to do: a change of any other costs nothing."""
        for service in (old, new):
            if service is not None and (plans.wants_address(service) or plans.address(service)):
                self.queue.add(key(service))

    def sync(self, key: Key) -> None:
        service = self._services.cache.get(key)
        if service is None or not plans.wants_address(service):
            self._give_back(key, service)
            return
        ip = plans.choose(service, self._pool, self._taken(key))
        if not ip:
            self._refuse(service)
            return
        self._given[key] = ip
        if ip == plans.address(service):
            return
        self.record(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
        self.client.update_status(SERVICE, {**service, "status": plans.next_status(service, ip)})
        self.record(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer")

    def _taken(self, asking: Key) -> set[str]:
        others = [service for service in self._services.cache.list() if key(service) != asking]
        listed = {plans.address(service) for service in others if plans.wants_address(service)}
        return listed | {ip for owner, ip in self._given.items() if owner != asking}

    def _give_back(self, key: Key, service: Object | None) -> None:
        if self._given.pop(key, None):
            self._serve_waiting()
        if service is None or spec(service).get("loadBalancerClass") or not plans.address(service):
            return
        self.client.update_status(SERVICE, {**service, "status": plans.next_status(service, "")})
        self.record(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")

    def _serve_waiting(self) -> None:
        """An address is free: somebody may have waited for it."""
        for service in self._services.cache.list():
            if plans.wants_address(service) and not plans.address(service):
                self.queue.add(key(service))

    def _refuse(self, service: Object) -> None:
        self._given.pop(key(service), None)
        asked = spec(service).get("loadBalancerIP")
        why = f"no free address is left in {self._pool}: delete a Service or widen load_balancer_cidr"
        if asked:
            why = f"the address {asked} is taken, or not in {self._pool}: ask for another one"
        self.record(service, "Warning", "SyncLoadBalancerFailed", f"Error syncing load balancer: {why}")
        if plans.address(service):
            self.client.update_status(SERVICE, {**service, "status": plans.next_status(service, "")})
