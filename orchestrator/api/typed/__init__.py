"""Values by their types, as server-side apply sees them: which parts have owners of their own.

After `sigs.k8s.io/structured-merge-diff`: granular objects, maps and lists fall into parts, everything else (scalars,
atomic lists and maps) is owned as a whole.
"""
