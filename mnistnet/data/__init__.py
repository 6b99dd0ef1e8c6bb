"""Load data sets: MNIST, other people's and drawn ones."""
