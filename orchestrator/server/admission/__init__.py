"""The plugins, in their order."""

from __future__ import annotations

import random

from orchestrator.server.admission.base import Admission, View
from orchestrator.server.admission.certificates import CertificateRequests
from orchestrator.server.admission.custom_resources import CustomResources
from orchestrator.server.admission.default_classes import default_ingress_class, default_storage_class
from orchestrator.server.admission.limits import LimitRanger
from orchestrator.server.admission.namespaces import NamespaceLifecycle
from orchestrator.server.admission.node_restriction import NodeRestriction
from orchestrator.server.admission.pods import DefaultTolerationSeconds
from orchestrator.server.admission.priority import Priority
from orchestrator.server.admission.quotas import ResourceQuotas
from orchestrator.server.admission.rbac import EscalationPrevention
from orchestrator.server.admission.runtime_classes import RuntimeClasses
from orchestrator.server.admission.service_accounts import ServiceAccounts
from orchestrator.server.admission.services import ServiceIPs
from orchestrator.server.admission.storage import ClaimResize, StorageInUseProtection
from orchestrator.server.authorization import Authorizer
from orchestrator.store.base import Store
from orchestrator.util.settings import Settings


def standard(store: Store, settings: Settings, rng: random.Random, authorizer: Authorizer) -> Admission:
    view = View(store)
    return Admission(
        (
            NamespaceLifecycle(view),
            CustomResources(view),
            NodeRestriction(view),
            EscalationPrevention(authorizer),
            CertificateRequests(authorizer),
            ServiceAccounts(view, rng),
            LimitRanger(view),
            Priority(view),
            DefaultTolerationSeconds(settings.eviction_seconds),
            RuntimeClasses(view),
            default_storage_class(view),
            default_ingress_class(view),
            StorageInUseProtection(),
            ClaimResize(view),
            ServiceIPs(view, settings, rng),
            ResourceQuotas(store),
        )
    )
