"""Acme: a made-up order desk, for the tutorial and for tests of connectors that nobody has written yet."""

from sandbox.acme.desk import Acme, Order
from sandbox.acme.web import TOKEN, application, start

__all__ = ["TOKEN", "Acme", "Order", "application", "start"]
