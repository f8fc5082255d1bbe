"""The canonical lead-to-cash model, one mapping file per system, and the engine that compiles them."""
