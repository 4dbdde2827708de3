"""The kinds, a module each API group: one entry a kind, and `KINDS`, all of the group."""
