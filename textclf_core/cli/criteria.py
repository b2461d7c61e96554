"""The options by which ``compare`` and ``report`` compare and recommend contenders."""

from __future__ import annotations

from typing import Annotated

import typer

Metric = Annotated[
    str | None,
    typer.Option(
        help="The metric by which contenders are ranked and recommended: any that a metric plugin describes. "
        "[default: the first default metric for the task]",
        metavar="NAME",
        show_default=False,
    ),
]
Cost = Annotated[
    str,
    typer.Option(
        help="The cost that the recommended contender should keep low: train-seconds, flops, memory, trainable, "
        "artifact, latency, one that a plugin adds or, with --price, money."
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        help="The loss to accept, in the metric's units. [default: 0.01, one point, if the metric ranges from 0 to 1]",
        metavar="NUMBER",
        show_default=False,
    ),
]
Pairs = Annotated[bool, typer.Option("--pairs", help="Add the test of each pair of contenders.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="A column of the data, such as an author: test rows that share a value count as one draw. Rows that share "
        "a text always do.",
        metavar="COLUMN",
        show_default=False,
    ),
]
Price = Annotated[
    str | None,
    typer.Option(
        help="The price of the machine per hour, such as 0.40/h; adds the column money: labels, training, predictions.",
        metavar="PRICE/h",
    ),
]
LabelPrice = Annotated[float, typer.Option(help="The price of labelling one text, for money.", metavar="PRICE")]
Predictions = Annotated[
    str | None,
    typer.Option(
        help="How many texts the model will predict, for money: 1e6/month.", metavar="NUMBER/month", show_default=False
    ),
]
Months = Annotated[float, typer.Option(help="For how many months it will.", metavar="NUMBER")]
