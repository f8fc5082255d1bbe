"""YAML files that people write: read without surprises, every mistake told with its line. Knows nothing of the rest."""
