"""The demo company: one believable year of business, as each of its five systems and its bank show it."""
