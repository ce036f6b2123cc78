"""A job that runs: its states until it ends, what it cost, and how it is stopped."""

from collections.abc import Callable
from typing import Any

from cluster.cost import Prices
from emr.account import Account, Stack, asking

ENDED = {"SUCCESS", "FAILED", "CANCELLED"}
_FIRST_S, _LONGEST_S = 5.0, 60.0
_BILLED_ROUNDS = 6  # the bill comes a little after the end

Say = Callable[[str], None]


def follow(
    account: Account, stack: Stack, job: str, *, say: Say, wait: Callable[[float], object]
) -> bool:
    """Tell the states of a job until it ends, ever more rarely; whether it succeeded.

    Raises:
        ConfigurationError: AWS does not answer.
    """
    client, told, pause_s = account.client("emr-serverless"), "", _FIRST_S
    while (run := _run(client, stack, job))["state"] not in ENDED:
        state = _stated(run)
        if state != told:
            say(state)
            told, pause_s = state, _FIRST_S
        wait(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_S)
    say(_stated(run))
    for _ in range(_BILLED_ROUNDS):
        if run.get("billedResourceUtilization"):
            break
        wait(_FIRST_S)
        run = _run(client, stack, job)
    say(_bill(run, stack.region))
    if run["state"] != "SUCCESS":
        say(f"logs: s3://{stack.bucket}/logs/applications/{stack.application}/jobs/{job}/")
    return bool(run["state"] == "SUCCESS")


def cancel(account: Account, stack: Stack, job: str) -> None:
    """Ask for a job's end; what it wrote stays.

    Raises:
        ConfigurationError: there is no such job, or AWS does not answer.
    """
    with asking(f"job {job}"):
        client = account.client("emr-serverless")
        client.cancel_job_run(applicationId=stack.application, jobRunId=job)


def _run(client: Any, stack: Stack, job: str) -> dict[str, Any]:
    with asking(f"job {job}"):
        answer = client.get_job_run(applicationId=stack.application, jobRunId=job)
    found: dict[str, Any] = answer["jobRun"]
    return found


def _stated(run: dict[str, Any]) -> str:
    details = run.get("stateDetails") or ""
    return f"{run['state']}{': ' if details else ''}{details}"


def _bill(run: dict[str, Any], region: str) -> str:
    usage: dict[str, float] | None = run.get("billedResourceUtilization")
    if not usage:
        return "billed: AWS has not said yet"
    euros = Prices.of(region).billed_eur(usage)
    parts = ", ".join(
        f"{usage.get(name, 0.0):.2f} {unit}"
        for name, unit in (("vCPUHour", "vCPU-hours"), ("memoryGBHour", "GB-hours"))
    )
    return f"billed: {parts}: €{euros:,.2f}, without S3"
