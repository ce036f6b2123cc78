"""The service on this machine: the Lambda runtime emulator, a container engine, sam local."""
