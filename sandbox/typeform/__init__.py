"""A stand-in for Typeform: the Responses API of some forms, and the requests of their webhooks."""

from sandbox.typeform.server import FORM_ID, SECRET, TOKEN, TypeformServer, start

__all__ = ["FORM_ID", "SECRET", "TOKEN", "TypeformServer", "start"]
