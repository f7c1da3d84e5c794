"""Make of Antiphon's wheel one that asks for nothing that only training needs (packaging/training.txt).

    python packaging/playing_wheel.py dist/antiphon-0.4.0-py3-none-any.whl

Writes antiphon-0.4.0+playing-py3-none-any.whl beside it, for installers that cannot leave a dependency out (pipx).
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import zipfile
from pathlib import Path

TRAINING = (Path(__file__).parent / "training.txt").read_text().split("\n")
LEFT_OUT = [line for line in TRAINING if line and not line.startswith("#")]
LOCAL = "+playing"  # a local version (PEP 440)


def playing_wheel(wheel: Path) -> Path:
    """Write the wheel and return its path."""
    name, version, rest = wheel.name.split("-", 2)
    out = wheel.with_name(f"{name}-{version}{LOCAL}-{rest}")
    info, ours = f"{name}-{version}.dist-info/", f"{name}-{version}{LOCAL}.dist-info/"
    record: list[str] = []
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            content, path = source.read(member), member.filename.replace(info, ours)
            if path == f"{ours}RECORD":
                continue
            if path == f"{ours}METADATA":
                content = without_training(content.decode(), version).encode()
            member.filename = path
            target.writestr(member, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(content)}")
        target.writestr(f"{ours}RECORD", "\n".join([*record, f"{ours}RECORD,,", ""]))
    return out


def without_training(metadata: str, version: str) -> str:
    """Return a wheel's METADATA with the local version, and without what only training needs."""
    names = "|".join(map(re.escape, LEFT_OUT))
    metadata = metadata.replace(f"\nVersion: {version}\n", f"\nVersion: {version}{LOCAL}\n", 1)
    return re.sub(rf"^Requires-Dist: (?:{names})\b(?!.*extra ==).*\n", "", metadata, flags=re.MULTILINE)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"one wheel is wanted: {sys.argv[0]} dist/antiphon-VERSION-py3-none-any.whl")
    print(playing_wheel(Path(sys.argv[1])))
