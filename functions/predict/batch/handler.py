"""The wiring of the S3 edge, and all that happens at its cold start."""

from time import perf_counter

_started = perf_counter()

import os

from predict.batch.edge import create_handler
from predict.batch.job import create_job
from predict.batch.queue import SqsQueue
from predict.memory import keep_freed_memory
from predict.store import Store
from predict.telemetry.libraries import silence
from predict.telemetry.lines import Reporter
from predict.telemetry.start import Function
from serving.errors import ConfigurationError
from serving.model import open_model
from serving.passport import read_passport
from serving.settings import Settings
from serving.streaming import threads_for

start_ms = {"import": round((perf_counter() - _started) * 1e3, 1)}

keep_freed_memory()
silence(os.environ.get("POWERTOOLS_LOG_LEVEL", "WARNING"))
settings = Settings.from_env(os.environ)
storage = settings.storage
if storage is None or storage.queue_url is None:
    raise ConfigurationError("BUCKET and QUEUE_URL are not set: they bring the documents")
batch_size = settings.batch_size or read_passport(settings.model_dir).batch_size
model = open_model(settings.model_dir, threads=threads_for(batch_size))
job, queue = create_job(model, Store(storage), settings), SqsQueue(storage)
function = Function.from_env(os.environ)
reporter = Reporter(function, function.cold_start_ms(_started, start_ms | model.start_ms))
tracer = function.tracer(settings.tracing)
batch = create_handler(job, queue, storage, reporter.report, tracer)
