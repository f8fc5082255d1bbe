"""简道云 Jiandaoyun (Jodoo): marketing forms over the open API v5."""
