from __future__ import annotations

import pytest

from agent import runtime_classes
from agent.runtime.base import ConfigError
from orchestrator.api.groups.node import RUNTIME_CLASS
from tests.fakes import pods
from tests.fakes.lookup import FakeLookup


def test_the_handler_of_a_runtime_class() -> None:
    lookup = FakeLookup()
    lookup.add(RUNTIME_CLASS, {"metadata": {"name": "vm"}, "handler": "kata"})
    assert runtime_classes.handler(pods.pod(runtimeClassName="vm"), lookup) == "kata"
    assert runtime_classes.handler(pods.pod(), lookup) == ""
    with pytest.raises(ConfigError, match='"none" not found'):
        runtime_classes.handler(pods.pod(runtimeClassName="none"), lookup)
