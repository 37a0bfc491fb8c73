"""What the Maxwell filter needs beside a recording."""

from ._calibration import read_fine_calibration, write_fine_calibration

__all__ = ["read_fine_calibration", "write_fine_calibration"]
