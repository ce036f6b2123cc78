"""One run from a seed to its report."""

import tempfile
from pathlib import Path

from local.aws import Aws
from serving.model import open_model
from tests.chaos import bundle
from tests.chaos.page import Report
from tests.chaos.plan import Plan
from tests.chaos.planning import Size, make_plan
from tests.chaos.run import VISIBILITY_S, Run
from tests.chaos.verify import Check


def run(seed: int, size: Size) -> Report:
    """The run of a seed."""
    return run_plan(make_plan(seed, size), size)


def run_plan(plan: Plan, size: Size) -> Report:
    """Do what is planned, and hold what is left against what was promised."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Aws(visibility_s=VISIBILITY_S, max_receives=size.max_receives) as aws,
    ):
        built = bundle.build(Path(folder))
        outcome = Run(plan, size, built, aws).run()
        check = Check(plan, aws, open_model(built, threads=1), outcome)
        return Report(plan, size, outcome, check.run(), check.unfinished, check.set_aside)
