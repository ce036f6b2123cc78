"""The target "v2"."""

import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import predict.v2
from local.event import Event
from tests.fuzz.target import FaultError, Input, Outcome
from tests.fuzz.v2 import good, mutations, oracle
from tests.fuzz.v2.case import Case
from tests.fuzz.v2.services import Service, open_services

_CONTEXT = SimpleNamespace(aws_request_id="1")
_SEEDS = 20  # for each service
_AS_IT_IS = 0.3
_FRESH = 0.2  # how often a request is made anew


class V2:
    """The handlers, as a target."""

    name = "v2"

    def __init__(self, services: Mapping[str, Service]) -> None:
        self.services = services
        self.sources = tuple(sorted(Path(predict.v2.__file__).parent.glob("*.py")))
        self._failures = _Failures()

    def seeds(self) -> list[bytes]:
        """See `tests.fuzz.target.Target`."""
        rng = Random(0)
        cases = []
        for service in self.services.values():
            cases += [good.inference(service.passport, rng) for _ in range(_SEEDS)]
            cases += good.questions(service.passport)
        return [case.to_bytes() for case in cases]

    def mutate(self, data: bytes, other: bytes, rng: Random) -> bytes:
        """See `tests.fuzz.target.Target`."""
        case = Case.from_bytes(data)
        if case is None or rng.random() < _FRESH:
            service = rng.choice(list(self.services.values()))
            case = good.inference(service.passport, rng)
            if rng.random() < _AS_IT_IS:
                return case.to_bytes()
        return mutations.mutate(case, Case.from_bytes(other) or case, rng).to_bytes()

    def prepare(self, data: bytes) -> Input | None:
        """See `tests.fuzz.target.Target`."""
        case = Case.from_bytes(data)
        if case is None or case.service not in self.services:
            return None
        return Input((self.services[case.service], case.event()), case.size_bytes)

    def run(self, given: tuple[Service, Event]) -> Any:
        """See `tests.fuzz.target.Target`."""
        service, event = given
        service.recorder.clear()
        self._failures.text = ""
        return service.handler(event, _CONTEXT)

    def judge(self, given: tuple[Service, Event], answer: Any) -> Outcome:
        """See `tests.fuzz.target.Target`."""
        service, event = given
        try:
            return oracle.judge(event, answer, service)
        except FaultError as fault:
            if self._failures.text:
                raise FaultError(f"{fault.key}: {self._failures.text}", fault.detail) from fault
            raise
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            # What the rules take for granted in an answer is not there.
            raise FaultError(f"answer: {error!r}"[:200], repr(answer)[:500]) from error


class _Failures(logging.Handler):
    """What the service logs as an error, which says where a 500 comes from."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""
        logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first."""
        self.text = self.text or record.getMessage()[:200]


@cache
def open_target() -> V2:
    """The target around the services as they are."""
    return V2(open_services())
