"""Keras models and their ports to PyTorch, written as a person would, with lists of mistakes to put into the text."""
