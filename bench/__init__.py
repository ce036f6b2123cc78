"""The same work beside what it is compared to; `make bench` writes docs/performance.md."""
