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
from serving.passport import read_passport
from serving.settings import Settings
from serving.streaming import threads_for

logging.getLogger("predict").setLevel(logging.INFO)
keep_freed_memory()
settings = Settings.from_env(os.environ)
storage = settings.storage
if storage is None or storage.queue_url is None:
    raise ConfigurationError("BUCKET and QUEUE_URL are not set: they bring the documents")
batch_size = settings.batch_size or read_passport(settings.model_dir).batch_size
model = open_model(settings.model_dir, threads=threads_for(batch_size))
job = create_job(model, Store(storage), settings)
batch = create_handler(job, SqsQueue(storage), storage)
