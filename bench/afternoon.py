"""The service as one would write it in an afternoon, kept honest: nothing in it is slow on purpose.

The environment names the HDF5 file (KERAS_FILE), and how to call the model (KERAS_CALL): predict,
as every tutorial has it, or function, a tf.function with a fixed signature, as one would find out
on the second day.
"""

import os
from typing import Any

import keras
import numpy as np
from fastapi import FastAPI, Request
from mangum import Mangum

from bench.afternoon_parse import parse

model = keras.models.load_model(os.environ["KERAS_FILE"], compile=False)
shape = model.input_shape[1:]

if os.environ.get("KERAS_CALL", "predict") == "predict":

    def call(batch: Any) -> Any:
        return model.predict(batch, verbose=0)

else:
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, *shape), tf.float32)])  # type: ignore[untyped-decorator]
    def _function(batch: Any) -> Any:
        return model(batch, training=False)

    def call(batch: Any) -> Any:
        return _function(batch).numpy()


app = FastAPI()


# Not a plain def, which would cost this side a thread hop.
@app.post("/predictions")
async def predict(request: Request) -> Any:
    """Predict the matrices of an XML document."""
    ids, rows = parse(await request.body())
    outputs = call(np.array(rows, dtype=np.float32).reshape(-1, *shape))
    return {
        "predictions": [
            {"id": id, "output": output.tolist()} for id, output in zip(ids, outputs, strict=True)
        ]
    }


handler = Mangum(app, lifespan="off")
