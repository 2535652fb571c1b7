"""The types of what is sent: for completion while you write, and for the check before a request travels."""
