"""The REST API of the workbench, ``/api/v1``: what the pages do, for programs."""
