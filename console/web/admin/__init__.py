"""The admin's part of the workbench: settings, mappings and connectors of the site."""
