"""Write the two tables of sensor positions beside this script. Needs MNE-Python and BAKUSOKU_TEST_DATA.

neuromag306.txt: facts about the Neuromag Vectorview/TRIUX helmet, as its acquisition writes them into every FIFF file
    (here read from `fif/sample_audvis_trunc_raw_sss.fif` of mne-testing-data): one line a channel with its name, FIFF coil
    type, and the 12 numbers of `loc` in device coordinates (m): position, ex, ey, ez.
eeg60.txt: 60 electrodes of the extended 10-20 system and the reference FCz, as inclination from Cz and azimuth from the
    right ear (degrees) on a sphere. Numbers of EASYCAP's montage M1 (https://www.easycap.de), which MNE-Python ships as
    `easycap-M1`.
"""

import os
from pathlib import Path

import mne

here = Path(__file__).parent
data = Path(os.environ.get("BAKUSOKU_TEST_DATA", here.parents[2] / "../shared/data"))

NAMES = """Fp1 Fpz Fp2 AF7 AF3 AFz AF4 AF8 F7 F5 F3 F1 Fz F2 F4 F6 F8 FT7 FC5 FC3 FC1 FC2 FC4 FC6 FT8 T7 C5 C3 C1 Cz C2 C4 C6 T8
TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 P7 P5 P3 P1 Pz P2 P4 P6 P8 PO7 PO3 POz PO4 PO8 O1 Oz O2""".split()

info = mne.io.read_info(data / "fif/sample_audvis_trunc_raw_sss.fif", verbose="error")
lines = ["# name coil_type x y z ex ey ez: Neuromag Vectorview, device coordinates (m). Made by make_geometry.py."]
for ch in info["chs"]:
    if ch["kind"] == mne.io.constants.FIFF.FIFFV_MEG_CH:
        numbers = " ".join(f"{x:.7g}" for x in ch["loc"])
        lines.append(f"{ch['ch_name'].replace(' ', '')} {int(ch['coil_type'])} {numbers}")
assert len(lines) == 307
(here / "neuromag306.txt").write_text("\n".join(lines) + "\n")

table = Path(mne.__file__).parent / "channels/data/montages/easycap-M1.txt"
angles = {}
for line in table.read_text().splitlines()[1:]:
    if line.strip():
        name, theta, phi = line.split()
        angles[name] = (theta, phi)
lines = ["# name inclination azimuth (degrees): EASYCAP M1; the last one is the reference. Made by make_geometry.py."]
lines += [f"{name} {angles[name][0]} {angles[name][1]}" for name in [*NAMES, "FCz"]]
assert len(lines) == 62
(here / "eeg60.txt").write_text("\n".join(lines) + "\n")
