"""Blueprint to ``model.py``; transfer plan to a state dict, written streamed."""
