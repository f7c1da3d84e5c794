"""When the band leads: does the player come along, and if not, how soon are they together again?

`python benchmarks/leading.py [--quick] [--untold]`. Simulated bassists (benchmarks/inputs/led_players.py) hear what the
band does and see what the display shows; each is asked for an odd bar, a bar more, a bar fewer and two other tempi.
Bars apart: of the player's bars from the first departure on, how many did not begin with one of the band's; wrong ones:
of the band's; ears: how many of the player's bars the ears counted from their one. `--untold` does not tell the ears.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.messages import Lead, LeadBar, LeadLength, LeadTempo
from benchmarks.common import results
from benchmarks.inputs.led_players import KINDS, RIFFS, Player, Rehearsal

PERIOD_S = 0.6
ASKED_S, UNTIL_S = 26.0, 66.0
NEAR_S = 0.12
WISHES: dict[str, Lead] = {
    "7/8 in bar three": LeadBar(3, "7/8"),
    "5/4 in bar four": LeadBar(4, "5/4"),
    "a bar more": LeadLength(1),
    "a bar fewer": LeadLength(-1),
    "100 to 120": LeadTempo(120),
    "100 to 92": LeadTempo(92),
}


@dataclass(frozen=True)
class Row:
    """What came of one rehearsal, as counted from the first departure on."""

    bars: int
    apart: int
    longest: int  # bars apart in a row
    wrong_ones: int
    together: bool  # in the last four bars
    ears: float
    lines: int
    tempo: float  # at the end


def row_of(player: Player, rehearsal: Rehearsal) -> Row:
    since_s = next((at_s for at_s, says in rehearsal.shown if says and at_s > ASKED_S), ASKED_S)
    bars = [bar for bar in rehearsal.bars if bar.at_s > since_s][:-1]
    run = longest = 0
    for bar in bars:
        run = 0 if bar.with_band else run + 1
        longest = max(run, longest)
    truly = [bar.at_s for bar in rehearsal.bars]
    ones = [at_s for at_s in rehearsal.ones_s if since_s < at_s < bars[-1].at_s]
    wrong = sum(min(abs(at_s - true_s) for true_s in truly) > NEAR_S for at_s in ones)
    return Row(
        len(bars),
        sum(not bar.with_band for bar in bars),
        longest,
        wrong,
        all(bar.with_band for bar in bars[-4:]),
        sum(bar.with_ears for bar in bars) / len(bars),
        len(rehearsal.lines),
        rehearsal.tempi[-1][1],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one riff only")
    parser.add_argument("--untold", action="store_true", help="do not tell the ears what the band leads")
    parser.add_argument("--only", choices=WISHES, help="one wish only")
    given = parser.parse_args()
    table = Table(
        "asked for", "player", "bars", "apart", "longest", "wrong ones", "together at the end", "ears", "said", "bpm"
    )
    figures: dict[str, float] = {}
    for wish, message in WISHES.items():
        if given.only not in (None, wish):
            continue
        for kind in KINDS:
            rows = []
            for seed, riff in enumerate(list(RIFFS)[: 1 if given.quick else None]):
                player = Player(kind, RIFFS[riff], PERIOD_S, seed)
                rows.append(row_of(player, Rehearsal(player, [(ASKED_S, message)], not given.untold).run(UNTIL_S)))
            n = len(rows)
            mean = {
                "bars": sum(row.bars for row in rows) / n,
                "apart": sum(row.apart for row in rows) / n,
                "longest": max(row.longest for row in rows),
                "wrong_ones": sum(row.wrong_ones for row in rows) / n,
                "together": sum(row.together for row in rows) / n,
                "ears": sum(row.ears for row in rows) / n,
                "said": sum(row.lines for row in rows) / n,
                "bpm": sum(row.tempo for row in rows) / n,
            }
            table.add_row(wish, kind, *(f"{value:.2f}" for value in mean.values()))
            key = f"{wish}, {kind}"
            figures |= {
                f"{key}: {name}": round(mean[name], 3)
                for name in ("apart", "longest", "wrong_ones", "together", "ears")
            }
    Console(width=140).print(table)
    if not given.only:
        system = "ears untold" if given.untold else "antiphon"
        results.append("leading", f"{system}, one riff" if given.quick else system, figures)


if __name__ == "__main__":
    main()
