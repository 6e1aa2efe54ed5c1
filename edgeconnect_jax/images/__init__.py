"""Pictures in files and in memory, with NumPy, Pillow and OpenCV only."""
