"""Settings: from a mapping, or a refusal that names the variable."""

from pathlib import Path

import pytest

from serving.errors import ConfigurationError
from serving.settings import EU_REGIONS, Settings, TensorNames


def test_settings_have_defaults() -> None:
    settings = Settings.from_env({"MODEL_DIR": "x"})
    assert settings.model_dir == Path("x")
    assert settings.batch_size is None
    assert settings.names.matrix == "matrix"
    assert settings.tensors == TensorNames(input="input", output="output")
    assert settings.limits.text_bytes == 6_000_000


def test_settings_read_the_environment() -> None:
    settings = Settings.from_env(
        {
            "MODEL_DIR": "x",
            "BATCH_SIZE": "8",
            "MATRIX_ELEMENT": "signal",
            "LIMIT_DEPTH": "7",
            "AWS_REGION": "eu-north-1",
        }
    )
    assert (settings.batch_size, settings.names.matrix, settings.limits.depth) == (8, "signal", 7)


@pytest.mark.parametrize("name", ["x", "serving_default_x:0", "model/input.1", "-", "a" * 100])
def test_settings_take_names_of_tensors(name: str) -> None:
    env = {"MODEL_DIR": "x", "INPUT_NAME": name, "OUTPUT_NAME": f"{name[:-1]}2"}
    assert Settings.from_env(env).tensors == TensorNames(name, f"{name[:-1]}2")
    assert Settings.from_env({"MODEL_DIR": "x", "OUTPUT_NAME": name}).tensors.input == "input"


@pytest.mark.parametrize("region", sorted(EU_REGIONS))
def test_settings_take_regions_of_the_eu(region: str) -> None:
    assert Settings.from_env({"MODEL_DIR": "x", "AWS_REGION": region}).region == region


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({}, "MODEL_DIR is not set"),
        ({"AWS_REGION": "us-east-1"}, "us-east-1, which is not in the European Union"),
        ({"AWS_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-central-2"}, "eu-central-2"),
        ({"AWS_REGION": ""}, "not in the European Union"),
        ({"BATCH_SIZE": "0"}, 'BATCH_SIZE is "0"'),
        ({"LIMIT_TEXT_BYTES": "6MB"}, 'LIMIT_TEXT_BYTES is "6MB"'),
        ({"MATRIX_ELEMENT": "a b"}, '"a b" is not an XML name'),
        ({"VALUE_ELEMENT": "matrix"}, "are both"),
        ({"ID_ATTRIBUTE": "shape"}, "states the shape"),
        ({"INPUT_NAME": ""}, 'INPUT_NAME is ""'),
        ({"INPUT_NAME": "my input"}, 'INPUT_NAME is "my input"'),
        ({"INPUT_NAME": 'a"b'}, "expected up to 100 letters, digits"),
        ({"INPUT_NAME": "x\n"}, "INPUT_NAME"),
        ({"OUTPUT_NAME": "größe"}, 'OUTPUT_NAME is "größe"'),
        ({"OUTPUT_NAME": "x" * 101}, f'OUTPUT_NAME is "{"x" * 100}"'),
    ],
)
def test_settings_refuse(env: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Settings.from_env(({"MODEL_DIR": "x"} if env else {}) | env)
