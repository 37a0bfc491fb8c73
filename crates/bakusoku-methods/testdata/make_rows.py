"""Golden numbers of the row methods, from MNE-Python 1.13.2 (NumPy 2.4, SciPy 1.17): python make_rows.py > rows.json

Each case holds the arguments under MNE's names (and so under ours), and every fifth sample of what MNE gives for the
series below. The series is made of integers, so that both sides start from the same bits.
"""

import json
import warnings

import numpy as np
from mne.filter import create_filter, filter_data, notch_filter, resample
from mne.filter import _resample_stim_channels
from mne.time_frequency import psd_array_welch

warnings.simplefilter("ignore")


def series(n, row=0):
    t = [i + 1000 * row for i in range(n)]
    return np.array([float((i * i * 31 + i * 7) % 97) - 48.0 + i * 0.1 for i in t])


def thin(y):
    return [float(v) for v in np.ravel(y)[::5]]


quiet = dict(verbose="error")
cases = []


def filter_case(n, sfreq, **params):
    h = create_filter(None, sfreq, **{k: v for k, v in params.items() if k != "pad"}, **quiet)
    y = filter_data(series(n), sfreq, **params, **quiet)
    cases.append(dict(kind="filter", n=n, sfreq=sfreq, params=params, n_taps=len(h), y=thin(y)))


def lh(l_freq, h_freq, **params):
    return dict(l_freq=l_freq, h_freq=h_freq, **params)


filter_case(900, 250.0, **lh(1.0, 40.0))
filter_case(900, 250.0, **lh(None, 40.0))
filter_case(900, 250.0, **lh(8.0, None))
filter_case(400, 600.614990234375, **lh(None, 100.0))
filter_case(300, 250.0, **lh(1.0, 40.0))
filter_case(400, 200.0, **lh(34.0, 20.0, l_trans_bandwidth=3.0, h_trans_bandwidth=2.0))
filter_case(500, 250.0, **lh(7.0, 30.0, l_trans_bandwidth=3.3, h_trans_bandwidth=11.0))
filter_case(500, 250.0, **lh(4.0, 30.0, filter_length="1700ms"))
filter_case(500, 250.0, **lh(4.0, 30.0, filter_length="2s", phase="zero-double"))
filter_case(500, 250.0, **lh(4.0, 30.0, filter_length=430, fir_window="hann"))
filter_case(900, 250.0, **lh(4.0, 30.0, fir_window="blackman", phase="zero-double"))
filter_case(500, 250.0, **lh(4.0, 30.0, phase="linear"))
# A gain of zero at 0 Hz is rounding, and the minimum phase its logarithm: only low-passes can agree.
filter_case(500, 250.0, **lh(None, 30.0, phase="minimum"))
filter_case(500, 250.0, **lh(None, 30.0, phase="minimum-half"))
for pad in ("edge", "reflect", "symmetric", "wrap", "constant", "mean", "median", "maximum", "minimum"):
    filter_case(260, 250.0, **lh(4.0, 30.0, pad=pad))


def notch_case(n, sfreq, freqs, **params):
    y = notch_filter(series(n), sfreq, np.array(freqs), **params, **quiet)
    if "notch_widths" in params:
        params["notch_widths"] = np.atleast_1d(params["notch_widths"]).tolist()
    cases.append(dict(kind="notch", n=n, sfreq=sfreq, params=dict(freqs=freqs, **params), y=thin(y)))


notch_case(1500, 250.0, [50.0])
notch_case(1500, 300.0, [50.0, 100.0], trans_bandwidth=4.0)
notch_case(1000, 250.0, [60.0, 100.0], trans_bandwidth=3.0, notch_widths=2.0)
notch_case(1000, 250.0, [30.0, 60.0], trans_bandwidth=3.0, notch_widths=np.array([1.0, 2.0]), filter_length="3s")


def resample_case(n, up, down, **params):
    y = resample(series(n), up, down, **params, **quiet)
    params = {k: v if isinstance(v, (str, int)) else f"{v[0]}({v[1]})" for k, v in params.items()}
    cases.append(dict(kind="resample", n=n, up=up, down=down, params=params, y=thin(y)))


resample_case(1000, 250.0, 1000.0, npad="auto")
resample_case(1001, 250.0, 1000.0, npad="auto")
resample_case(777, 200.0, 512.0, npad="auto")
resample_case(400, 600.0, 250.0, npad="auto")
resample_case(401, 500.0, 250.0)
resample_case(333, 100.0, 300.0, npad=7)
resample_case(50, 3.0, 4.0, npad=120)
resample_case(1000, 300.0, 1000.0, npad="auto", window="hann", pad="edge")
resample_case(500, 1000.0, 1000.0, npad="auto", window="hamming")
resample_case(600, 250.0, 1000.0, npad="auto", pad="reflect")
resample_case(1000, 250.0, 1000.0, method="polyphase")
resample_case(600, 300.0, 200.0, method="polyphase", pad="constant")
resample_case(601, 200.0, 250.0, method="polyphase", pad="symmetric")
resample_case(300, 200.0, 250.0, method="polyphase", pad="wrap", window=("kaiser", 6.0))
resample_case(600, 200.0, 250.0, method="polyphase", pad="mean", window="hamming")
resample_case(600, 200.0, 250.0, method="polyphase", pad="edge")

codes = np.where(np.arange(1003) % 100 > 93, np.arange(1003) // 100 + 1.0, 0.0)
cases.append(dict(kind="stim", n=1003, up=251, down=1003, y=thin(_resample_stim_channels(codes, 251, 1003))))


def welch_case(n, sfreq, nan=(), **params):
    x = np.array([series(n, row) for row in range(2)])
    for start, stop in nan:
        x[:, start:stop] = np.nan
    psds, _ = psd_array_welch(x, sfreq, **params, **quiet)
    cases.append(dict(kind="welch", n=n, sfreq=sfreq, nan=nan, params=params, y=thin(psds)))


welch_case(1200, 250.0)
welch_case(1300, 250.0, n_fft=200, n_overlap=100, fmin=3.0, fmax=70.0)
welch_case(1300, 250.0, n_fft=256, n_per_seg=151, n_overlap=31)
welch_case(1300, 250.0, n_fft=201, n_overlap=100, average="median", window="hann")
welch_case(1300, 250.0, n_fft=128, remove_dc=False)
welch_case(1500, 250.0, n_fft=256, n_overlap=50, nan=[(300, 350), (500, 520), (1300, 1310)])
welch_case(1500, 250.0, n_fft=256, average="median", nan=[(300, 350), (500, 520)])
for output in ("power", "complex"):
    x = series(700)[np.newaxis]
    spectra, _ = psd_array_welch(x, 250.0, n_fft=100, n_overlap=25, average=None, output=output, **quiet)
    y = np.stack([spectra.real, spectra.imag], -1) if output == "complex" else spectra
    cases.append(dict(kind=f"segments {output}", n=700, sfreq=250.0, params=dict(n_fft=100, n_overlap=25), y=thin(y)))

print("[")
print(",\n".join(json.dumps(case) for case in cases))
print("]")
