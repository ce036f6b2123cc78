"""What the programs of this folder have in common: scenarios by name, and a report of each.

They run in an environment of their own, with the clients in it, and judge nothing: an output goes
to <scenario>.npy, whatever else was seen to seen.json. Those who judge are in runs.py.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODEL, VERSION = "demo", "1"
INPUT, OUTPUT = "input", "output"
REQUESTS = 4  # that are under way together; each has half the values of the one before it

Matrices = NDArray[Any]
Seen = dict[str, Any]
Scenario = Callable[[str, Matrices], Seen]  # of a server's URL and float32 (n, 5000, 1)


def report(scenarios: Mapping[str, Scenario]) -> None:
    """Do what the command line says: URL FOLDER [SCENARIO[:COUNT]…].

    COUNT is how many of the matrices are taken; without scenarios, all are done with all of them.
    """
    url, folder, *wanted = sys.argv[1:]
    matrices = np.load(Path(folder, "matrices.npy"))
    everything = {}
    for name in wanted or scenarios:
        scenario, _, count = name.partition(":")
        seen = scenarios[scenario](url, matrices[: int(count or len(matrices))])
        if "output" in seen:
            np.save(Path(folder, f"{name}.npy"), seen.pop("output"))
        everything[name] = seen
    Path(folder, "seen.json").write_text(json.dumps(everything), encoding="utf-8")
