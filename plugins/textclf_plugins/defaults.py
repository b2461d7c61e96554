"""What a run takes for a role that nobody chose. Entry points of the group ``textclf.defaults`` name these."""

DEFAULTS = {
    "dataset": ("rotten-tomatoes",),
    "model": ("bert-base-cased",),
    "strategy": ("full",),
    "trainer": ("finetune",),
    "metric": ("f1", "entity-f1", "accuracy"),  # a run takes those of them that can do with its task
}

BASELINES = ("majority", "tfidf-logreg")
"""The contenders that every comparison includes unless they are turned off."""
