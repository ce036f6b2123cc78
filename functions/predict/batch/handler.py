"""The wiring of the S3 edge, and all that happens at its cold start."""

import logging
import os

from predict.batch.edge import create_handler
from predict.batch.job import create_job
from predict.batch.queue import SqsQueue
from predict.memory import keep_freed_memory
from predict.store import Store
from serving.errors import ConfigurationError
from serving.model import open_model
from serving.settings import Settings

logging.getLogger("predict").setLevel(logging.INFO)
keep_freed_memory()
settings = Settings.from_env(os.environ)
storage = settings.storage
if storage is None or storage.queue_url is None:
    raise ConfigurationError("BUCKET and QUEUE_URL are not set: they bring the documents")
# Many batches at once, each with one thread.
model = open_model(settings.model_dir, threads=1)
job = create_job(model, Store(storage), settings)
batch = create_handler(job, SqsQueue(storage), storage)
