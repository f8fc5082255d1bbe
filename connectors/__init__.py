"""Talk to source systems: the contract, the HTTP kit, and one folder per system."""
