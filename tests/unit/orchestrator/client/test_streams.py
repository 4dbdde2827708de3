from __future__ import annotations

from hypothesis import given, strategies

from orchestrator.client.streams import lines


@given(
    strategies.lists(strategies.binary(min_size=1, max_size=8).map(lambda line: line.replace(b"\n", b"x"))),
    strategies.lists(strategies.integers(1, 9)),
)
def test_lines_do_not_depend_on_where_the_pieces_end(written: list[bytes], sizes: list[int]) -> None:
    rest = b"".join(line + b"\n" for line in written)
    pieces = []
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert list(lines(iter([*pieces, rest]))) == written


def test_empty_and_unfinished_lines_are_left_out() -> None:
    assert list(lines(iter([b"\n\na\n", b"\nb"]))) == [b"a"]
