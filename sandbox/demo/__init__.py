"""The demo: four systems on loopback with a year of business, and the whole job run over them.

``run`` does everything once, ``up`` brings the systems back and leaves them running, ``down`` stops them.
"""

from sandbox.demo.show import run
from sandbox.demo.systems import down, up

__all__ = ["down", "run", "up"]
