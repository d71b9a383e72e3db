"""What must be held so that the same numbers come out on every processor of a kind?"""

import platform
import zlib
from pathlib import Path
from typing import Any

#: OpenBLAS and NumPy choose their kernels by the processor, and kernels round differently. On x86-64 all take
#: those of AVX2, which every server and workstation since 2013 (Intel) and 2015 (AMD) has.
X86_64 = {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"}


def held_kernels() -> dict[str, str]:
    """Environment variables for every job; none on a processor without AVX2, or where this is not known.

    Threads need no variable: Snakemake gives BLAS and OpenMP as many as a rule has, and each rule has one.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return {}
    return X86_64 if platform.machine() == "x86_64" and "avx2" in flags else {}


def environment(packages: dict[str, str]) -> dict[str, Any]:
    """What decides bytes besides code, input, settings and seed: platform, libraries, packages' versions."""
    import numpy as np

    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "vector_extensions": sorted(np.show_config(mode="dicts")["SIMD Extensions"]["found"]),
        "c_library": " ".join(platform.libc_ver()),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "packages": packages,
    }
