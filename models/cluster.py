"""Use many machines: `python -m models.cluster train responder` trains on Ray Train, `data` reads MIDI on Ray Data.

    python -m models.cluster --workers 16 train responder -- --steps 4000       trainer and its own options
    python -m models.cluster --workers 16 data FOLDER                           as models.data --midi FOLDER

--address names a running cluster (`ray start --head`; "auto": the one this machine is in); without it one is started
here. Every machine needs this program (`pip install antiphon[cluster]`) and sees the same folders. Under Ray Train run
Torch's own data-parallel processes (DDP), so that the loss is that of one process at equal batch; a worker that dies is
started anew, and the training goes on from its last state.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from models.corpus import own_midi
from models.paths import CHECKPOINTS, DATA_CACHE
from models.train import TRAINERS

DISTRIBUTED = ("responder",)  # trainers that share a batch among processes
RESTARTS = 8  # of a training whose workers die
MAY_LEAVE = {"env_vars": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAY_TRAIN_V2_ENABLED": "1"}}


def train(name: str, options: Sequence[str], workers: int) -> None:
    """Train on `workers` processes. Raises what the trainer raises, after RESTARTS deaths."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    trainer = TorchTrainer(
        _train_here,
        train_loop_config={"module": TRAINERS[name], "options": list(options)},
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(num_workers=workers),
        run_config=RunConfig(
            name=name, storage_path=str(CHECKPOINTS / "ray"), failure_config=FailureConfig(max_failures=RESTARTS)
        ),
    )
    trainer.fit()


def _train_here(given: dict[str, Any]) -> None:
    """Run a trainer in a worker, which Ray Train has joined to the others."""
    import torch

    torch.set_num_threads(1)
    import_module(given["module"]).main(given["options"])


def tokenised(given: Sequence[own_midi.Given]) -> Iterable[own_midi.Piece | str]:
    """Yield what own_midi.tokenised gives of every file, in order, read by all machines of the cluster."""
    import pickle  # between the processes of this run only: nothing is kept or read from elsewhere

    import ray.data

    rows = ray.data.from_items([{"at": at, "given": pickle.dumps(one)} for at, one in enumerate(given)])
    done = rows.map(lambda row: {"at": row["at"], "made": pickle.dumps(own_midi.tokenised(pickle.loads(row["given"])))})
    for row in sorted(done.iter_rows(), key=lambda row: int(row["at"])):
        yield pickle.loads(row["made"])


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code: 2 after a mistake, explained in one line."""
    args = parse(argv)
    try:
        import ray
    except ImportError:
        print("models.cluster: Ray is not installed; try pip install 'antiphon[cluster]'", file=sys.stderr)
        return 2
    try:
        here: dict[str, Any] = {"num_cpus": args.workers, "include_dashboard": False} if args.address is None else {}
        ray.init(args.address, runtime_env=MAY_LEAVE, log_to_driver=True, logging_level=logging.WARNING, **here)
        if args.what == "train":
            train(args.trainer, args.options, args.workers)
        else:
            cache = args.cache or DATA_CACHE / f"midi_{args.folder.resolve().name}.npz"
            own_midi.build(args.folder.resolve(), cache, tokenised)
    except (ValueError, OSError) as mistake:
        print(f"models.cluster: {mistake}", file=sys.stderr)
        return 2
    finally:
        ray.shutdown()
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m models.cluster", description=__doc__, formatter_class=raw)
    parser.add_argument("--address", help='of a running cluster, "auto": the one this machine is in')
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    kinds = parser.add_subparsers(dest="what", required=True, metavar="train | data")
    trains = kinds.add_parser("train", help="train a model")
    trains.add_argument("trainer", choices=DISTRIBUTED)
    trains.add_argument("options", nargs="*", metavar="-- OPTION", help="of the trainer: models.train NAME --help")
    reads = kinds.add_parser("data", help="read a folder of MIDI to token files")
    reads.add_argument("folder", type=Path)
    reads.add_argument("--cache", type=Path, help="the token files to write (default: in data_cache)")
    args = parser.parse_args(argv)
    if args.workers < 1:
        parser.error(f"--workers {args.workers}: at least 1")
    return args


if __name__ == "__main__":
    sys.exit(main())
