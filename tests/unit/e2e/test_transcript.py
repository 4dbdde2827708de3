"""The transcripts' own rules: a table that accepts anything tests nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.transcript import Shell, Step, parse


def test_parse() -> None:
    text = "Prose.\n\n  $ cat <<END\n  > deep: 1\n  > END\n  deep: 1\n\n  $~31 false\n  [1]\n  $-28 true\n"
    assert parse(text) == [
        Step(3, "cat <<END\ndeep: 1\nEND", ("deep: 1",)),
        Step(8, "false", code=1, again=True, since=31),
        Step(10, "true", before=28),
    ]


@pytest.mark.parametrize(
    ("expected", "output", "fits"),
    [
        ((), "", True),
        ((), "a warning\n", False),
        (("NAME AGE", "pod 3s"), "NAME   AGE\n\n  pod   3s", True),
        (("pod ...s",), "pod 3s\n", True),
        (("pod ...s",), "pod 3m\n", False),
        (("a", "...", "z"), "a\nb\nc\nz\n", True),
        (("a", "...", "z"), "a\nz\n", True),
        (("a", "...", "z"), "a\nz\nmore\n", False),
        (("a.c",), "abc\n", False),
        (("one",), "one two\n", False),
    ],
)
def test_fits(expected: tuple[str, ...], output: str, fits: bool) -> None:
    assert Step(1, "", expected).fits(output, 0) is fits
    assert not Step(1, "", expected).fits(output, 1)


def test_failures_tell_what_was_and_what_should_have_been(tmp_path: Path) -> None:
    shell = Shell(tmp_path, 30, {"PATH": "/usr/bin:/bin", "WHO": "you"})
    steps = parse("  $ echo hello $WHO\n  hello you\n  $ echo no >&2; exit 3\n  yes\n  $31 exit 1\n")
    (failure,) = shell.failures(steps)
    assert failure == "line 3: $ echo no >&2; exit 3\nno\n[3]\n--- expected\nyes\n[0]\n"


def test_again_until_it_fits(tmp_path: Path) -> None:
    shell = Shell(tmp_path, 30, {"PATH": "/usr/bin:/bin"})
    assert not shell.failures(parse("  $~ echo x >> file; wc -l < file\n  3\n"))
