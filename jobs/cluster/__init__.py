"""What every job on Spark needs: a session, storage, a model shared with the workers, progress."""
