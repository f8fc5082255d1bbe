"""The demo company: one believable year of business, as each of its four systems and its bank show it."""
