"""Eviction: pods leave before the node runs out of what all of them need.

`signals` measures the machine, `thresholds` decides whether it is short of something, `rank` which pod goes first,
`limits` which pod uses more disk than it may; `manager` carries it out. The model is Kubernetes' node-pressure
eviction.
"""
