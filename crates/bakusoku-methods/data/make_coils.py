"""Makes coils.txt and coils_megin.txt: the integration points of MEG coils, from the tables that MNE-Python installs.

Only the most accurate description of each coil is kept (accuracy 2). A coil is a line ``type class size base n``
(size and baseline in metres), followed by n lines ``weight x y z nx ny nz`` in the coil's own frame. Numbers are copied
digit by digit.
"""

from pathlib import Path

import mne

HERE = Path(__file__).parent
TABLES = {"coils.txt": "coil_def.dat", "coils_megin.txt": "coil_def_Elekta.dat"}

for target, source in TABLES.items():
    lines = (Path(mne.__file__).parent / "data" / source).read_text().splitlines()
    rows = [line.split('"')[0].split() for line in lines if line.strip() and not line.startswith("#")]
    out, at = [], 0
    while at < len(rows):
        coil_class, coil_type, accuracy, n, size, base = rows[at]
        points = rows[at + 1 : at + 1 + int(n)]
        at += 1 + int(n)
        if int(accuracy) == 2:
            out += [" ".join([coil_type, coil_class, size, base, n]), *(" ".join(point) for point in points)]
    (HERE / target).write_text("\n".join(out) + "\n")
