"""The plugins, in their order."""

from __future__ import annotations

import random

from orchestrator.server.admission.base import Admission, View
from orchestrator.server.admission.namespaces import NamespaceLifecycle
from orchestrator.server.admission.pods import DefaultTolerationSeconds, Priority, ServiceAccounts
from orchestrator.server.admission.services import ServiceIPs
from orchestrator.store.base import Store
from orchestrator.util.settings import Settings


def standard(store: Store, settings: Settings, rng: random.Random) -> Admission:
    view = View(store)
    return Admission(
        (
            NamespaceLifecycle(view),
            ServiceAccounts(view),
            Priority(),
            DefaultTolerationSeconds(settings.eviction_seconds),
            ServiceIPs(view, settings, rng),
        )
    )
