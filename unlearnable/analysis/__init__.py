"""What a trained CLIP looks at, as arrays: nothing is drawn here."""
