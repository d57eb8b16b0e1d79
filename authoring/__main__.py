"""The authors' commands: ``python -m authoring build`` and ``python -m authoring release``."""

from pathlib import Path
from typing import Annotated

import typer

from authoring.course import Course, UnknownUnit
from authoring.violations import Violations

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

COURSE = Course(Path(__file__).resolve().parents[1])


def _stop(message: str, code: int) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)


def _report(course: Course, refused: Violations) -> typer.Exit:
    lines = [f"{course.shown(v.file)}:{v.line}: {v.what}" for v in refused.found]
    return _stop("\n".join([*lines, f"{len(lines)} to mend"]), 1)


Units = Annotated[list[str] | None, typer.Argument(metavar="[UNIT]...", help="all of them when none is named")]
Check = Annotated[bool, typer.Option("--check", help="compare with what is committed, and write nothing")]
Execute = Annotated[bool, typer.Option("--execute", help="run worked notebooks that are up to date as well")]
Force = Annotated[bool, typer.Option("--force", help="overwrite notebooks and scripts that hold somebody's work")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="the folder for the zip")]
Worked = Annotated[list[str] | None, typer.Option("--worked", metavar="UNIT", help="add this unit's worked notebook")]


@app.command()
def build(units: Units = None, check: Check = False, execute: Execute = False, force: Force = False) -> None:
    """Make notebooks, stub scripts, public evidence and worked notebooks from the lessons and their answers."""
    from authoring import build as building

    try:
        if check:
            found = building.differences(COURSE, units or [])
            if found:
                raise _stop("\n".join([*found, f"{len(found)} out of date: run python -m authoring build"]), 1)
            typer.echo("everything is as a build makes it")
        else:
            building.build(COURSE, units or [], execute, force, typer.echo)
    except UnknownUnit as error:
        raise _stop(str(error.args[0]), 2) from None
    except building.NothingToBuild as error:
        raise _stop(str(error), 1) from None
    except Violations as refused:
        raise _report(COURSE, refused) from None


@app.command()
def release(out: Out, worked: Worked = None) -> None:
    """Make the student zip: notebooks, stub scripts and the package, without answers."""
    from authoring import build as building
    from authoring import release as releasing

    try:
        path = releasing.release(COURSE, out, worked or [])
    except (releasing.ReleaseError, building.NothingToBuild) as error:
        raise _stop(str(error), 2) from None
    except releasing.Leaky as leaky:
        raise _stop(f"{leaky}\nno zip was made: it would give answers away", 1) from None
    except Violations as refused:
        raise _report(COURSE, refused) from None
    typer.echo(str(path))


if __name__ == "__main__":
    app()
