"""The built-in plugins, with one package per role."""
