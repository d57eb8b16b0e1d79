"""The `byom` command: check a unit, run local SageMaker, fetch data."""

from pathlib import Path
from typing import Annotated

import typer

from byom.data.cli import app as data
from byom.local.cli import app as local

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Bring Your Own Model: a course you run yourself.",
)
app.add_typer(local, name="local", help="SageMaker on this machine: start it, look at it, stop it.")
app.add_typer(data, name="data", help="The data sets of the course.")


@app.command()
def check(
    unit: Annotated[str, typer.Argument(help="The unit: moons, say.")],
    folder: Annotated[
        Path | None, typer.Argument(help="Where its notebook is; notebooks/UNIT when left out.", show_default=False)
    ] = None,
) -> None:
    """Check all exercises of a unit, as its notebook does.

    Cells that train or deploy are left out. Exit code: 0 when every criterion is met, 1 when one is not, 2 when there
    is nothing to check.
    """
    from byom.checks.whole_unit import CannotCheck, check_unit

    try:
        tables = check_unit(unit, folder or Path("notebooks") / unit)
    except CannotCheck as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from None
    for table in tables:
        typer.echo(table)
    scored, most = sum(t.score for t in tables), sum(t.points for t in tables)
    typer.echo(f"{unit}: {scored:g} of {most:g} points")
    raise typer.Exit(0 if scored == most else 1)
