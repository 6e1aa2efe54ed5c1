"""Layers that behave as PyTorch's do: spectral normalisation, convolutions, instance normalisation."""
