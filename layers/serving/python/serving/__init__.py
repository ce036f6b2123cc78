"""What every deployable shares and that knows no service: documents in, predictions out."""

__version__ = "0.1.0"
