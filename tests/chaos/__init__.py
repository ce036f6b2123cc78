"""The batch path under faults that come from a seed: `make chaos` writes docs/chaos.md."""
