"""Google Ads lead forms: leads that Google sends to a webhook, and that nothing can be read of."""
