"""``textclf cache``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textclf_core.cli.standard_output import print_result, result_alone
from textclf_core.storage.places import local_folder, url_of

if TYPE_CHECKING:
    from textclf_core.cache import CacheFolder

app = typer.Typer(
    help="Show or clear the cache that runs share.\n\nIt has the outputs of frozen prefixes, and adapted models.",
    rich_markup_mode=None,
)

CacheDirectory = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir",
        help="The cache's folder, or a URL, such as s3://bucket/cache. [default: TEXTCLF_CACHE_DIR, or textclf in the "
        "user's cache folder]",
        metavar="FOLDER|URL",
        parser=local_folder,
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
@result_alone
def show(
    context: typer.Context,
    cache_dir: CacheDirectory = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with sizes in bytes.")] = False,
) -> None:
    """List the content of the cache, most recently used first, with its size and limit.

    The limit is 10 GB or a tenth of the free disk space, whichever is less, unless TEXTCLF_CACHE_LIMIT is set (such as
    20G). The least recently used content is removed first.
    """
    if context.invoked_subcommand is not None:
        context.obj = cache_dir
        return
    folder = _folder(cache_dir)
    if json:
        _print_json(folder)
        return
    from datetime import datetime

    from tabulate import tabulate

    stores = folder.list()
    rows = [
        (
            store.about,
            store.rows or "",
            _size(store.bytes),
            datetime.fromtimestamp(store.used).strftime("%Y-%m-%d %H:%M"),
        )
        for store in stores
    ]
    if rows:
        print_result(tabulate(rows, ("what", "rows", "size", "last used"), colalign=("left", "right", "right")))
        print_result("")
    total = sum(store.bytes for store in stores)
    print_result(f"{_size(total)} of at most {_size(folder.limit_bytes)} in {folder.directory}")
    if url := url_of(folder.directory):
        print_result(f"This is what of {url} is copied to this machine; `clear` removes these copies alone.")


@app.command()
@result_alone
def size(context: typer.Context) -> None:
    """Print the size of the cache in bytes."""
    print_result(_folder(context.obj).bytes())


@app.command()
@result_alone
def clear(context: typer.Context) -> None:
    """Remove all content, except what a run is writing."""
    print_result(f"{_size(_folder(context.obj).clear())} freed")


def _folder(directory: Path | None) -> CacheFolder:
    from textclf_core.cache import CacheFolder

    return CacheFolder(directory)


def _print_json(folder: CacheFolder) -> None:
    import json
    from dataclasses import asdict

    content = {
        "directory": str(folder.directory),
        "limit_bytes": folder.limit_bytes,
        "stores": [asdict(store) for store in folder.list()],
    }
    print_result(json.dumps(content, indent=2))


def _size(count: int) -> str:
    return f"{count / 1e9:,.2f} GB" if count >= 10**9 else f"{count / 1e6:,.1f} MB"
