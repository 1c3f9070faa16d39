"""How noise and triggers are made for posts, whoever asks for it."""
