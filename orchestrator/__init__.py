"""podlab: a real-container mini orchestrator that speaks the Kubernetes API."""

__version__ = "0.1.0"

#: The Kubernetes release whose API is spoken: schemas, defaults and `/version`.
KUBERNETES_VERSION = "1.33.0"
