"""mnistnet: a small neural network that reads handwritten digits, in plain NumPy.

The commands are in cli/; what they do, a script can do with the modules of mnistnet.data
(where images come from), mnistnet.model (what is learned) and mnistnet.report (what is shown).
"""

__version__ = "0.1.0"
