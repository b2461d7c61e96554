"""Plugins for textclf: the data set ``imdb`` and the strategy ``freeze-every-second``."""
