from __future__ import annotations

import pytest

from orchestrator.api import names
from orchestrator.api.names import Rule

GOOD: list[tuple[Rule, str]] = [
    (names.dns_label, "web-1"),
    (names.dns_label, "1web"),
    (names.dns_label, "a" * 63),
    (names.dns_subdomain, "web.example.com"),
    (names.dns_1035_label, "web-1"),
    (names.label_value, ""),
    (names.label_value, "My_value.1"),
    (names.qualified_name, "app"),
    (names.qualified_name, "example.com/My_name.1"),
    (names.config_key, "..data2"[1:]),
    (names.config_key, "nginx.conf"),
    (names.env_name, "my-var.1"),
    (names.port_name, "http"),
    (names.ip_address, "::1"),
    (names.percentage, "25%"),
]
BAD: list[tuple[Rule, str, str]] = [
    (names.dns_label, "Web", "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"),
    (names.dns_label, "web\n", "a lowercase RFC 1123 label"),
    (names.dns_label, "a" * 64, "must be no more than 63 bytes"),
    (names.dns_subdomain, "-a", "a lowercase RFC 1123 subdomain must consist of"),
    (names.dns_subdomain, "a" * 254, "must be no more than 253 bytes"),
    (names.dns_1035_label, "1web", "a DNS-1035 label must consist of"),
    (names.label_value, "a b", "a valid label must be an empty string or consist of"),
    (names.qualified_name, "", "name part must be non-empty"),
    (names.qualified_name, "/app", "prefix part must be non-empty"),
    (names.qualified_name, "Example/app", "prefix part a lowercase RFC 1123 subdomain"),
    (names.qualified_name, "a/b/c", "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"),
    (names.qualified_name, "a" * 64, "name part must be no more than 63 bytes"),
    (names.config_key, "a/b", "a valid config key must consist of"),
    (names.config_key, "..", "must not be '..'"),
    (names.config_key, ".", "must not be '.'"),
    (names.config_key, "..a", "must not start with '..'"),
    (names.env_name, "a=b", "a valid environment variable name must consist only of printable ASCII"),
    (names.port_name, "web--1", "must not contain consecutive hyphens"),
    (names.port_name, "80", "must contain at least one letter (a-z)"),
    (names.port_name, "-web", "must not begin or end with a hyphen"),
    (names.port_name, "a" * 16, "must be no more than 15 bytes"),
    (names.port_name, "Web", "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
    (names.ip_address, "10.0.0", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    (names.percentage, "25", "a valid percent string must be a numeric followed by an ending '%'"),
]


@pytest.mark.parametrize(("rule", "value"), GOOD)
def test_right(rule: Rule, value: str) -> None:
    assert rule(value) == []


@pytest.mark.parametrize(("rule", "value", "sentence"), BAD)
def test_wrong(rule: Rule, value: str, sentence: str) -> None:
    assert any(sentence in problem for problem in rule(value))


def test_the_whole_sentence_is_kubernetes_own() -> None:
    assert names.dns_label("Web") == [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    ]
