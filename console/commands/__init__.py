"""One module for each sub-command of ``ltc``; ``console.cli`` imports the one that is asked for."""
