"""Other people's models, as a beginning for one's own. A new kind is one file here."""
