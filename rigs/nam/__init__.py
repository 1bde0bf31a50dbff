"""Neural Amp Modeler's static captures, `.nam` files, read and played without NAM.

A `.nam` file is one JSON object (S. Atkinson, NeuralAmpModelerCore and neural-amp-modeler,
2022–2026; the words below are ours):

| field | means |
|---|---|
| `version` | of the layout: 0.5.0 to 0.7.x are read |
| `architecture` | "WaveNet", "LSTM", or "SlimmableContainer" |
| `config` | the net's dimensions: `rigs.nam.wavenet_file`, `rigs.nam.lstm` |
| `weights` | all its weights in one list, in the order in which it uses them |
| `sample_rate` | Hz; files without it are at 48 kHz |
| `metadata` | what it is a capture of; `input_level_dbu`, `output_level_dbu`, `loudness` |

A container's `config.submodels` are whole models of several sizes, each with the `max_value` up to
which it serves; the largest is the capture at its full size, and is the one that is played.

WaveNets are read in the old layout, which A1 captures have, and in the new one, which A2 captures
have. Those that depend on more than the input and the weights are refused by name: FiLM, a
`condition_dsp`, slimmable layers; so are ConvNets and linear models.
"""

from rigs.nam.model import Model, load

__all__ = ["Model", "load"]
