"""What a trained model is written as for others to play. A new export is one file here."""
