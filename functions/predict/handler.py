"""The wiring, and all that happens at a cold start: settings, model, app, handler.

The only place that reads the environment, and the only one that does work at import.
"""

from time import perf_counter

_started = perf_counter()

import os
from functools import cache, partial
from typing import TYPE_CHECKING

from predict.api import create_app
from predict.gateway import create_handler
from predict.memory import keep_freed_memory
from predict.telemetry.invocations import observe
from predict.telemetry.libraries import silence
from predict.telemetry.lines import Reporter
from predict.telemetry.start import Function
from predict.warmup import warm_up
from serving.model import open_model
from serving.settings import Settings, Storage

if TYPE_CHECKING:
    from predict.store import Store

_imported = perf_counter()

keep_freed_memory()
silence(os.environ.get("POWERTOOLS_LOG_LEVEL", "WARNING"))
settings = Settings.from_env(os.environ)
model = open_model(settings.model_dir)
start_ms = {"import": round((_imported - _started) * 1e3, 1)}


def _open_store(storage: Storage) -> "Store":
    """On first use: boto3 takes a third of a second, and inline predictions do not need it."""
    from predict.store import Store

    return Store(storage)


open_store = cache(partial(_open_store, settings.storage)) if settings.storage else None
app = create_app(model, settings, open_store, start_ms)
function = Function.from_env(os.environ)
answer = create_handler(app)
untold = Reporter(function, {}, write=lambda _: None)
start_ms["warm_up"] = warm_up(observe(answer, untold.report), model, settings.names)
reporter = Reporter(function, function.cold_start_ms(_started, start_ms | model.start_ms))
api = observe(answer, reporter.report, function.tracer(settings.tracing))
