"""Linking of parties, measured: generated companies with known truth, and labelled sets beside the checkout."""
