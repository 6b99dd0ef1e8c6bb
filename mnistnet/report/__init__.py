"""Results as text, JSON, figures and an HTML page."""
