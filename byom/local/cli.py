"""`byom local`: start, show and end local SageMaker from the terminal, read its logs, and remove its state."""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from . import lifecycle, reading
from .account import client_environment

app = typer.Typer(no_args_is_help=True, help="SageMaker on this computer.")
NOT_RUNNING = 3  # the exit code of `status` without a server, as service managers have it

Root = Annotated[
    Path | None,
    typer.Option("--root", help="The folder with all state. Default: BYOM_LOCAL_ROOT, or ~/.byom/local."),
]


@app.command()
def up(
    root: Root = None,
    port: Annotated[int | None, typer.Option(help="Default: 8321, or any free one.", min=1, max=65535)] = None,
) -> None:
    """Start a server that lasts until `byom local down`; notebooks find and use it."""
    try:
        server, started = lifecycle.ensure(root or lifecycle.default_root(), port, lasting=True)
    except lifecycle.LocalSageMakerError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from None
    typer.echo(f"Local SageMaker {'runs' if started else 'already runs'} at {server.url}, its state in {server.root}.")
    typer.echo(f"Its page: {server.page}")
    typer.echo("For other clients:")
    for name, value in {**client_environment(server.url), "SAGEMAKER_USER_CONFIG_OVERRIDE": server.sdk_config}.items():
        typer.echo(f"export {name}={shlex.quote(str(value))}")


@app.command()
def status(root: Root = None) -> None:
    """Show where the server is and what it has. Exit code 3 when none runs."""
    server = lifecycle.find(root or lifecycle.default_root())
    if server is None:
        typer.echo(f"Local SageMaker does not run (state in {root or lifecycle.default_root()}).")
        raise typer.Exit(NOT_RUNNING)
    console = Console()
    table = Table("", "", show_header=False, box=None)
    table.add_row("url", server.url)
    table.add_row("page", server.page)
    table.add_row("state in", str(server.root))
    table.add_row("process", str(server.pid))
    until = "byom local down" if server.lasting else f"process {', '.join(map(str, server.holders))} ends"
    table.add_row("runs until", until)
    console.print(table)
    for title, rows in (("training job", server.training_jobs), ("endpoint", server.endpoints)):
        listing = Table(title, "status")
        for name, state in rows:
            listing.add_row(name, state)
        console.print(listing if rows else f"no {title}s")


@app.command()
def down(root: Root = None) -> None:
    """End the server, its jobs and its endpoints' processes. The state stays on disk."""
    try:
        ended = lifecycle.stop(root or lifecycle.default_root())
    except lifecycle.LocalSageMakerError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    typer.echo("Local SageMaker has ended; its state stays on disk." if ended else "Local SageMaker does not run.")


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A training job or an endpoint.", show_default=False)],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended, or Ctrl-C.")] = False,
    root: Root = None,
) -> None:
    """Print the log of a training job or an endpoint: of all its hosts or variants, in the order of time.

    Exit code 1 when there is none. No server needs to run.
    """
    folder = (root or lifecycle.default_root()).expanduser()

    def goes_on() -> bool:
        server = lifecycle.find(folder)
        if server is None:
            return False
        job, endpoint = dict(server.training_jobs).get(name), dict(server.endpoints).get(name)
        return job in ("InProgress", "Stopping") or endpoint not in (None, "Failed")

    if not reading.streams_of(folder / "logs", name) and not (follow and goes_on()):
        typer.echo(f"There is no log of {name} in {folder}.", err=True)
        raise typer.Exit(1)
    lines = reading.follow(folder / "logs", name, goes_on) if follow else reading.lines_of(folder / "logs", name)
    with suppress(KeyboardInterrupt):
        for line in lines:
            typer.echo(line)


@app.command()
def clean(
    root: Root = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Remove all state: jobs, models, endpoints, S3's objects and logs. A running server is ended first."""
    folder = (root or lifecycle.default_root()).expanduser().resolve()
    parts = lifecycle.stored(folder)
    if not parts:
        typer.echo(f"There is no state of local SageMaker in {folder}.")
        return
    for what, (files, size) in parts.items():
        typer.echo(f"{what:40} {files:7,} {'file ' if files == 1 else 'files'} {size / 1e6:10,.1f} MB")
    server = lifecycle.find(folder)
    running = f"end the server at {server.url} with all it runs, and " if server else ""
    if not yes and not typer.confirm(f"Do you want to {running}remove all of this from {folder}?"):
        typer.echo("Nothing was removed.")
        raise typer.Exit(1)
    try:
        lifecycle.stop(folder)
        lifecycle.remove(folder)
    except lifecycle.LocalSageMakerError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    typer.echo("Removed.")
