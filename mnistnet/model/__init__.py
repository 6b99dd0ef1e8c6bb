"""The network, its gradient, its training and its weights file."""
