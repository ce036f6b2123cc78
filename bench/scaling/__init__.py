"""How `make fruits` grows with images and cores: make fruits-scaling, docs/fruits-scaling.md.

runs (processes, timed) → fit (fixed part, time of an image) → figure, page
"""
