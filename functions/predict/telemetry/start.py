"""What both handlers know at their start: who they are, what starting cost, whether to trace."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from predict.telemetry.facts import Tracer

_PARTS = {"import": "Import", "engine": "Engine", "golden": "Golden", "warm_up": "WarmUp"}


@dataclass(frozen=True, slots=True)
class Function:
    """Who speaks.

    Attributes:
        version: of the function, which a canary's alarm tells apart.
        is_provisioned: started before anybody asked, so that nobody waited for the cold start.
    """

    service: str = "verger"
    namespace: str = "Verger"
    version: str = "local"
    is_provisioned: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """As Lambda and the template set it."""
        default = cls()
        return cls(
            service=env.get("POWERTOOLS_SERVICE_NAME") or default.service,
            namespace=env.get("POWERTOOLS_METRICS_NAMESPACE") or default.namespace,
            version=env.get("AWS_LAMBDA_FUNCTION_VERSION") or default.version,
            is_provisioned=env.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency",
        )

    def cold_start_ms(self, started: float, parts: Mapping[str, float]) -> dict[str, float]:
        """What the start cost in milliseconds, as metrics.

        Args:
            started: when it began, by `perf_counter`.
        """
        if self.is_provisioned:
            return {}
        metrics = {"ColdStartMs": round((perf_counter() - started) * 1e3, 1)}
        named = {_PARTS[part]: spent for part, spent in parts.items() if part in _PARTS}
        return metrics | {f"ColdStart{name}Ms": spent for name, spent in named.items()}

    def tracer(self, is_on: bool) -> Tracer | None:
        """Who traces; imported only then, since that takes its time."""
        if not is_on:
            return None
        from predict.telemetry.tracing import XRay

        return XRay(self.service)
