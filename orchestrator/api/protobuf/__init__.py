"""Bodies in `application/vnd.kubernetes.protobuf`, which Go clients send: from bytes to the JSON value they stand for.

The reader is our own: parsed by the package protobuf, a body of 3 MB can ask for 330 MB before anything can be counted,
a wrong wire type passes in silence, and the import alone takes 7 MB. The tests hold the two against each other.
"""
