"""How submissions are graded. Hidden from students."""

import sys

# jsonschema, which nbformat imports, would build a grammar of internationalised URIs: a second of every process's
# start, for a format that no schema of notebooks has
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
