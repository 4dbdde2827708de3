"""What the agent tells Prometheus, under the kubelet's names: its own doings, its probes, and what containers use."""
