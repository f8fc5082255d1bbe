"""A stand-in for a system that a Singer tap reads: the tap, and the rows that it finds there."""
