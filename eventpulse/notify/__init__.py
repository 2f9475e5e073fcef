"""The doors to people: messages go out here, and nowhere else."""
