from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.failure import Failure
from orchestrator.cli.lifecycle import _settings
from orchestrator.util.settings import load


def test_asked_settings_are_saved_and_kept(tmp_path: Path) -> None:
    home = tmp_path / "lab"
    assert _settings(home, {"api_port": "7000", "node_grace": "3.5"}).api_port == 7000
    again = _settings(home, {})
    assert (again.api_port, again.node_grace, again.cluster) == (7000, 3.5, "lab")
    assert load(home) == again
    assert again.id
    assert _settings(tmp_path / "other", {}).id != again.id


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False)])
def test_a_switch_is_true_or_false(tmp_path: Path, text: str, value: bool) -> None:
    assert _settings(tmp_path / "lab", {"split": text}).split is value


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"split": "maybe"}, "split cannot be 'maybe': its type is bool"),
        ({"nonsense": "1"}, "there is no setting 'nonsense'"),
        ({"api_port": "many"}, "api_port cannot be 'many': its type is int"),
        ({"dns_ip": "10.1.1.1"}, "dns_ip 10.1.1.1 is not in service_cidr"),
        ({"service_cidr": "all of it"}, "all of it"),
        ({"autoscaler_sync": "0"}, "autoscaler_sync 0.0 is not more than 0 seconds"),
        ({"autoscaler_sync": "nan"}, "autoscaler_sync nan is not more than 0 seconds"),
        ({"home": "/tmp"}, "there is no setting 'home'"),
        ({"image_gc_high_threshold_percent": "70"}, "image_gc_low_threshold_percent 80 must be less than"),
        ({"image_gc_high_threshold_percent": "101"}, "both from 0 to 100"),
        ({"max_parallel_image_pulls": "-1"}, "max_parallel_image_pulls must not be negative"),
        ({"serialize_image_pulls": "true", "max_parallel_image_pulls": "2"}, "cannot be larger than 1 unless"),
        ({"image_minimum_gc_age": "-1"}, "must not be negative"),
        ({"image_maximum_gc_age": "60"}, "image_maximum_gc_age must be greater than image_minimum_gc_age"),
        ({"container_log_max_size": "0"}, "container_log_max_size must be greater than 0"),
        ({"container_log_max_files": "1"}, "container_log_max_files must be greater than 1"),
    ],
)
def test_bad_settings_are_refused_and_nothing_is_saved(tmp_path: Path, asked: dict[str, str], sentence: str) -> None:
    with pytest.raises(Failure, match=sentence):
        _settings(tmp_path / "lab", asked)
    assert not (tmp_path / "lab").exists()
