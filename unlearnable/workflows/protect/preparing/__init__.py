"""Everything that is made ready before noise and triggers are: models, working copies, cut captions."""
