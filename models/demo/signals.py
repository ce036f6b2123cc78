"""Synthetic electrocardiograms: 10 seconds at 500 Hz, regular or irregular in rhythm.

A beat is a sum of Gaussians for its five waves (the idea of McSharry et al., "A dynamical model
for generating synthetic electrocardiogram signals", IEEE TBME 50(3), 2003); all that differs
between the classes is how evenly the beats follow each other.
"""

import numpy as np
from numpy.typing import NDArray

POINTS = 5000
RATE_HZ = 500
CLASSES = ("regular", "irregular")
# Wave: time after the R peak in s, width in s, height relative to R.
_WAVES = {
    "P": (-0.17, 0.025, 0.15),
    "Q": (-0.030, 0.009, -0.12),
    "R": (0.0, 0.011, 1.0),
    "S": (0.032, 0.010, -0.22),
    "T": (0.26, 0.055, 0.30),
}


def make_signals(count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Signals of shape (count, 5000, 1) in mV, and their class (0 regular, 1 irregular)."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 2, count)
    signals = np.stack([_signal(rng, irregular=bool(c)) for c in classes])
    return signals[..., np.newaxis], classes


def _signal(rng: np.random.Generator, *, irregular: bool) -> NDArray[np.float64]:
    time = np.arange(POINTS) / RATE_HZ
    signal = np.zeros(POINTS)
    heights = {name: wave[2] * rng.uniform(0.6, 1.4) for name, wave in _WAVES.items()}
    for beat in _beats(rng, irregular=irregular):
        for name, (delay, width, _) in _WAVES.items():
            signal += heights[name] * np.exp(-0.5 * ((time - beat - delay) / width) ** 2)
    wander = rng.uniform(0, 0.2) * np.sin(2 * np.pi * (rng.uniform(0.1, 0.4) * time + rng.random()))
    noise = rng.uniform(0.005, 0.1) * rng.standard_normal(POINTS)
    sign = 1.0 if rng.random() < 0.85 else -1.0  # electrodes get swapped
    return np.asarray(sign * rng.uniform(0.5, 2.0) * signal + wander + noise)


def _beats(rng: np.random.Generator, *, irregular: bool) -> NDArray[np.float64]:
    """Times of the R peaks in s: intervals vary by 1 to 6 percent, or by 10 to 30."""
    mean = rng.uniform(0.5, 1.1)
    variation = rng.uniform(0.10, 0.30) if irregular else rng.uniform(0.01, 0.06)
    intervals = np.maximum(mean * (1 + variation * rng.standard_normal(40)), 0.3)
    return np.asarray(np.cumsum(intervals) - rng.uniform(0.3, 1.3))
