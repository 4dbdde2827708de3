"""RBAC's rules, by tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.access import Access, access_of, forbidden
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import NAMESPACE, POD
from orchestrator.api.rbac import EVERYTHING, Rule, account_of, account_user, missing, rule_of, subject_key
from orchestrator.api.request import Request, User


def rule(verbs: str, resources: str = "", groups: str = ".", names: str = "", urls: str = "") -> Rule:
    """Words with blanks between; the core group is written `.`."""
    given = ["" if group == "." else group for group in groups.split()] if resources else []
    lists = {"verbs": verbs.split(), "apiGroups": given, "resources": resources.split()}
    return rule_of({**lists, "resourceNames": names.split(), "nonResourceURLs": urls.split()})


PODS = Access("get", "", "pods", namespace="shop", name="web")
LOG = Access("get", "", "pods", "log", "shop", "web")
APPS = Access("get", "apps", "deployments", namespace="shop", name="web")
LIST = Access("list", "", "pods", namespace="shop")


@pytest.mark.parametrize(
    ("given", "access", "allowed"),
    [
        (rule("get", "pods"), PODS, True),
        (rule("*", "*", "*"), APPS, True),
        (rule("list", "pods"), PODS, False),
        (rule("get", "pods"), APPS, False),
        (rule("get", "deployments"), APPS, False),
        (rule("get", "deployments", "apps"), APPS, True),
        (rule("get", "pods"), LOG, False),
        (rule("get", "pods/log"), LOG, True),
        (rule("get", "*/log"), LOG, True),
        (rule("get", "*/log"), PODS, False),
        (rule("get", "*"), LOG, True),
        (rule("get", "pods/*"), LOG, False),
        (rule("get list", "pods", names="web"), PODS, True),
        (rule("get list", "pods", names="db"), PODS, False),
        (rule("get list", "pods", names="web"), LIST, False),
        (rule("get", urls="/metrics"), Access("get", path="/metrics"), True),
        (rule("get", urls="/metrics"), Access("get", path="/metrics/slis"), False),
        (rule("get", urls="/api/*"), Access("get", path="/api/v1"), True),
        (rule("get", urls="/api/*"), Access("get", path="/apis"), False),
        (rule("get", urls="*"), Access("get", path="/whatever"), True),
        (rule("get", urls="*"), Access("post", path="/whatever"), False),
        (rule("*", "*", "*"), Access("get", path="/metrics"), False),
        (rule("*", urls="*"), PODS, False),
    ],
)
def test_allows(given: Rule, access: Access, allowed: bool) -> None:
    assert given.allows(access) == allowed


@pytest.mark.parametrize(
    ("held", "wanted", "lacking"),
    [
        ([rule("get list", "pods secrets")], rule("get", "pods"), []),
        ([rule("get", "pods")], rule("get list", "pods"), [rule("list", "pods")]),
        ([rule("get", "pods", names="a")], rule("get", "pods"), [rule("get", "pods")]),
        ([rule("get", "pods")], rule("get", "pods", names="a"), []),
        ([rule("get", "pods", names="a b")], rule("get", "pods", names="a c"), [rule("get", "pods", names="c")]),
        ([rule("get", "pods")], rule("get", "*"), [rule("get", "*")]),
        ([rule("get", "*/scale")], rule("get", "pods/scale"), []),
        ([rule("get", urls="/api/*")], rule("get", urls="/api/v1/*"), []),
        ([rule("get", urls="/api/v1")], rule("get", urls="/api/*"), [rule("get", urls="/api/*")]),
        (EVERYTHING, rule("*", "*", "*"), []),
        ([rule("get", "pods"), rule("get", "secrets")], rule("get", "pods secrets"), []),
    ],
)
def test_missing(held: list[Rule], wanted: Rule, lacking: list[Rule]) -> None:
    assert missing(held, [wanted]) == lacking


words = st.frozensets(st.sampled_from(["*", "a", "b"]), min_size=1)
rules = st.builds(Rule, words, words, words, st.frozensets(st.sampled_from(["x", "y"])))
accesses = st.builds(
    Access, *(st.sampled_from(["a", "b", "c"]) for _ in range(3)), name=st.sampled_from(["", "x", "y", "z"])
)


@given(st.lists(rules, max_size=4), st.lists(rules, max_size=3), accesses)
def test_who_lacks_nothing_may_do_all_of_it(held: list[Rule], wanted: list[Rule], access: Access) -> None:
    """Escalation prevention is sound: what is let through allows nothing that was not allowed before."""
    if not missing(held, wanted) and any(each.allows(access) for each in wanted):
        assert any(each.allows(access) for each in held)


def test_rules_in_words() -> None:
    assert str(rule("get", "pods")) == '{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'
    assert str(rule("get", urls="/x")) == '{NonResourceURLs:["/x"], Verbs:["get"]}'


JANE = User("jane")


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (
            Request("list", POD, "default"),
            'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
        ),
        (
            Request("get", POD, "default", "web", "log"),
            'pods "web" is forbidden: User "jane" cannot get resource "pods/log" in API group "" '
            'in the namespace "default"',
        ),
        (
            Request("list", DEPLOYMENT),
            'deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" '
            "at the cluster scope",
        ),
        (
            Request("get", NAMESPACE, name="shop"),
            'namespaces "shop" is forbidden: User "jane" cannot get resource "namespaces" in API group "" '
            'in the namespace "shop"',
        ),
        (
            Request("watch", POD, "default", options={"fieldSelector": "metadata.name=web"}),
            'pods "web" is forbidden: User "jane" cannot watch resource "pods" in API group "" '
            'in the namespace "default"',
        ),
    ],
)
def test_refusals_in_kubernetes_words(request_: Request, sentence: str) -> None:
    assert forbidden(JANE, access_of(request_)).message == sentence


def test_refusal_of_a_path() -> None:
    assert forbidden(JANE, Access("get", path="/x")).message == 'forbidden: User "jane" cannot get path "/x"'


def test_subjects() -> None:
    assert subject_key({"kind": "Group", "name": "dev"}, "shop") == ("Group", "dev")
    account = {"kind": "ServiceAccount", "name": "ci"}
    assert subject_key(account, "shop") == ("User", "system:serviceaccount:shop:ci")
    assert account_of(account_user("shop", "ci")) == ("shop", "ci")
    assert account_of("system:serviceaccount:shop") is None
    assert account_of("jane") is None
