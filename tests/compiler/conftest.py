"""What the tests of the compiler share."""

import keras
import pytest
import tf_keras


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Weights are random, and must be the same every time."""
    keras.utils.set_random_seed(3)
    tf_keras.utils.set_random_seed(3)
