"""The rules of a pod's spec: of pods and of the templates that controllers make pods from.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/core/validation/validation.go`. A validator takes a value
and its path (`spec.template.spec.containers[0]`) and yields a FieldError for each rule that is broken.
"""
