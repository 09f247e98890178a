"""What sampling and training share: rendering a prompt, drawing tokens, encoding, loading and writing checkpoints.

Torch is allowed here; Django and our apps are not. Importing the package itself imports no torch.
"""

import os

# Threads of torch's CPU kernels wait for one another many hundred times a step. By default they wait
# awake and so take the cores from whatever else runs on the machine: a step of SmolLM2 on two busy
# cores took 1.5 s so, and 0.13 s asleep. The variable is read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
