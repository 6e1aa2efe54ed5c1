"""Installs edgeconnect_jax. The test suite was run with both ends of every bound (see CONTRIBUTING.md)."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
(VERSION,) = re.findall(r'__version__ = "(.+)"', (HERE / "edgeconnect_jax/__init__.py").read_text(encoding="utf-8"))

REQUIRED = [
    "absl-py>=2.2.0,<3",
    "array-record>=0.8.1,<0.9",
    "clu>=0.0.12,<0.1",
    "flax>=0.12.3,<0.13",
    "grain>=0.2.15,<0.3",
    "jax>=0.9.0,<0.13",
    "ml-collections>=1.0.0,<1.2",
    "numpy>=2.1.0,<2.6",
    # The headless build has no display library, which a server lacks.
    "opencv-python-headless>=4.10.0.84,<5.1",
    "optax>=0.2.6,<0.3",
    "orbax-checkpoint>=0.11.33,<0.13",
    "pillow>=12.1.0,<14",
    "pyyaml>=6.0.2,<7",
    "scikit-image>=0.25.0,<0.27",
    "tensorboardX>=2.6.2.2,<2.7",
    "tensorflow-datasets>=4.9.10,<4.10",
    "tqdm>=4.66.0,<5",
]

# P-IDS and U-IDS; the plot of a report.
EVAL = ["matplotlib>=3.10,<4", "scikit-learn>=1.6.1,<1.10"]

# The editor and the service behind it. Older versions of python-multipart do not bound the heads of a form's parts, and
# older ones of starlette leave the files of a form open that is refused.
SERVE = ["fastapi>=0.155,<0.166", "python-multipart>=0.0.27,<0.1", "starlette>=1.10,<2", "uvicorn>=0.40,<0.55"]

HED = ["h5py>=3.13,<3.17"]

EXTRAS = {
    # Only to prepare a set on a cluster, or with its direct runner; for Dataflow add apache-beam[gcp].
    "beam": ["apache-beam>=2.72.0,<2.78"],
    "cuda": ["jax[cuda13]"],
    "tpu": ["jax[tpu]"],
    # Only for the pods of a Job to find one another without flags.
    "kubernetes": ["jax[k8s]"],
    # Only to read and write the PyTorch original's files. Older versions can be made to run code by a file.
    "convert": ["torch>=2.10.0,<2.16"],
    "eval": EVAL,
    # Only to read HED's weights, which a package for Keras ships.
    "hed": HED,
    "serve": SERVE,
    # The site in docs/, and what executes its notebook.
    "docs": [
        *SERVE,
        "furo>=2025.12.19,<2026",
        "ipykernel>=6.29,<8",
        "myst-parser>=5.0,<6",
        "nbclient>=0.10,<0.12",
        "nbformat>=5.10,<6",
        "sphinx>=9.0,<10",
    ],
    # Only to prepare TFDS's own sets (places365_small, celeb_a); reading them afterwards needs neither.
    "tfds": ["importlib_resources>=6.5,<8", "tensorflow-cpu>=2.20,<2.22"],
    # pyright brings its own Node.js instead of downloading one when it first runs.
    # playwright drives the browser that is installed (Debian: apt-get install chromium); it downloads none.
    "test": [
        *EVAL,
        *HED,
        *SERVE,
        "hypothesis>=6.100,<7",
        "playwright>=1.49,<1.66",
        "pyright[nodejs]>=1.1.414,<1.2",
        "pytest>=8.2,<10",
        "pytest-xdist>=3.6.1,<4",
        "requests>=2.32,<3",
        "ruff>=0.17,<0.18",
        "schemathesis>=4.20,<4.33",
    ],
    # Reference implementations that the tests marked `oracles` compare with; they are skipped without them.
    # torchvision takes the very PyTorch that it was built with.
    "oracles": [
        "lpips==0.1.4",
        "pytorch-fid==0.3.0",
        "torch==2.13.0",
        "torchmetrics==1.9.0",
        "torchvision==0.28.0",
    ],
}

setup(
    name="edgeconnect_jax",
    version=VERSION,
    description="EdgeConnect, structure-guided image inpainting, in JAX and Flax",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["edgeconnect_jax", "edgeconnect_jax.*"]),
    package_data={"edgeconnect_jax": ["py.typed", "serving/static/**/*", "systems/*/editor/static/**/*"]},
    install_requires=REQUIRED,
    extras_require=EXTRAS,
)
