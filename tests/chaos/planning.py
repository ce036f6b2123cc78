"""From a seed to a plan."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from urllib.parse import quote_plus

from local.aws import BUCKET
from tests.chaos import documents
from tests.chaos.plan import KILLS, Change, Entry, Loss, Plan, Put, Send, Step, Trouble

# Keys as people have them; S3 encodes them in its events.
_NAMES = ("day {}/a b.xml", "ü+{}.xml", "100%{}.npz", "{}/", "plain-{}", "a&b={}.gz", "日本-{}.xml")


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is, and how hard it is.

    Attributes:
        documents: how many are put, of all kinds.
        sent: how many messages come beside those of S3.
        long: how many documents have results of several parts.
        troubles: that hit one document at most; fewer than max_receives, so that they pass.
        rate: the share of calls that a fault hits.
        clock: how many times faster a message that failed comes back.
    """

    documents: int = 300
    sent: int = 220
    long: int = 20
    overwritten: int = 24
    erased: int = 16
    lost: tuple[Loss, ...] = tuple(Loss) * 2
    troubles: int = 3
    max_receives: int = 7
    workers: int = 6
    rate: float = 0.18
    clock: int = 30
    limit_s: float = 900.0


SMALL = Size(
    documents=40, sent=26, long=2, overwritten=4, erased=3, lost=(Loss.DENIED, Loss.BROKEN),
    troubles=2, max_receives=5, workers=4, rate=0.15, clock=60, limit_s=120.0,
)  # fmt: skip

_KILLED_AROUND = (
    "HEAD result", "HEAD document", "GET work", "GET document", "PUT result", "DELETE work",
    "PUT part", "POST parts", "PUT work", "POST message",
)  # fmt: skip
# Kills are what the run is about.
_TROUBLES = (
    Trouble.KILLED_AT, Trouble.KILLED_AT, Trouble.KILLED_AFTER, Trouble.KILLED_AFTER,
    Trouble.KILLED_BEFORE, Trouble.SPELL, Trouble.DENIED, Trouble.CUT,
)  # fmt: skip
_SPELLS = ("HEAD result", "HEAD document", "GET work", "GET document", "PUT result", "POST parts")
_CHANGED_AROUND = (
    ("HEAD document", 1, True), ("GET document", 1, False), ("GET document", 1, True),
    ("PUT result", 1, False), ("PUT result", 1, True), ("HEAD document", 2, False),
    ("HEAD document", 2, True),
)  # fmt: skip
_CHANGED_AROUND_LONG = (
    ("PUT part", 1, True), ("PUT part", 2, False), ("PUT work", 1, True), ("POST parts", 1, False),
    ("POST parts", 1, True),
)  # fmt: skip


def make_plan(seed: int, size: Size) -> Plan:
    """The plan of a seed."""
    rng = Random(seed)
    entries = _entries(rng, size)
    for entry in entries:
        if not entry.lost:
            _trouble(rng, entry, size.troubles)
    lost = [entry for entry in entries if entry.lost]
    others = [entry for entry in entries if not entry.lost]
    awaited = dict.fromkeys((entry.name for entry in lost), 1)
    sends = [_send(rng, others, lost, awaited) for _ in range(size.sent)]
    strangers = [Send("none of S3's, or of another place", body) for body in _strangers(rng)]
    # Some messages come before their document.
    feed: list[Put | Send] = [*map(Put, others), *sends, *strangers]
    feed.sort(
        key=lambda item: rng.uniform(0, 0.8) if isinstance(item, Put) else rng.uniform(0.2, 1)
    )
    # First, or a message that speaks of one could come too early, and would not fail.
    feed[:0] = map(Put, lost)
    named = {entry.name: entry for entry in entries}
    return Plan(seed, named, feed, [s.body for s in strangers], awaited)


def _entries(rng: Random, size: Size) -> list[Entry]:
    changed = size.overwritten + size.erased
    bad = size.documents // 5
    few = size.documents - bad - size.long - changed - len(size.lost)
    entries = [_good(rng, rng.randint(1, 5)) for _ in range(few + len(size.lost))]
    for entry, loss in zip(entries, size.lost, strict=False):
        entry.lost = loss
    for _ in range(size.long):
        entry = _good(rng, rng.randint(350, 1200))
        entry.kind += ", long"
        entries.append(entry)
    kinds = list(documents.BAD)
    for number in range(bad):
        kind = kinds[number % len(kinds)]
        entries.append(Entry(_name(rng), f"bad: {kind}", documents.BAD[kind](rng)))
    return entries + [
        _changed(rng, erased=number < size.erased, long=number % 6 == 0)
        for number in range(changed)
    ]


def _good(rng: Random, count: int) -> Entry:
    form, content = documents.good(rng, count)
    return Entry(_name(rng), f"good: {form}", content)


def _name(rng: Random) -> str:
    return rng.choice(_NAMES).format(f"{rng.getrandbits(40):x}").rstrip("/")


def _changed(rng: Random, *, erased: bool, long: bool) -> Entry:
    entry = _good(rng, rng.randint(350, 600) if long else rng.randint(1, 5))
    around = _CHANGED_AROUND_LONG if long else _CHANGED_AROUND
    operation, call, after = rng.choice(around)
    step = Step(operation, call)
    if erased:
        entry.changes.append(Change(step, after, None))
        return entry
    if rng.random() < 0.3:
        content = documents.BAD[rng.choice(list(documents.BAD))](rng)
    else:
        content = documents.good(rng, rng.randint(1, 5))[1]
    entry.changes.append(Change(step, after, content))
    if rng.random() < 0.3:  # and back again
        entry.changes.append(Change(Step(operation, call + 1), after, entry.content))
    return entry


def _trouble(rng: Random, entry: Entry, most: int) -> None:
    count = rng.choice([0, 1, *range(most + 1)])
    if entry.kind.endswith("long"):
        count = most
    for _ in range(count):
        trouble = rng.choice(_TROUBLES)
        if trouble is Trouble.KILLED_AT:
            step = Step("invocation", rng.randint(1, 3))
            entry.delays[step] = rng.choice([rng.uniform(0, 0.3), rng.uniform(0, 4)])
        elif trouble in KILLS:
            step = Step(rng.choice(_KILLED_AROUND), rng.choice([1, 1, 2]))
        elif trouble is Trouble.SPELL:
            step = Step(rng.choice(_SPELLS), 1)
        else:
            step = Step("GET document" if trouble is Trouble.DENIED else "GET work", 1)
        entry.troubles[step] = trouble


def record(name: str, bucket: str = BUCKET, prefix: str = "uploads/") -> dict[str, object]:
    """What S3 says of one object; its key is form-encoded."""
    key = quote_plus(prefix + name)
    return {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "eTag": "old"}},
    }


def _send(
    rng: Random, others: Sequence[Entry], lost: Sequence[Entry], awaited: dict[str, int]
) -> Send:
    """A message, and what follows from it for the dead letters."""
    dice = rng.random()
    name = rng.choice(others).name
    if dice < 0.5:
        return Send("a repetition, or too early", json.dumps({"Records": [record(name)]}))
    if dice < 0.7:
        return Send("EventBridge's form", _bridged(name))
    if dice < 0.8:
        calm = [entry for entry in others if len(entry.troubles) < 2]
        some = [record(entry.name) for entry in rng.sample(calm, 2)]
        return Send("several records", json.dumps({"Records": some}))
    if dice < 0.85:
        return Send("S3's test", json.dumps({"Event": "s3:TestEvent", "Bucket": BUCKET}))
    if dice < 0.9:
        return Send("a folder", json.dumps({"Records": [record(f"folder {rng.random()}/")]}))
    if dice < 0.95 or not lost:
        gone = record(f"never there {rng.random()}")
        return Send("an object that is not there", json.dumps({"Records": [gone]}))
    name = rng.choice(lost).name
    awaited[name] += 1
    return Send("a repetition, of one that S3 never gives", _bridged(name))


def _bridged(name: str) -> str:
    detail = {"bucket": {"name": BUCKET}, "object": {"key": f"uploads/{name}", "etag": "old"}}
    return json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": detail})


def _strangers(rng: Random) -> list[str]:
    return [
        f"hello {rng.random()}",
        json.dumps([rng.random()]),
        json.dumps({"Records": [record("x", bucket="another")], "at": rng.random()}),
        json.dumps({"Records": [record("x", prefix="predictions/")], "at": rng.random()}),
    ]
