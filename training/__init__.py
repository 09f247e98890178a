"""From an export folder to a checkpoint: one file for each way of training, run as `python -m training.NAME`.

Needs no database, no Django and none of our apps, so that it runs wherever the folder was copied to.
Importing the package itself imports no torch.
"""

import generation as generation  # sets what torch has to find when it is loaded
