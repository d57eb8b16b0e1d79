"""``byom data``: list the data sets of the course and fetch them."""

from typing import Annotated

import typer

from byom.data.catalogue import CATALOGUE, CannotFetch, data_set, fetch, root

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.command("list")
def list_() -> None:
    """Show every data set: what it is, where it comes from, which units use it, whether it is here."""
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "what", "size", "source", "units", "state", box=None, pad_edge=False)
    for entry in CATALOGUE:
        table.add_row(entry.name, entry.what, entry.size, entry.source, ", ".join(entry.units), entry.state)
    Console(highlight=False).print(table)
    typer.echo(f"\nFolder: {root()}")


@app.command("fetch")
def fetch_(name: Annotated[str, typer.Argument(help="The data set: mnist, say.")]) -> None:
    """Fetch a data set, check it and unpack it; an interrupted download goes on where it stopped.

    Exit code: 0 when it is here, 1 when it could not be fetched, 2 when there is no such data set.
    """
    try:
        entry = data_set(name)
    except LookupError as error:
        typer.echo(error.args[0], err=True)
        raise typer.Exit(2) from None
    if entry.files is None:
        typer.echo(f"{entry.name} is made on the spot: there is nothing to fetch.")
        return
    try:
        typer.echo(f"{entry.name} is in {fetch(entry)}")
    except CannotFetch as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
