"""The mixer's arithmetic for one block of 64 samples, compiled: what numpy does in fifty small calls.

Shapes: rows = 2 * lanes (left, right of each), parts = stems. Sound is float32, what is summed up float64.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK, TINY
from listener.kernel import kernel

SOFT_FROM, SOFT_TO = 0.2, 0.5  # of full scale: -14 and -6 dB
Float = NDArray[np.float32]
Double = NDArray[np.float64]


@kernel(error_model="numpy")
def mix_block(
    sound: Float,
    states: Float,
    poles: Double,
    matrix: Float,
    step: Float,
    turns: bool,
    ramp: Float,
    tones: Float,
    turned: Float,
    mixed: Float,
) -> None:
    """Write into mixed [outputs, 64] what the matrix [outputs, tones * rows] makes of a block's tones: the sound [rows,
    64], and what lies below each corner (first-order low-passes of these poles; their states [rows, corners] move on).

    turns: whether it goes from matrix to step over this block, along ramp [64]. tones [1 + corners, 64], turned: room
    to work in.
    """
    rows, corners = states.shape
    outputs = len(mixed)
    mixed[:] = 0.0
    if turns:
        turned[:] = 0.0
    for row in range(rows):
        sounds = False
        for corner in range(corners):
            sounds |= states[row, corner] != 0.0
        for i in range(BLOCK):
            sounds |= sound[row, i] != 0.0
        if not sounds:
            continue
        tones[0] = sound[row]
        for corner in range(corners):
            pole, low = poles[corner], float(states[row, corner])
            for i in range(BLOCK):
                low = pole * low + (1.0 - pole) * sound[row, i]
                tones[1 + corner, i] = low
            states[row, corner] = 0.0 if abs(low) < TINY else low
        for tone in range(1 + corners):
            column = tone * rows + row
            for output in range(outputs):
                weight = matrix[output, column]
                if weight != 0.0:
                    for i in range(BLOCK):
                        mixed[output, i] += weight * tones[tone, i]
                if turns:
                    gap = step[output, column] - weight
                    if gap != 0.0:
                        for i in range(BLOCK):
                            turned[output, i] += gap * tones[tone, i]
    if turns:
        for output in range(outputs):
            for i in range(BLOCK):
                mixed[output, i] += turned[output, i] * ramp[i]


@kernel(error_model="numpy")
def join_block(mixed: Float, heard: Float, parts: int, kit: int, width: Float, next_width: Float, ramp: Float) -> float:
    """Round off the kit's peaks, add the reverb [parts, 2, 64] to the stems and widen them, all in place: the first
    2 * parts rows of mixed are stems, the next as many what they lack beside levels as in the table.

    kit: the drums' part, -1 for none. width, next_width [parts, 1]: of the sides, at the block's begin and end.
    Return the mean square of all stems and what they lack, both sides together.
    """
    for side in range(2 if kit >= 0 else 0):
        stem, lack = mixed[2 * kit + side], mixed[2 * (parts + kit) + side]
        for i in range(BLOCK):
            size = abs(stem[i] + lack[i])
            if size > SOFT_FROM:
                room = SOFT_TO - SOFT_FROM
                gain = (SOFT_FROM + room * math.tanh((size - SOFT_FROM) / room)) / size
                stem[i] *= gain
                lack[i] *= gain
    power = 0.0
    for i in range(BLOCK):
        left = right = 0.0
        for part in range(parts):
            wide = width[part, 0] + (next_width[part, 0] - width[part, 0]) * ramp[i]
            a, b = mixed[2 * part, i] + heard[part, 0, i], mixed[2 * part + 1, i] + heard[part, 1, i]
            side_ = wide / 2 * (a - b)
            mixed[2 * part, i], mixed[2 * part + 1, i] = a + side_, b - side_
            left += a + side_ + mixed[2 * (parts + part), i]
            right += b - side_ + mixed[2 * (parts + part) + 1, i]
        power += left * left + right * right
    return power / BLOCK


@kernel(error_model="numpy")
def level_block(mixed: Float, parts: int, begin: float, end: float, ramp: Float, out: Float, at: int) -> None:
    """Turn the stems down by a gain that goes from begin to end, into out [parts, n, 2] from sample `at` on; put what
    is to be measured, stems and what they lack, in their place."""
    for part in range(parts):
        for side in range(2):
            stem, lack = mixed[2 * part + side], mixed[2 * (parts + part) + side]
            for i in range(BLOCK):
                gain = begin + (end - begin) * ramp[i]
                value = stem[i] * gain
                out[part, at + i, side] = value
                stem[i] = value + gain * lack[i]


@kernel(error_model="numpy")
def energies(sound: NDArray[np.floating], sections: Double, states: NDArray[np.floating], out: Double) -> None:
    """Write the energy of each row [64] of a sound, filtered by second-order sections [n, 5] in transposed direct form
    II, whose states [rows, 2 n] move on."""
    for row in range(len(out)):
        total = 0.0
        a, b, c, d = float(states[row, 0]), float(states[row, 1]), float(states[row, 2]), float(states[row, 3])
        for i in range(BLOCK):
            x = float(sound[row, i])
            y = sections[0, 0] * x + a
            a, b = sections[0, 1] * x - sections[0, 3] * y + b, sections[0, 2] * x - sections[0, 4] * y
            z = sections[1, 0] * y + c
            c, d = sections[1, 1] * y - sections[1, 3] * z + d, sections[1, 2] * y - sections[1, 4] * z
            total += z * z
        states[row, 0], states[row, 1], states[row, 2], states[row, 3] = a, b, c, d
        for i in range(4):
            if abs(states[row, i]) < TINY:
                states[row, i] = 0.0
        out[row] = total


@kernel(error_model="numpy")
def multiply_bins(inputs: Float, spectra: Float, at: int, first: int, last: int, answer: NDArray[np.complex64]) -> None:
    """Write the bins first to last of answer [bins, voices, 2]: the sum over partitions of inputs [bins, 2 voices,
    count] (real parts, then imaginary ones) times spectra [bins, 2 count, 4] (real left, right, then imaginary) from
    partition `at` on."""
    voices, count = answer.shape[1], inputs.shape[2]
    for b in range(first, last):
        for v in range(voices):
            p = q = r = s = np.float32(0)  # real input
            t = u = w = x = np.float32(0)  # imaginary
            for k in range(count):
                real, imag = inputs[b, v, k], inputs[b, voices + v, k]
                e, f, g, h = spectra[b, at + k, 0], spectra[b, at + k, 1], spectra[b, at + k, 2], spectra[b, at + k, 3]
                p += real * e
                q += real * f
                r += real * g
                s += real * h
                t += imag * e
                u += imag * f
                w += imag * g
                x += imag * h
            answer[b, v, 0] = complex(p - w, r + t)
            answer[b, v, 1] = complex(q - x, s + u)


@kernel(error_model="numpy")
def push_block(
    sends: Float,
    first: Float,
    first_out: Float,
    first_at: int,
    rest: Float,
    rest_out: Float,
    rest_at: int,
    heard: Float,
) -> None:
    """Take sends [spaces, voices, 64] in behind the last partition of two lines' inputs [spaces, voices, 2 part], and
    write what both give now, of their out [voices, 2, part], into heard [voices, 2, 64]."""
    spaces, voices = sends.shape[0], sends.shape[1]
    first_part, rest_part = first_out.shape[2], rest_out.shape[2]
    for space in range(spaces):
        for voice in range(voices):
            for i in range(BLOCK):
                first[space, voice, first_part + first_at + i] = sends[space, voice, i]
                rest[space, voice, rest_part + rest_at + i] = sends[space, voice, i]
    for voice in range(voices):
        for side in range(2):
            for i in range(BLOCK):
                heard[voice, side, i] = first_out[voice, side, first_at + i] + rest_out[voice, side, rest_at + i]
