"""What ``textclf plugins new`` begins with: a module for each role, with a class ``MyPlugin``."""
