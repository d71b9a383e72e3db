"""The kernels of BLAS and NumPy are the same on every processor with AVX2."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from decidua import arithmetic

x86 = pytest.mark.skipif(not arithmetic.held_kernels(), reason="not a processor with AVX2")


@x86
def test_every_kernel_of_numpy_above_avx2_is_named():
    from numpy._core._multiarray_umath import __cpu_baseline__, __cpu_dispatch__

    named = set(arithmetic.X86_64["NPY_DISABLE_CPU_FEATURES"].split())
    assert named == set(__cpu_dispatch__) - {"X86_V3"} and not named & set(__cpu_baseline__)


@x86
def test_blas_takes_the_kernels_it_is_told():
    code = (
        "import numpy, scipy.linalg, threadpoolctl\n"
        "numpy.ones((3, 3)) @ numpy.ones((3, 3))\n"
        "print({pool['architecture'] for pool in threadpoolctl.threadpool_info()})"
    )
    variables = os.environ | arithmetic.held_kernels()
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True)
    assert done.stdout.strip() == "{'Haswell'}", done.stderr


def test_nothing_is_held_where_the_processor_is_another(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert arithmetic.held_kernels() == {}


def test_the_environment_says_what_bytes_depend_on():
    found = arithmetic.environment({"numpy": np.__version__})
    assert found["packages"] == {"numpy": np.__version__}
    assert {"system", "machine", "vector_extensions", "c_library", "zlib", "python"} < set(found)
    assert platform.node() not in str(found)
