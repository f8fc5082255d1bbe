"""The workbench: the web application of ``ltc serve``."""
