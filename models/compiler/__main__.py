"""make model: the command line of the compiler."""

import argparse
import sys
from pathlib import Path

from compiler.quiet import quiet
from serving.errors import ServingError
from serving.passport import Passport, read_passport


def main() -> int:
    """Build one bundle and say what came out."""
    args = _parser().parse_args()
    name = args.name or args.source.stem.lower()
    bundle = args.bundles / name
    before = _version(bundle)
    try:
        # Late: a wrong path should not cost the import of TensorFlow.
        from serving.hdf5.inspection import inspect

        inspect(args.source, trust_code=args.trust_code)
        with quiet():
            from compiler.bundling import Order, build
            from compiler.probes import TOLERANCE

        passport = build(
            Order(
                args.source,
                bundle,
                name,
                version=args.version or None,
                sample=args.sample,
                trust_code=args.trust_code,
                tolerance=TOLERANCE if args.tolerance is None else args.tolerance,
            )
        )
    except ServingError as refusal:
        print(f"refused: {args.source}: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(summary(passport))
    if before not in {None, passport.version}:
        print(f"  replaces    {name} {before}")
    print(f"  bundle      {bundle}\nnext: make run MODEL={bundle} [FILE=document.xml]")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make model", description=__doc__)
    parser.add_argument("source", type=Path, help="the Keras HDF5 file")
    parser.add_argument("--name", default="", help="default: the file's name")
    parser.add_argument("--version", help="default: the first 12 digits of its SHA-256")
    parser.add_argument("--bundles", type=Path, default=Path("bundles"), help="where bundles go")
    parser.add_argument("--sample", type=Path, help="a document of real matrices to compare on")
    parser.add_argument("--trust-code", action="store_true", help="accept layers that carry code")
    parser.add_argument(
        "--tolerance",
        type=float,
        help="how far the fast engine may be from TensorFlow; default: 1e-5 of the answers' size",
    )
    return parser


def _version(bundle: Path) -> str | None:
    """Of the bundle that will be replaced, if there is one."""
    try:
        return read_passport(bundle).version
    except ServingError:
        return None


def summary(passport: Passport) -> str:
    """What people want to know of a bundle, in a few lines."""
    source, agreement = passport.source, passport.agreement
    lines = [
        f"{passport.name} {passport.version}",
        f"  written by  Keras {source.keras_version}, "
        f"read by {source.loader} {source.loader_version}",
        f"  signature   {passport.input.spec} {passport.input.dtype} → "
        f"{passport.output.spec} {passport.output.dtype}",
        f"  document    matrices of {passport.input.spec.count or 'any number of'} values",
        f"  engine      {passport.engine}",
    ]
    if source.freed_batch_size is not None:
        lines.append(f"  batch size  was fixed to {source.freed_batch_size}, is now free")
    if passport.fallback_reason is not None:
        lines.append(f"  because     it {passport.fallback_reason}")
    if agreement.comparisons:
        worst = max(agreement.comparisons, key=lambda c: (c.difference or 0) / c.tolerance)
        count = sum(c.matrices for c in agreement.comparisons)
        lines.append(
            f"  difference  {worst.difference or 0:.2g} from TensorFlow at most, on {count} "
            f"matrices ({worst.inputs}; tolerated: {worst.tolerance:g})"
        )
    if agreement.expected_difference is not None:
        lines.append(
            f"  expected    answers of the sample met, {agreement.expected_difference:.2g} away"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
