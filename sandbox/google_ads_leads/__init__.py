"""A stand-in for Google Ads lead forms, which send each lead to a webhook."""
