"""Resource quotas (pure): which resources can be limited, what an object uses of them, and whether a quota has it left.

After `k8s.io/apiserver/pkg/quota/v1` and `k8s.io/kubernetes/pkg/quota/v1/evaluator`.
"""
