"""`python -m ampsweep`, for whatever starts modules: `torchrun -m ampsweep train …`."""

from ampsweep.app import main

main()
