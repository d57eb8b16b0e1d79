"""Static pages: one file each, no script, nothing loaded from anywhere.

Templates escape whatever they are given, and the pages forbid the browser to run or fetch anything.
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=PackageLoader("grading"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_TEMPLATES.filters["points"] = lambda value: f"{value:.4g}"
_TEMPLATES.filters["seconds"] = lambda value: f"{value:.1f} s"


def render(template: str, **values: Any) -> str:
    """The page that ``grading/templates/<template>`` makes of ``values``."""
    return _TEMPLATES.get_template(template).render(**values)
