"""A stand-in for any system, made from the manifest that describes it."""
