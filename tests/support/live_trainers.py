"""Trainers that look at the page of their comparison, or that wait so that a test can."""

TRAINERS = """
import os, time
from pathlib import Path
from urllib.request import urlopen
import numpy
from textclf_core import RunError

class Scores:
    def __init__(self, share):
        self.share = share

    def scores(self, data):
        right = numpy.eye(2, dtype=numpy.float32)[data["label"]] * 0.8 + 0.1
        right[round(len(data) * self.share) :] = [0.6, 0.4]
        return right.astype(numpy.float32)

    def save(self, directory):
        (directory / "share").write_text(str(self.share))

class Trainer:
    @hookimpl
    def textclf_load_classifier(self, directory):
        return Scores(float((directory / "share").read_text()))

@dataclass(frozen=True)
class Share(Trainer):
    '''Be right on a share of the rows.'''

    share: float = 1.0
    spread: float = 0.02

    @hookimpl
    def textclf_train(self, seed):
        if self.share > 1:
            raise RunError("a share is at most 1")
        return Scores(self.share - self.spread * seed)

@dataclass(frozen=True)
class Fetches(Trainer):
    '''Save what the page shows while this cell runs.'''

    @hookimpl
    def textclf_train(self, seed):
        folder = Path(os.environ["FOLDER_OF_PAGES"])
        with urlopen(os.environ["URL_OF_PAGE"]) as page:
            (folder / f"{seed}.html").write_bytes(page.read())
        with urlopen(os.environ["URL_OF_PAGE"] + "events") as events:
            (folder / f"{seed}.event").write_bytes(events.readline())
        return Scores(0.5)

@dataclass(frozen=True)
class Gated(Trainer):
    '''Train when a file is there.'''

    number: int = 0

    @hookimpl
    def textclf_train(self, seed):
        while not Path(os.environ["FOLDER_OF_GATES"], f"{self.number}-{seed}").exists():
            time.sleep(0.05)
        return Scores(1 - 0.1 * self.number)
"""
