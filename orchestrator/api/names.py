"""What names may look like. Every rule returns the sentences that say what is wrong, in Kubernetes' words.

Rules and sentences are those of `k8s.io/apimachinery/pkg/util/validation`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

#: The problems of a value; none when it is right.
Rule = Callable[[str], list[str]]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"


@dataclass(frozen=True, slots=True)
class Syntax:
    """A rule made of a pattern and a greatest length; `sentence` ends where the examples begin."""

    sentence: str
    pattern: str
    examples: Sequence[str]
    longest: int = 0
    compiled: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", re.compile(self.pattern))

    def __call__(self, value: str) -> list[str]:
        problems = []
        if self.longest and len(value.encode()) > self.longest:
            problems.append(too_long(self.longest))
        if not self.compiled.fullmatch(value):
            problems.append(self.explained)
        return problems

    @property
    def explained(self) -> str:
        examples = " or ".join(f"'{example}', " for example in self.examples)
        return f"{self.sentence} (e.g. {examples}regex used for validation is '{self.pattern}')"


def too_long(longest: int) -> str:
    return f"must be no more than {longest} bytes"


dns_label = Syntax(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character",
    _LABEL,
    ("my-name", "123-abc"),
    63,
)
dns_subdomain = Syntax(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character",
    rf"{_LABEL}(\.{_LABEL})*",
    ("example.com",),
    253,
)
wildcard_subdomain = Syntax(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
    "which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    rf"\*\.{_LABEL}(\.{_LABEL})*",
    ("*.example.com",),
    253,
)
dns_1035_label = Syntax(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character",
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    ("my-name", "abc-123"),
    63,
)
label_value = Syntax(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character",
    f"({_QUALIFIED})?",
    ("MyValue", "my_value", "12345"),
    63,
)
header_name = Syntax(
    "a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", ("X-Header-Name",)
)
percentage = Syntax("a valid percent string must be a numeric followed by an ending '%'", "[0-9]+%", ("1%", "93%"))

_config_key = Syntax(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    "[-._a-zA-Z0-9]+",
    ("key.name", "KEY_NAME", "key-name"),
    253,
)
_qualified_sentence = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_qualified_examples = ("MyName", "my.name", "123-abc")
_name_part = Syntax(f"name part {_qualified_sentence}", _QUALIFIED, _qualified_examples)
_whole_name = Syntax(f"a qualified name {_qualified_sentence}", _QUALIFIED, _qualified_examples)


def qualified_name(value: str) -> list[str]:
    """The key of a label, an annotation, a taint ...: `name` or `example.com/name`."""
    prefix, slash, name = value.partition("/")
    if not slash:
        return _name_problems(value)
    if "/" in name:
        return [f"{_whole_name.explained} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    if not prefix:
        return ["prefix part must be non-empty", *_name_problems(name)]
    return [*(f"prefix part {problem}" for problem in dns_subdomain(prefix)), *_name_problems(name)]


def _name_problems(name: str) -> list[str]:
    if not name:
        return ["name part must be non-empty", *_name_part(name)]
    longest = 63
    problems = [f"name part {too_long(longest)}"] if len(name) > longest else []
    return problems + _name_part(name)


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap or a Secret: it becomes a file's name."""
    problems = _config_key(value)
    if value == ".":
        problems.append("must not be '.'")
    elif value == "..":
        problems.append("must not be '..'")
    elif value.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def path_segment(value: str) -> list[str]:
    """The name of a Role or a binding: anything that can be one part of a URL's path."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in value]


_url_path = Syntax("Invalid path", r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", ("my/path",))


def domain_prefixed_path(value: str) -> list[str]:
    """Who looks after something: `acme.io/foo`."""
    host, _, path = value.partition("/")
    if not host or not path:
        return ['must be a domain-prefixed path (such as "acme.io/foo")']
    return [*dns_subdomain(host), *_url_path(path)]


def env_name(value: str) -> list[str]:
    """The name of an environment variable."""
    if value and all(" " <= character <= "~" and character != "=" for character in value):
        return []
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def port_name(value: str) -> list[str]:
    """The name of a container's port (RFC 6335)."""
    problems = []
    if len(value) > 15:
        problems.append(too_long(15))
    if not re.fullmatch("[-a-z0-9]+", value):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        problems.append("must contain at least one letter (a-z)")
    if "--" in value:
        problems.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def ip_address(value: str) -> list[str]:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return []


def cidr(value: str) -> list[str]:
    try:
        ipaddress.ip_interface(value)
        whole = "/" in value
    except ValueError:
        whole = False
    return [] if whole else ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]
