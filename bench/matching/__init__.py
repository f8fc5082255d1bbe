"""Cash application measured on generated years of business with known truth."""
