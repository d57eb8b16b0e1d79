"""Findings as a student reads them: a table in a notebook, plain lines in a terminal."""

from collections.abc import Sequence
from html import escape

from byom.checks.criteria import Finding, score


class Table:
    """The findings of one exercise, shown as HTML in Jupyter and as text elsewhere."""

    def __init__(self, exercise: str, findings: Sequence[Finding]) -> None:
        self.exercise = exercise
        self.findings = findings

    @property
    def score(self) -> float:
        """The points of the criteria that were met."""
        return score(self.findings)

    @property
    def points(self) -> int:
        """The most there was to score."""
        return sum(f.points for f in self.findings)

    @property
    def headline(self) -> str:
        """The exercise and its points."""
        return f"{self.exercise}: {self.score:g} of {self.points} points"

    def __repr__(self) -> str:
        lines = [self.headline]
        for f in self.findings:
            lines.append(f"  {'✓' if f.met else '✗'} {f.what} ({f.points})")
            if not f.met:
                lines += [
                    f"      expected  {f.expected}",
                    f"      got       {f.got}",
                    f"      hint      {f.hint}",
                ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(_row(f) for f in self.findings)
        return (
            f'<table style="text-align:left"><caption style="text-align:left;font-weight:bold">'
            f"{escape(self.headline)}</caption><thead><tr>"
            + "".join(f'<th scope="col" style="text-align:left">{h}</th>' for h in _HEADS)
            + f"</tr></thead><tbody>{rows}</tbody></table>"
        )


_HEADS = ("", "Criterion", "Points", "Expected", "Got", "Hint")


def _row(f: Finding) -> str:
    # a sign and a word beside the colour: not everyone can tell the colours apart
    mark = (
        '<span style="color:#0072b2;white-space:nowrap">✓ met</span>'
        if f.met
        else '<span style="color:#d55e00;white-space:nowrap">✗ not yet</span>'
    )
    points = f"{f.points if f.met else 0} / {f.points}"
    cells = [mark, escape(f.what), points, *(escape(x) for x in (f.expected, f.got, f.hint))]
    style = "text-align:left;vertical-align:top;max-width:22em;white-space:normal;overflow-wrap:break-word"
    return "<tr>" + "".join(f'<td style="{style}">{c}</td>' for c in cells) + "</tr>"
