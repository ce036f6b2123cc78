"""Every attack, by kind."""

from collections.abc import Sequence

from tests.attacks import archives, entities, events, inference, packing, structure, texts, values
from tests.attacks.attack import Attack

KINDS: dict[str, Sequence[Attack]] = {
    module.TITLE: module.CASES
    for module in (entities, texts, structure, values, packing, archives, inference, events)
}
