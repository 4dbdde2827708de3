"""Commands of a public collection of exercises for Kubernetes learners, run against a real cluster and counted.

    python -m tests.exercises [--kubectl KUBECTL] [SECTION ...]

Not part of the test suite, as it takes minutes and some images come from registries that need a network; an engine
without one needs a mirror that has `library/nginx`, `library/busybox` and so on.
The commands are those of https://github.com/dgkanatsios/CKAD-exercises; see `steps.py` for the files' format.
"""
