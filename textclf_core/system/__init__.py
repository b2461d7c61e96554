"""What a run needs to know of the machine, its memory and the model hub."""
