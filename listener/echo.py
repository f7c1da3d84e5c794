"""Remove the band's own sound from the microphone: (mic, what was sent to the loudspeaker) -> the mic without its echo.

Two paths (Ochiai, Araseki & Ogihara 1977). The foreground subtracts reference * w from each frame by partitioned
overlap-save convolution (Soo & Pang 1990): the whole frame is available, so nothing is delayed. The background finds w
with a partitioned-block frequency-domain Kalman filter (Enzner & Vary 2006, "Frequency-domain adaptive Kalman filter
for acoustic echo control"; partitions as in Kuech, Mabande & Enzner 2014), whose gain falls by itself where the player
is louder than the echo: double talk needs no detector. Departures, because here the near end is a bass that never
pauses: blocks of 107 ms, so that its harmonics lie in few bins and the room is learned from the gaps between them; a
Hann window on the error, so that they stay there; both signals whitened by a pre-emphasis for the background only.

No library fits: the Speex and WebRTC cancellers that have wheels work at other rates in blocks of their own, and
high-pass the microphone or duck the near end, which suits telephones and removes the bass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from listener.types import FRAME_SAMPLES, Samples

Spectra = NDArray[np.complex64]
Powers = NDArray[np.float32]

BLOCK = 8 * FRAME_SAMPLES  # samples of error the background looks at: 107 ms
HOP_FRAMES = 4  # how often it looks
PARTITIONS = 3  # of BLOCK samples: 320 ms for the card's latency and the room
TAPS = PARTITIONS * BLOCK
WINDOW = np.hanning(BLOCK + 1)[:-1].astype(np.float32)
MEAN_GAIN = float(WINDOW.mean()) / 2  # of the window and the zeros before it, on an error's amplitude
POWER_GAIN = float((WINDOW**2).mean()) / 2  # and on its power
PRE_EMPHASIS = 0.95
PRIOR_POWER = np.array([[10.0], [2.0], [0.4]], np.float32)  # of the echo path in each partition, times its loudness
PRIOR_LOUDNESS = 0.1, 1e5  # the least and the most power a path can have (microphone gains differ that much)
TRANSITION = 0.99995  # of the path from hop to hop: the room forgets itself in 20 minutes
NEAR_SMOOTHING = np.array([0.25, 0.5, 0.25], np.float32)  # over bins
LOUDNESS_SMOOTHING = 0.8  # over hops
LOUDNESS_HOPS = 40  # after which it is known: 2 s of the band's sound
DISTRUST = 0.3  # of what is still uncertain: the foreground takes the path times 1 / (1 + DISTRUST * p / |w|^2)
LEAK = 0.03  # of the echo's power: what the filter may leave of it
DUCK_RATIOS = 2.0, 6.0  # of the power heard to the power expected to be left of the echo
LEAST_GAIN = 0.03
LEFT_DECAY = 0.8  # per frame: 60 dB in 0.8 s
RAMP = np.minimum(np.arange(1, FRAME_SAMPLES + 1, dtype=np.float32) / 64, 1)  # from gain to gain: 2.7 ms
SILENCE_POWER = 1e-9  # mean square below which a reference teaches nothing (-90 dB)
FULL_SCALE = 4.0  # beyond this a reference is damage, as in capture
WORSE_RATIO, WORSE_SMOOTHING = 1.2, 0.9  # error over mic power at which the path must have changed


class EchoCanceller:
    """Removes the echo frame by frame. Causal and deterministic; copy.deepcopy continues identically. One thread calls
    it.
    """

    def __init__(self, ducks: bool = True) -> None:
        """Start with an unknown room. ducks: turn down what the subtraction leaves while the player is silent."""
        self._ducks = ducks
        self.reset()

    def reset(self) -> None:
        """Forget the room and the sound."""
        self._foreground, self._background, self._ducker = _Foreground(), _Background(), _Ducker()
        self._mic = np.zeros(BLOCK + 1, np.float32)
        self._reference = np.zeros(2 * BLOCK + 1, np.float32)
        self._frames = 0

    def step(self, mic: Samples, reference: Samples) -> Samples:
        """Return the microphone's frame without its echo: float32 [320], always finite.

        mic, reference: float32 [320] at 24 kHz; reference sample k was sent out when mic sample k came in. The result
        is bit for bit the mic while the reference has been silent for 320 ms. A damaged reference (not finite, or
        beyond full scale) resets the canceller and passes the mic through.
        """
        assert mic.shape == reference.shape == (FRAME_SAMPLES,), (
            f"[{FRAME_SAMPLES}] each: {mic.shape} {reference.shape}"
        )
        if not np.isfinite(mic).all():
            mic = np.nan_to_num(mic, nan=0.0, posinf=0.0, neginf=0.0)
        if not np.abs(reference).max() <= FULL_SCALE:
            self.reset()
            return mic
        echo = self._foreground.step(reference)
        cleaned = mic - echo
        if self._ducks:
            cleaned = self._ducker.step(cleaned, echo)
        self._learn(mic, reference)
        if not np.isfinite(cleaned).all():
            self.reset()
            return mic
        return cleaned

    def _learn(self, mic: Samples, reference: Samples) -> None:
        self._mic = np.concatenate([self._mic[FRAME_SAMPLES:], mic])
        self._reference = np.concatenate([self._reference[FRAME_SAMPLES:], reference])
        self._frames += 1
        if self._frames % HOP_FRAMES == 0:
            taps = self._background.step(_whitened(self._mic), _whitened(self._reference))
            if taps is not None:
                self._foreground.set_taps(taps)


def _rfft(samples: Samples, size: int | None = None) -> Spectra:
    return np.asarray(np.fft.rfft(samples, size), np.complex64)


def _irfft(spectra: Spectra) -> Samples:
    return np.asarray(np.fft.irfft(spectra), np.float32)


def _whitened(samples: Samples) -> Samples:
    return samples[1:] - np.float32(PRE_EMPHASIS) * samples[:-1]


class _Foreground:
    """Filters the reference into the echo, one frame at a time: uniformly partitioned overlap-save convolution."""

    def __init__(self) -> None:
        bins, self._partitions = FRAME_SAMPLES + 1, TAPS // FRAME_SAMPLES
        self._last = np.zeros(FRAME_SAMPLES, np.float32)
        self._spectra: Spectra = np.zeros((self._partitions, bins), np.complex64)  # newest first
        self._filter: Spectra = np.zeros((self._partitions, bins), np.complex64)

    def set_taps(self, taps: Samples) -> None:
        self._filter = _rfft(taps.reshape(self._partitions, FRAME_SAMPLES), 2 * FRAME_SAMPLES)

    def step(self, reference: Samples) -> Samples:
        self._spectra[1:] = self._spectra[:-1]
        self._spectra[0] = _rfft(np.concatenate([self._last, reference]))
        self._last = reference
        return _irfft((self._spectra * self._filter).sum(axis=0))[FRAME_SAMPLES:]


class _Ducker:
    """Turns the whole sound down while it is no louder than the echo that the subtraction is expected to leave.

    One gain for all bands: a gain per band (the postfilter of Enzner & Vary 2006) was tried, and its own edges were
    heard as notes. While the player is heard the gain is 1 and the sound passes bit for bit.
    """

    def __init__(self) -> None:
        self._left_power, self._gain = 0.0, np.float32(1)

    def step(self, error: Samples, echo: Samples) -> Samples:
        """Turn down what the subtraction of the echo left (error)."""
        self._left_power = max(LEAK * float(np.mean(echo**2)), LEFT_DECAY * self._left_power)
        heard = float(np.mean(error**2)) + 1e-12
        before, self._gain = self._gain, _duck_gain(heard / (self._left_power + 1e-15))
        return error if before == self._gain == 1 else error * (before + RAMP * (self._gain - before))


def _duck_gain(heard_over_left: float) -> np.float32:
    """Return the gain: 1 from DUCK_RATIOS[1] times the residual on, LEAST_GAIN up to DUCK_RATIOS[0] times, linear in dB
    between.
    """
    low, high = np.log(DUCK_RATIOS)
    share = np.clip((np.log(heard_over_left) - low) / (high - low), 0, 1)
    return np.float32(LEAST_GAIN ** (1 - share))


class _Background:
    """Estimates the path from loudspeaker to microphone with a Kalman filter. w [PARTITIONS, bins]: the path; p: its
    variance.
    """

    def __init__(self) -> None:
        bins = BLOCK + 1
        hops_per_block = BLOCK // (HOP_FRAMES * FRAME_SAMPLES)
        self._stride = hops_per_block
        self._spectra: Spectra = np.zeros(((PARTITIONS - 1) * hops_per_block + 1, bins), np.complex64)  # newest first
        self._w: Spectra = np.zeros((PARTITIONS, bins), np.complex64)
        self._p: Powers = np.zeros((PARTITIONS, bins), np.float32)
        self._loudness, self._hops = 0.0, 0  # power of the path that p began with
        self._heard: Powers = np.zeros(bins, np.float32)
        self._sent: Powers = np.zeros(bins, np.float32)
        self._mic_power = self._error_power = 0.0

    def step(self, mic: Samples, reference: Samples) -> Samples | None:
        """Read mic [BLOCK] and reference [2 BLOCK], whitened, both ending now; return the path's taps [TAPS], None when
        unchanged.
        """
        self._spectra[1:] = self._spectra[:-1]
        self._spectra[0] = _rfft(reference)
        x = self._spectra[:: self._stride]
        if float(np.mean(reference**2)) < SILENCE_POWER:
            return None
        error = mic - _irfft((x * self._w).sum(axis=0))[BLOCK:]
        if self._is_worse(mic, error):
            self._w[:], self._p[:], self._loudness, self._hops, error = 0.0, 0.0, 0.0, 0, mic
        if self._hops < LOUDNESS_HOPS:
            self._open(mic, x)
        self._hops += 1
        return self._update(x, _rfft(np.concatenate([np.zeros(BLOCK, np.float32), WINDOW * error])))

    def _open(self, mic: Samples, x: Spectra) -> None:
        """Raise the path's variance to the level heard in most bins; the player sounds in few of them."""
        power = np.abs(_rfft(WINDOW * mic, 2 * BLOCK)) ** 2
        self._heard += (1 - LOUDNESS_SMOOTHING) * (power - self._heard)
        self._sent += (1 - LOUDNESS_SMOOTHING) * (POWER_GAIN * (np.abs(x) ** 2).sum(axis=0) - self._sent)
        loudness = float(np.clip(np.median(self._heard / (self._sent + 1e-12)), *PRIOR_LOUDNESS))
        if loudness > self._loudness:
            self._p += np.float32(loudness - self._loudness) * PRIOR_POWER
            self._loudness = loudness

    def _is_worse(self, mic: Samples, error: Samples) -> bool:
        keep = WORSE_SMOOTHING
        self._mic_power = keep * self._mic_power + (1 - keep) * float(np.mean(mic**2))
        self._error_power = keep * self._error_power + (1 - keep) * float(np.mean(error**2))
        return self._error_power > WORSE_RATIO * self._mic_power

    def _update(self, x: Spectra, error: Spectra) -> Samples:
        """Update the filter: Enzner & Vary (2006), equations for gain, state and covariance, with the window's gains in
        place of R/M.
        """
        x_power = np.abs(x) ** 2
        known = POWER_GAIN * (x_power * self._p).sum(axis=0)
        near = np.convolve(np.abs(error) ** 2, NEAR_SMOOTHING, "same")  # of this block: an attack is at once known
        step = MEAN_GAIN * self._p / (known + near + np.float32(1e-9))
        taps = _irfft(self._w + step * x.conj() * error)[:, :BLOCK]
        self._w = TRANSITION * _rfft(taps, 2 * BLOCK)
        power = np.abs(self._w) ** 2
        drift = (1 - TRANSITION**2) * power
        self._p = TRANSITION**2 * (1 - MEAN_GAIN * step * x_power) * self._p + drift
        trusted = power / (power + DISTRUST * self._p + np.float32(1e-20))
        return _irfft(self._w * trusted)[:, :BLOCK].reshape(TAPS)
