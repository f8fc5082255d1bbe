"""ltc.yaml: its model, line-numbered errors, and secret references."""

from settings.errors import SecretMissing, SettingsError
from settings.load import config_problems, load, loads, locate
from yamlfiles.problems import Problem

__all__ = ["Problem", "SecretMissing", "SettingsError", "config_problems", "load", "loads", "locate"]
