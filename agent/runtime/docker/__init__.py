"""Docker Engine behind the runtime's contract. Nothing outside this package imports the Docker SDK."""

from agent.runtime.docker.runtime import DockerRuntime

__all__ = ["DockerRuntime"]
