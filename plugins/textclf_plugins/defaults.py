"""What a run takes for a role that nobody chose. The entry point of the group ``textclf.defaults`` names this."""

DEFAULTS = {
    "dataset": ("rotten-tomatoes",),
    "model": ("bert-base-cased",),
    "strategy": ("full",),
    "trainer": ("finetune",),
    "metric": ("f1", "accuracy"),
}
