"""The default plugins of each role, registered as entry points of the group ``textclf.defaults``."""

DEFAULTS = {
    "dataset": ("rotten-tomatoes",),
    "model": ("bert-base-cased",),
    "strategy": ("full",),
    "trainer": ("finetune",),
    "metric": ("f1", "entity-f1", "accuracy"),  # a run uses those that support its task
    "executor": ("local",),  # of a comparison with several workers
}

BASELINES = ("majority", "tfidf-logreg")
"""The baselines that every comparison includes unless they are turned off."""
