"""ltc.yaml: its model, line-numbered errors, and secret references."""
