"""The phone web app: a picture from the camera or a file goes in, ten probabilities come out.

Everything in ``PAGE`` may be served to anybody, as it is: there is nothing to build. The page posts a PNG of 32 × 32
RGB pixels to ``classify``, beside itself, and expects ``{"predictions": [{"label": …, "probability": …}, …]}``, most
likely first, or an error as ``{"message": …}``. Camera, service worker and installation need a secure address: HTTPS,
or this very device (``http://localhost``, also through ``adb reverse``).
"""

from pathlib import Path

PAGE = Path(__file__).parent / "page"
"""The folder to serve; ``index.html`` is the page."""
