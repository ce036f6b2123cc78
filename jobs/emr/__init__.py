"""On the user's machine: what EMR Serverless runs, packed and sent there."""
