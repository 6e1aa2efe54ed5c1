"""Layers that behave like PyTorch's: spectral normalisation, convolutions, instance normalisation."""
