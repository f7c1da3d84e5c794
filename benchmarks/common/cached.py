"""Run a peer over clips, once per clip: `benchmarks/common/cached.py --python PY --script PEER [--fresh] WAV...`.

Its lines are kept in benchmarks/cache/ under a hash of the script, of what it imports here, and of the clip.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
CACHE = HERE / "cache"


def key(python: str, script: Path, wav: Path) -> str:
    """Changes with the peer, its helpers, the Python it runs in, and the sound."""
    digest = hashlib.sha256(python.encode())
    for path in (script, script.parent / "common.py", script.parent / "madmom_shim.py", wav):
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()[:32]


def split(text: str) -> list[str]:
    """The peer's output -> what it said about each file, without the lines that name them."""
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("{") and json.loads(line).get("type") == "file":
            parts.append("")
        elif parts:
            parts[-1] += line
    return parts


def fill(python: str, script: Path, wavs: dict[Path, Path]) -> int:
    """Run the peer over clips that have no lines yet; wavs: clip -> where its lines go. Returns its exit code."""
    done = subprocess.run([python, str(script), *map(str, wavs)], stdout=subprocess.PIPE, text=True)
    if done.returncode == 0:
        for target, said in zip(wavs.values(), split(done.stdout), strict=True):
            target.write_text(said, encoding="utf-8")
    return done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", required=True)
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--fresh", action="store_true", help="run it again even where its lines are known")
    parser.add_argument("wavs", nargs="+", type=Path)
    args = parser.parse_args()
    CACHE.mkdir(exist_ok=True)
    where = {wav: CACHE / f"{args.script.stem}-{key(args.python, args.script, wav)}.jsonl" for wav in args.wavs}
    new = {wav: path for wav, path in where.items() if args.fresh or not path.exists()}
    if new and (code := fill(args.python, args.script, new)):
        return code
    for wav, path in where.items():
        print(json.dumps({"type": "file", "path": str(wav)}))
        sys.stdout.write(path.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
