"""Prefect around the jobs: thin flows, their deployments, their artifacts. Nothing else of ours imports Prefect."""
