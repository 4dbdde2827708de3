"""A master that is killed between any two writes: for every number of writes that controllers get done before they
die, new ones that know nothing come to the end that others come to undisturbed.

The controllers of volumes have this in `test_volume_controllers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from orchestrator.client.client import Transport
from tests.faults.stories import STORIES, Look, Story
from tests.faults.test_controllers import Mortal
from tests.unit.orchestrator.controllers.world import World

#: More writes than any story takes.
MANY = 200


def tell(story: Story, w: World, died: Callable[[], bool]) -> None:
    """Go through the story; when the controllers have `died`, new ones go on from where they were."""
    replaced = False

    def over(look: Look) -> bool:
        return (died() and not replaced) or look(w)

    # At the end they may still be writing what nobody waits for: a status.
    for act, look in (*story.steps, (World.quiet, _always)):
        act(w)
        w.eventually(partial(over, look))
        if died() and not replaced:
            w.replace_controllers()
            replaced = True
            w.eventually(partial(over, look))
    w.quiet()


def _always(_: World) -> bool:
    return True


def undisturbed(story: Story) -> object:
    with World(*story.controllers, kubelet=story.kubelet).running() as w:
        tell(story, w, lambda: False)
        return story.end(w)


def after_death(story: Story, writes: int) -> tuple[bool, object]:
    """Whether controllers that live for so many `writes` died, and the story's end."""
    mortals: list[Mortal] = []

    def between(transport: Transport) -> Transport:
        mortals.append(Mortal(transport, writes))
        return mortals[0]

    with World(*story.controllers, kubelet=story.kubelet, between=between).running() as w:
        tell(story, w, lambda: mortals[0].dead)
        return mortals[0].dead, story.end(w)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_new_controllers_come_to_the_same_end_whenever_the_old_ones_die(story: Story) -> None:
    expected = undisturbed(story)
    for writes in range(MANY):
        died, end = after_death(story, writes)
        assert end == expected, f"another end after {writes} writes"
        if not died:
            break
    assert 0 < writes < MANY - 1, "nothing was written, or the story does not end"
