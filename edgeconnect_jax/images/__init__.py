"""Pictures in files and in memory. NumPy, Pillow and OpenCV only."""
