"""The jobs as plain functions: pull, map, reconcile, push, sweep."""
