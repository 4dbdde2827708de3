"""HorizontalPodAutoscaler: its defaults, its rules, its table, and its older version."""
