import pytest

from orchestrator.api import schema
from orchestrator.api.builtin import BUILTIN
from orchestrator.api.groups.core import POD
from orchestrator.api.kinds import Kind


@pytest.fixture(scope="module")
def loaded() -> schema.Schema:
    return schema.load()


def test_every_built_in_kind_has_a_schema(loaded: schema.Schema) -> None:
    for kind in BUILTIN:
        struct = loaded.of(kind)
        assert struct is not None, kind
        assert {"apiVersion", "kind", "metadata"} <= struct.fields.keys()


def test_a_custom_kind_has_none(loaded: schema.Schema) -> None:
    assert loaded.of(Kind("example.com", "v1", "Lamp", "lamps")) is None


def test_fields_are_walkable(loaded: schema.Schema) -> None:
    pod = loaded.of(POD)
    assert pod is not None
    spec = pod.fields["spec"].struct
    assert spec is not None and spec is loaded.named("io.k8s.api.core.v1.PodSpec")
    assert spec.required == {"containers"}
    containers = spec.fields["containers"]
    assert (containers.type, containers.merge_key, containers.patch_strategy) == ("list", "name", {"merge"})
    assert (containers.list_type, containers.list_map_keys) == ("map", ("name",))
    assert spec.fields["volumes"].patch_strategy == {"merge", "retainKeys"}


@pytest.mark.parametrize(
    ("definition", "field", "go"),
    [
        ("io.k8s.api.core.v1.PodSpec", "containers", "[]v1.Container"),
        ("io.k8s.api.core.v1.PodSpec", "securityContext", "v1.PodSecurityContext"),
        ("io.k8s.api.core.v1.PodSpec", "nodeSelector", "map[string]string"),
        ("io.k8s.api.core.v1.PodSpec", "activeDeadlineSeconds", "int64"),
        ("io.k8s.api.core.v1.PodSpec", "hostNetwork", "bool"),
        ("io.k8s.api.core.v1.ResourceRequirements", "limits", "map[string]resource.Quantity"),
        ("io.k8s.api.core.v1.ServicePort", "targetPort", "intstr.IntOrString"),
        ("io.k8s.api.core.v1.Secret", "data", "map[string][]uint8"),
        ("io.k8s.api.coordination.v1.LeaseSpec", "renewTime", "v1.MicroTime"),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp", "v1.Time"),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry", "fieldsV1", "interface {}"),
    ],
)
def test_go_types(loaded: schema.Schema, definition: str, field: str, go: str) -> None:
    assert loaded.named(definition).fields[field].go == go


def test_a_recursive_type_ends(loaded: schema.Schema) -> None:
    props = loaded.named("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps")
    properties = props.fields["properties"]
    assert properties.items is not None and properties.items.struct is props
    assert "properties" not in repr(properties)
