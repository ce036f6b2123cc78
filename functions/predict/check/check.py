"""What CodeDeploy asks before a new version gets traffic: the golden input in, its answer compared.

CodeDeploy does not say whose version it is about: both functions are one image, and both are asked.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

from predict.golden import golden_event, http_event
from predict.problems import log_failure
from serving.errors import ServingError
from serving.model import difference
from serving.passport import Passport, read_passport
from serving.settings import Names

log = logging.getLogger(__name__)

_MOST_VALUES = 200_000  # in 6 MB, at 24 bytes each

Handler = Callable[[Mapping[str, Any], Any], dict[str, str]]


class CheckError(ServingError):
    """A new version does not answer as it must; its text holds no value."""


class Functions(Protocol):
    """What is asked of AWS Lambda."""

    def invoke(self, **request: Any) -> Mapping[str, Any]: ...


class Deployments(Protocol):
    """What is asked of AWS CodeDeploy."""

    def put_lifecycle_event_hook_execution_status(self, **request: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Versions:
    """ARNs of the versions that this deployment brings."""

    predict: str
    batch: str


@dataclass(frozen=True, slots=True)
class Check:
    """Asks both versions."""

    functions: Functions
    versions: Versions
    bundle: Path
    names: Names

    def run(self) -> None:
        """Ask; nothing happens where all is well.

        Raises:
            CheckError: a version failed, or answered something else; says which and what.
            ModelRefusedError: the check's own bundle has no passport.
        """
        passport = read_passport(self.bundle)
        ready = self._http(http_event("GET", "/health/ready"), "GET /health/ready")
        _compare_model(ready, passport, "GET /health/ready")
        golden = passport.golden
        # What no request can carry, or no answer, the start has computed: it is ready.
        if max(np.size(golden.input), np.size(golden.output)) < _MOST_VALUES:
            answer = self._http(golden_event(golden, self.names), "POST /predictions")
            _compare_model(answer, passport, "POST /predictions")
            _compare_output(answer, passport)
        # The message that S3 sends to try a queue: it speaks of no document, and is none.
        if self._invoke(self.versions.batch, _message()) != {"batchItemFailures": []}:
            raise CheckError("the batch does not take the message that S3 tries a queue with")

    def _http(self, event: dict[str, Any], request: str) -> Any:
        answer = self._invoke(self.versions.predict, event)
        status = answer.get("statusCode") if isinstance(answer, dict) else None
        if status != 200:
            raise CheckError(f"{request}: expected status 200, got {status}")
        try:
            return json.loads(answer["body"])
        except (KeyError, TypeError, ValueError) as cause:
            raise CheckError(f"{request}: the answer is no JSON") from cause

    def _invoke(self, version: str, event: dict[str, Any]) -> Any:
        try:
            answer = self.functions.invoke(FunctionName=version, Payload=json.dumps(event).encode())
        except (BotoCoreError, ClientError) as cause:
            raise CheckError(f"{version} could not be asked: {cause}") from cause
        content = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            kind = content.get("errorType") if isinstance(content, dict) else None
            raise CheckError(f"{version} failed: {kind}, see its log")
        return content


def create_handler(check: Check, deployments: Deployments) -> Handler:
    """A Lambda handler for CodeDeploy's hook, which always gets an answer."""

    def handle(event: Mapping[str, Any], _: Any) -> dict[str, str]:
        status = "Succeeded" if _holds(check) else "Failed"
        deployments.put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=status,
        )
        return {"status": status}

    return handle


def _holds(check: Check) -> bool:
    try:
        check.run()
    except ServingError as fault:
        log.error("check failed: %s", fault)
        return False
    except Exception as fault:  # whatever it is: without a word, CodeDeploy waits for an hour
        log_failure(fault)
        return False
    log.info("check succeeded", extra={"versions": [check.versions.predict, check.versions.batch]})
    return True


def _compare_model(answer: Any, passport: Passport, request: str) -> None:
    try:
        found = answer["model"]["sha256"]
    except (KeyError, TypeError) as cause:
        raise CheckError(f"{request}: the answer names no model") from cause
    if found != passport.source.sha256:
        raise CheckError(f"{request}: expected the model {passport.source.sha256}, got {found}")


def _compare_output(answer: Any, passport: Passport) -> None:
    golden = passport.golden
    try:
        [prediction] = answer["predictions"]
        output = np.asarray([prediction["output"]], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as cause:
        raise CheckError("POST /predictions: expected one prediction") from cause
    gap = difference(output, np.asarray([golden.output]), np.asarray(golden.sizes))
    if gap > golden.tolerance:
        raise CheckError(
            f"POST /predictions: the answer is {gap:.3g} away from the golden output; "
            f"tolerated: {golden.tolerance:g}"
        )


def _message() -> dict[str, Any]:
    record = {
        "messageId": "check",
        "receiptHandle": "check",
        "body": json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    return {"Records": [record]}
