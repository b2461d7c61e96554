"""The machine, its memory, the code on it, and the model hub."""
