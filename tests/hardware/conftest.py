import sys
from pathlib import Path

# The simulated motor controller and the audio server are the rigs' tests'.
sys.path.append(str(Path(__file__).parents[1] / "rigs"))
