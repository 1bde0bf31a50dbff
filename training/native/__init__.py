"""Training's inner loops as C++, compiled on first use by the system's compiler.

The plain torch paths in `training/models/` are the reference and the fallback: without a compiler
everything works, only slower.
"""
