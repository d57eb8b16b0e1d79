"""An API Gateway on this computer: HTTP requests become proxy events for a Lambda handler, and its answers responses.

`Gateway` starts one from a notebook or a program, `python -m byom.gateway` from a terminal.
"""

from .running import Gateway, GatewayError

__all__ = ["Gateway", "GatewayError"]
