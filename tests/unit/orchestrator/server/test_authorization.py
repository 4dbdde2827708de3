"""Who may do what, against a whole API in this process."""

from __future__ import annotations

import pytest

from orchestrator.api.claims import VOLUME_PROTECTION
from orchestrator.api.errors import Forbidden, NotFound
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import (
    CONFIG_MAP,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
)
from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, finalizers
from orchestrator.api.request import User
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from orchestrator.server.resources import Resources
from tests.fakes.volumes import claim, local_volume, volume

from .objects import config_map, pod

PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
SECRETS = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}


def role(name: str, *rules: Object, kind: Kind = ROLE) -> Object:
    where = {"namespace": "default"} if kind.namespaced else {}
    return {"metadata": {"name": name, **where}, "rules": list(rules)}


def binding(name: str, ref: str, user: str, *, kind: Kind = ROLE_BINDING, role_kind: str = "Role") -> Object:
    where = {"namespace": "default"} if kind.namespaced else {}
    return {
        "metadata": {"name": name, **where},
        "roleRef": {"kind": role_kind, "name": ref},
        "subjects": [{"kind": "User", "name": user}],
    }


def as_user(resources: Resources, name: str, *groups: str) -> Client:
    return Client(LocalTransport(resources, User(name, (*groups, "system:authenticated"))))


@pytest.fixture
def jane(resources: Resources) -> Client:
    return as_user(resources, "jane")


def allow(client: Client, *rules: Object, user: str = "jane") -> None:
    """Let the user do in `default` what the rules say."""
    client.create(ROLE, role("allowed", *rules))
    client.create(ROLE_BINDING, binding("allowed", "allowed", user))


def test_nothing_is_allowed_at_first(jane: Client) -> None:
    with pytest.raises(Forbidden, match=r'^pods is forbidden: User "jane" cannot list resource "pods"') as refused:
        jane.list(POD, "default")
    assert refused.value.details == {"kind": "pods"}
    with pytest.raises(Forbidden, match="cannot watch resource"):
        jane.watch(POD, "default")


def test_what_is_written_counts_at_once(client: Client, jane: Client) -> None:
    allow(client, PODS)
    assert jane.list(POD, "default").items == []
    with pytest.raises(Forbidden):
        jane.list(POD, "kube-system")
    with pytest.raises(Forbidden, match="at the cluster scope"):
        jane.list(POD)
    client.delete(ROLE_BINDING, "allowed", "default")
    with pytest.raises(Forbidden):
        jane.list(POD, "default")


def test_a_changed_role_counts_at_once(client: Client, jane: Client) -> None:
    allow(client, PODS)
    client.update(ROLE, role("allowed", SECRETS))
    with pytest.raises(Forbidden):
        jane.list(POD, "default")
    with pytest.raises(NotFound):
        jane.get(SECRET, "none", "default")


def test_a_cluster_role_in_one_namespace(client: Client, jane: Client) -> None:
    client.create(CLUSTER_ROLE, role("pods", PODS, kind=CLUSTER_ROLE))
    client.create(ROLE_BINDING, binding("b", "pods", "jane", role_kind="ClusterRole"))
    assert jane.list(POD, "default").items == []
    with pytest.raises(Forbidden):
        jane.list(POD)
    client.create(
        CLUSTER_ROLE_BINDING, binding("b", "pods", "jane", kind=CLUSTER_ROLE_BINDING, role_kind="ClusterRole")
    )
    assert jane.list(POD).items == []


def test_a_missing_role_is_named(client: Client, jane: Client) -> None:
    client.create(ROLE_BINDING, binding("b", "nowhere", "jane"))
    with pytest.raises(Forbidden, match=r': RBAC: role.rbac.authorization.k8s.io "nowhere" not found$'):
        jane.list(POD, "default")


def test_old_history_is_no_loss(resources: Resources, client: Client, jane: Client) -> None:
    """Nobody asked for so long that the changes in between are forgotten."""
    with pytest.raises(Forbidden):
        jane.list(POD, "default")
    allow(client, PODS)
    store = resources.backend.store
    store.compact(store.revision)
    assert jane.list(POD, "default").items == []


def test_components_do_their_work(resources: Resources, client: Client) -> None:
    client.create(POD, pod("web"))
    client.create(NODE, {"metadata": {"name": "n1"}})
    scheduler = as_user(resources, "system:kube-scheduler")
    scheduler.bind(client.get(POD, "web", "default"), "n1", POD)
    with pytest.raises(Forbidden):
        scheduler.list(SECRET)
    wanted = claim()
    del wanted["metadata"]["uid"]
    client.create(PERSISTENT_VOLUME_CLAIM, wanted)
    scheduler.update(PERSISTENT_VOLUME_CLAIM, scheduler.get(PERSISTENT_VOLUME_CLAIM, "data", "default"))
    controllers = as_user(resources, "system:kube-controller-manager")
    made = volume()
    del made["metadata"]["uid"]
    controllers.update_status(PERSISTENT_VOLUME, controllers.create(PERSISTENT_VOLUME, made))
    controllers.delete(POD, "web", "default")
    with pytest.raises(Forbidden):
        controllers.create(DEPLOYMENT, {"metadata": {"name": "x", "namespace": "default"}})


# --- nobody gives away what he does not hold ------------------------------------------------------------------------

MANAGE = {
    "verbs": ["create", "update", "get", "patch", "delete"],
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["roles", "rolebindings"],
}


def test_a_role_with_more_than_one_has(client: Client, jane: Client) -> None:
    allow(client, MANAGE, PODS)
    jane.create(ROLE, role("fine", PODS))
    with pytest.raises(Forbidden) as refused:
        jane.create(ROLE, role("more", PODS, SECRETS))
    assert refused.value.message == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["system:authenticated"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
    )
    with pytest.raises(Forbidden):
        jane.update(ROLE, role("fine", SECRETS))
    # What does not change the rules needs none of them.
    client.create(ROLE, role("others", SECRETS))
    jane.patch(ROLE, "others", {"metadata": {"labels": {"a": "b"}}}, "default")


def test_the_verb_escalate(client: Client, jane: Client) -> None:
    allow(client, MANAGE, {**MANAGE, "verbs": ["escalate"]})
    jane.create(ROLE, role("more", SECRETS))


def test_a_binding_to_more_than_one_has(client: Client, jane: Client) -> None:
    allow(client, MANAGE)
    client.create(ROLE, role("secrets", SECRETS))
    with pytest.raises(Forbidden, match="attempting to grant RBAC permissions not currently held"):
        jane.create(ROLE_BINDING, binding("mine", "secrets", "jane"))
    with pytest.raises(NotFound, match=r'roles.rbac.authorization.k8s.io "nowhere" not found'):
        jane.create(ROLE_BINDING, binding("mine", "nowhere", "jane"))


def test_the_verb_bind(client: Client, jane: Client) -> None:
    bind = {**MANAGE, "verbs": ["bind"], "resources": ["roles"], "resourceNames": ["secrets"]}
    allow(client, MANAGE, bind)
    client.create(ROLE, role("secrets", SECRETS))
    jane.create(ROLE_BINDING, binding("mine", "secrets", "joe"))


def test_aggregation_is_for_administrators(client: Client, jane: Client) -> None:
    manage = {**MANAGE, "resources": ["clusterroles"]}
    client.create(CLUSTER_ROLE, role("m", manage, kind=CLUSTER_ROLE))
    client.create(CLUSTER_ROLE_BINDING, binding("m", "m", "jane", kind=CLUSTER_ROLE_BINDING, role_kind="ClusterRole"))
    gathers = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use the aggregationRule"):
        jane.create(CLUSTER_ROLE, {**role("all", kind=CLUSTER_ROLE), "aggregationRule": gathers})


# --- agents -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def agent(resources: Resources, client: Client) -> Client:
    """That of n1, where pod `mine` is; `other` is on n2."""
    for node, each in (("n1", "mine"), ("n2", "other")):
        client.create(NODE, {"metadata": {"name": node}})
        volumes = [{"name": "v", "configMap": {"name": f"{each}-settings"}}]
        client.create(CONFIG_MAP, config_map(f"{each}-settings"))
        client.create(POD, pod(each, nodeName=node, volumes=volumes))
    return as_user(resources, "system:node:n1", "system:nodes")


def test_an_agent_reads_what_its_pods_need(agent: Client, client: Client) -> None:
    assert agent.get(CONFIG_MAP, "mine-settings", "default")
    assert agent.get(POD, "mine", "default")
    assert len(agent.list(POD, fieldSelector="spec.nodeName=n1").items) == 1
    for kind, name in ((CONFIG_MAP, "other-settings"), (POD, "other"), (SECRET, "any")):
        with pytest.raises(Forbidden):
            agent.get(kind, name, "default")
    for kind in (POD, CONFIG_MAP, SECRET):
        with pytest.raises(Forbidden):
            agent.list(kind)
    client.delete(POD, "mine", "default", grace_seconds=0)
    with pytest.raises(Forbidden):
        agent.get(CONFIG_MAP, "mine-settings", "default")


def test_an_agent_writes_its_own(agent: Client) -> None:
    status = {"status": {"phase": "Running"}}
    agent.patch(POD, "mine", status, "default", subresource="status")
    with pytest.raises(Forbidden, match=r"can only act on pods with spec.nodeName set to itself"):
        agent.patch(POD, "other", status, "default", subresource="status")
    with pytest.raises(NotFound):
        agent.patch(POD, "gone", status, "default", subresource="status")
    with pytest.raises(Forbidden):
        agent.delete(POD, "other", "default")
    agent.delete(POD, "mine", "default", grace_seconds=0)
    with pytest.raises(Forbidden):
        agent.create(POD, pod("new", nodeName="n1"))


def test_an_agent_and_nodes(agent: Client) -> None:
    agent.patch(NODE, "n1", {"metadata": {"labels": {"disk": "ssd"}}})
    for patch in (
        {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}},
        label("x.node-restriction.kubernetes.io/a"),
    ):
        with pytest.raises(Forbidden, match="is not allowed to modify"):
            agent.patch(NODE, "n1", patch)
    with pytest.raises(Forbidden, match='node "n1" is not allowed to modify node "n2"'):
        agent.patch(NODE, "n2", {"metadata": {"labels": {"disk": "ssd"}}})
    with pytest.raises(Forbidden):
        agent.get(NODE, "n2")
    with pytest.raises(Forbidden):
        agent.delete(NODE, "n1")


def test_an_agent_lets_go_of_its_volumes(agent: Client, client: Client) -> None:
    for name, node in (("here", "n1"), ("there", "n2")):
        made = local_volume(f"/volumes/{name}", claim(), name=name, node=node)
        del made["metadata"]["uid"], made["status"]
        client.create(PERSISTENT_VOLUME, made)
    assert len(agent.list(PERSISTENT_VOLUME).items) == 2
    release = {"metadata": {"finalizers": [VOLUME_PROTECTION]}}
    for patch in (
        {"metadata": {"finalizers": []}},
        {"metadata": {**release["metadata"], "labels": {"a": "b"}}},
        {**release, "spec": {"capacity": {"storage": "9Gi"}}},
    ):
        with pytest.raises(Forbidden, match="can only remove the finalizer podlab"):
            agent.patch(PERSISTENT_VOLUME, "here", patch)
    with pytest.raises(Forbidden, match="can only act on volumes that were provisioned on it"):
        agent.patch(PERSISTENT_VOLUME, "there", release)
    with pytest.raises(Forbidden):
        agent.delete(PERSISTENT_VOLUME, "here")
    agent.patch(PERSISTENT_VOLUME, "here", release)
    assert finalizers(client.get(PERSISTENT_VOLUME, "here")) == [VOLUME_PROTECTION]


def label(name: str) -> Object:
    return {"metadata": {"labels": {name: "x"}}}


def test_an_agent_in_name_only(resources: Resources) -> None:
    """Without the group the name says nothing."""
    with pytest.raises(Forbidden):
        as_user(resources, "system:node:n1").list(POD, fieldSelector="spec.nodeName=n1")


def test_a_namespace_is_in_itself(client: Client, jane: Client) -> None:
    allow(client, {"verbs": ["get"], "apiGroups": [""], "resources": ["namespaces"]})
    assert jane.get(NAMESPACE, "default")
    with pytest.raises(Forbidden):
        jane.get(NAMESPACE, "kube-system")
