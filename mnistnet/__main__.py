"""python -m mnistnet: the same commands, where the mnistnet script is not on the PATH."""

from mnistnet.cli import main

main()
