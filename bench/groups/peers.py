"""Requests per second over HTTP: ours beside LitServe, same model, same machine."""

import json
import sys
from contextlib import ExitStack
from typing import Any

from bench.bundles import bundle, keras_file, ready
from bench.documents import NPZ, XML, body
from bench.groups.request import agree
from bench.rows import Figures, Plan, Row, compare, in_turns, missing
from bench.servers import Target, rate, serving
from tests.support.documents import matrices

_PYTHON = "build/env/bench/bin/python"
_MODEL = "small"
_SECONDS = 1.0
_CLIENTS = (1, 4)
_BATCH = 4
_GOAL = "≥ 1"
# What of the framework ours stands beside: its engine, its batches, its path.
_PEERS = {
    "LitServe, ONNX Runtime, its JSON": ("onnx", 1, "/json"),
    f"LitServe, ONNX Runtime, its JSON, batches of up to {_BATCH}": ("onnx", _BATCH, "/json"),
    "LitServe, ONNX Runtime, XML": ("onnx", 1, "/xml"),
    "LitServe, Keras predict, its JSON": ("keras", 1, "/json"),
    "LitServe, Keras predict, XML": ("keras", 1, "/xml"),
}
_BESIDE = {"XML": tuple(_PEERS), "npz": tuple(name for name in _PEERS if "JSON" in name)}


def measure(plan: Plan) -> list[Row]:
    """All servers run throughout; one is asked at a time, in turns."""
    if _MODEL not in ready([_MODEL]):
        return [missing("requests per second", "requests/s", _GOAL, "no bundle")]
    rows = []
    with ExitStack() as stack:
        targets = _targets(stack)
        agree([_answer(target) for target in targets.values()])
        for clients in _CLIENTS:
            figures = _rates(targets, clients, plan)
            rows += [
                _row(ours, peer, clients, (figures[ours], figures[peer]))
                for ours, peers in _BESIDE.items()
                for peer in peers
            ]
    return rows


def _row(ours: str, peer: str, clients: int, figures: tuple[Figures, Figures]) -> Row:
    who = "1 client" if clients == 1 else f"{clients} clients"
    name = f"{ours}, {who}, beside {peer}"
    return compare(name, "requests/s", figures, peer, quotient="ours ÷ other", goal=_GOAL)


def _targets(stack: ExitStack) -> dict[str, Target]:
    """Start the servers; what to send to them, by name."""
    files = {"onnx": str(bundle(_MODEL) / "model.onnx"), "keras": str(keras_file(_MODEL))}
    ports = {}
    for engine, batch, _ in _PEERS.values():
        if (engine, batch) not in ports:
            command = [_PYTHON, "-m", "bench.peers", f"--engine={engine}", f"--batch={batch}"]
            command.append(f"--model={files[engine]}")
            ports[engine, batch] = stack.enter_context(serving(command, "/health"))
    command = [sys.executable, "-m", "local.serve", "--bundle", str(bundle(_MODEL))]
    ours = stack.enter_context(serving(command, "/health/ready"))
    xml, npz = body(1, "text"), body(1, "npz")
    own = json.dumps({"input": matrices(1)[0].values.ravel().tolist()}).encode()
    sent = {"/json": (own, "application/json"), "/xml": (xml, XML)}
    return {
        "XML": Target(ours, "/predictions", xml, {"content-type": XML}),
        "npz": Target(ours, "/predictions", npz, {"content-type": NPZ}),
    } | {
        name: Target(ports[engine, batch], path, sent[path][0], {"content-type": sent[path][1]})
        for name, (engine, batch, path) in _PEERS.items()
    }


def _answer(target: Target) -> dict[str, Any]:
    """The prediction, in one shape whoever made it."""
    connection = target.connect()
    try:
        answer = json.loads(target.send(connection))
    finally:
        connection.close()
    if "output" in answer:
        return {"it": answer["output"]}
    return {"it": answer["predictions"][0]["output"]}


def _rates(targets: dict[str, Target], clients: int, plan: Plan) -> dict[str, list[float]]:
    def side(target: Target) -> Any:
        return lambda: [rate(target, clients, _SECONDS)]

    sides = [side(target) for target in targets.values()]
    figures = in_turns(sides, plan.rounds(5))
    return dict(zip(targets, figures, strict=True))
