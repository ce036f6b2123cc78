"""Who speaks, and what is told of the cold start."""

from time import perf_counter

import pytest

from predict.telemetry.start import Function


def test_lambda_says_who_speaks() -> None:
    env = {
        "POWERTOOLS_SERVICE_NAME": "prod-batch",
        "POWERTOOLS_METRICS_NAMESPACE": "Verger",
        "AWS_LAMBDA_FUNCTION_VERSION": "12",
    }
    assert Function.from_env(env) == Function("prod-batch", "Verger", "12")


@pytest.mark.parametrize("env", [{}, {"POWERTOOLS_SERVICE_NAME": ""}], ids=["unset", "empty"])
def test_a_function_without_a_name_speaks_too(env: dict[str, str]) -> None:
    assert Function.from_env(env) == Function("verger", "Verger", "local")


def test_a_cold_start_is_told_by_its_parts() -> None:
    parts = {"import": 1.0, "warm_up": 2.0, "passport": 3.0, "engine": 4.0, "golden": 5.0}
    told = Function().cold_start_ms(perf_counter() - 0.5, parts)
    assert told.pop("ColdStartMs") >= 500
    assert told == {
        "ColdStartImportMs": 1.0,
        "ColdStartWarmUpMs": 2.0,
        "ColdStartEngineMs": 4.0,
        "ColdStartGoldenMs": 5.0,
    }


def test_nobody_waited_for_a_start_that_was_provisioned() -> None:
    function = Function.from_env({"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"})
    assert function.cold_start_ms(perf_counter(), {"import": 1.0}) == {}
