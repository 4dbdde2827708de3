"""`format`: the ones that Kubernetes checks; any other is for people to read and is not checked.

The list is that of `k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go`, what each accepts is after
`k8s.io/kube-openapi/pkg/validation/strfmt`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)"
)
_GO_DURATION = re.compile(r"[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_WORD_DURATION = re.compile(
    r"(?:\d+\s*(?:nanoseconds?|nanos?|ns|microseconds?|micros?|us|µs|milliseconds?|millis?|milis?|ms|seconds?|secs?|s"
    r"|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?|w)\s*)+"
)
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_EMAIL = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_UUID = "[0-9a-f]{8}-?[0-9a-f]{4}-?%s[0-9a-f]{3}-?%s[0-9a-f]{3}-?[0-9a-f]{12}"


def _like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda text: compiled.fullmatch(text) is not None


def _parses(read: Callable[[str], object]) -> Callable[[str], bool]:
    def parses(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return parses


def _date_time(text: str) -> bool:
    return _TIME.fullmatch(text) is not None and _date(text[:10])


_is_day = _parses(date.fromisoformat)


def _date(text: str) -> bool:
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and _is_day(text)


def _uri(text: str) -> bool:
    """What Go's `url.ParseRequestURI` takes: an absolute URI, or an absolute path."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 -- raises ValueError for what is no port
    except ValueError:
        return False
    blank = any(character <= " " or character == "\x7f" for character in text)
    return not blank and (text.startswith("/") or bool(parts.scheme))


def is_duration(text: str) -> bool:
    return bool(_GO_DURATION.fullmatch(text) or _WORD_DURATION.fullmatch(text))


def _byte(text: str) -> bool:
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _digits(text: str) -> str:
    return text.replace("-", "").replace(" ", "")


def _isbn10(text: str) -> bool:
    digits = _digits(text)
    if re.fullmatch(r"[0-9]{9}[0-9X]", digits) is None:
        return False
    return sum((index + 1) * (10 if digit == "X" else int(digit)) for index, digit in enumerate(digits)) % 11 == 0


def _isbn13(text: str) -> bool:
    digits = _digits(text)
    if re.fullmatch(r"[0-9]{13}", digits) is None:
        return False
    return sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits)) % 10 == 0


def _credit_card(text: str) -> bool:
    """Thirteen to sixteen digits with Luhn's check digit."""
    digits = re.sub(r"[^0-9]", "", text)
    if not 13 <= len(digits) <= 16:
        return False
    doubled = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


_is_interface = _parses(ipaddress.ip_interface)
_COLOUR = r"(?:[01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])"
_FORMATS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _like("[0-9a-f]{24}"),
    "uri": _uri,
    "email": _like(_EMAIL.pattern),
    "hostname": _like(_HOST.pattern),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": lambda text: "/" in text and _is_interface(text),
    "mac": _like(r"(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}"),
    "uuid": _like(_UUID % ("[0-9a-f]", "[0-9a-f]")),
    "uuid3": _like(_UUID % ("3", "[0-9a-f]")),
    "uuid4": _like(_UUID % ("4", "[89ab]")),
    "uuid5": _like(_UUID % ("5", "[89ab]")),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _credit_card,
    "ssn": _like(r"[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}"),
    "hexcolor": _like("#?(?:[0-9a-f]{3}|[0-9a-f]{6})"),
    "rgbcolor": _like(rf"rgb\(\s*{_COLOUR}\s*,\s*{_COLOUR}\s*,\s*{_COLOUR}\s*\)"),
    "byte": _byte,
    "password": _like("(?s:.*)"),
    "date": _date,
    "duration": is_duration,
    "datetime": _date_time,
    "date-time": _date_time,
}


def check(name: str) -> Callable[[str], bool] | None:
    """What tells whether a text is of the format; None for a format that is not checked."""
    return _FORMATS.get(name)
