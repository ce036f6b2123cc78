"""What a worker can be: each module is one side, its COMMANDS what it answers to."""
