"""The verbs `ampsweep hardware …`: what to build and buy, made from its parameters."""
