"""Connectors that are one YAML file: the manifest's model, and the engine that reads and writes by it."""
