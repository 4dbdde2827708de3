"""Graceful node shutdown: when the machine goes down, pods end by themselves first, critical ones last."""
