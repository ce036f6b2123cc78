"""The whole run on images, step by step: read, infer, reduce, write.

photographs → features (Parquet, each image once) → standardised → components → tables and plots
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession

from cluster.cost import DEFAULT_BUDGET_EUR, Estimate, check_budget, estimate
from cluster.models import SharedModel, share_model
from cluster.progress import Stages
from cluster.region import check_buckets, check_region
from cluster.session import is_local, is_submitted, start_session
from cluster.storage import Storage, check_apart, url_of
from fruits.choice import Choice
from fruits.components import Components, fit_components, project
from fruits.decomposition import order_routes
from fruits.features import Extraction, extract
from fruits.listing import Listing, list_images
from fruits.manifest import (
    NAME,
    ComponentsFound,
    Counters,
    Manifest,
    ModelUsed,
    Timings,
    describe_inputs,
    list_versions,
    summarise,
    write_manifest,
)
from fruits.models import NETWORKS
from fruits.neighbours import Agreement, agreement
from fruits.options import Options
from fruits.originals import write_originals
from fruits.outputs import (
    read_components,
    sample_points,
    write_components,
    write_explained,
    write_failures,
)
from fruits.plots import scatter, scree
from fruits.slices import features_folder
from fruits.weights import bundle_for, check_shape

_USUAL_VARIANCE = 0.8
_ORIGINALS = "images"
_SOMEWHERE = "eu-west-3"  # whose prices an estimate takes on a machine that is in no region


def run(options: Options, env: Mapping[str, str]) -> Manifest:
    """One run, from a folder of photographs to the results in `options.out`.

    The manifest is written last: where there is one, the results beside it are whole.

    Raises:
        ServingError: it was refused, or failed; the text says why. Features that were computed
            until then are kept for the next run.
    """
    region = check_region(env, local=not is_submitted(env))
    check_buckets([options.images, options.out, options.weights], env)
    check_apart("images", options.images, options.out)
    stages = Stages(6)
    with stages.stage("session"):
        spark = start_session("fruits", cores=options.cores)
    try:
        manifest = _run(spark, options, region, stages)
    finally:
        spark.stop()
    print(summarise(manifest, options.out))
    return manifest


def _run(spark: SparkSession, options: Options, region: str | None, stages: Stages) -> Manifest:
    started = datetime.now(UTC)
    with stages.stage("images and cost"):
        listing = list_images(options.images, region)
        expected = _estimate(spark, options, region, listing)
    with stages.stage("model"):
        shared = _share(spark, options)
    with stages.stage("features"):
        extraction = _extract(spark, options, shared, listing)
        inputs = describe_inputs(extraction.features, len(listing))
        # Four passes follow; what does not fit into memory goes to disk.
        good = extraction.features.where("reason IS NULL").persist()
    with stages.stage("components"):
        components = _fit(spark, options, extraction, good)
    with stages.stage("results"):
        alike = _write(spark, options, listing, good, components)
    manifest = Manifest(
        started=started,
        options={**asdict(options), "bundles": str(options.bundles)},
        inputs=inputs,
        model=ModelUsed.of(shared.passport),
        counters=_count(extraction),
        components=_describe(components),
        agreement=alike,
        timings=_time(stages),
        cost=None if is_local(spark) else {"eur": expected.eur, **expected.parts},
        versions=list_versions(spark),
    )
    write_manifest(Storage(spark), options.out, manifest)
    return manifest


def _time(stages: Stages) -> Timings:
    seconds = dict(stages.seconds)
    return Timings(session_start_s=seconds.pop("session"), stages_s=seconds)


def _estimate(
    spark: SparkSession, options: Options, region: str | None, listing: Listing
) -> Estimate:
    """What it would cost on EMR Serverless; on this machine only a budget that was given binds."""
    expected = estimate(
        len(listing),
        model=options.model,
        region=region or _SOMEWHERE,
        workers=options.workers,
        size=options.size,
    )
    where = "free here; " if is_local(spark) else ""
    print(
        f"  {expected.images:,} files; {where}on EMR Serverless about €{expected.eur:.2f} and "
        f"{expected.hours * 60:.0f} min with {expected.workers} workers",
        file=sys.stderr,
    )
    budget = options.budget_eur
    if budget is None and not is_local(spark):
        budget = DEFAULT_BUDGET_EUR
    if budget is not None:
        check_budget(expected, budget)
    return expected


def _share(spark: SparkSession, options: Options) -> SharedModel:
    """The weights are obtained here, once, and broadcast; nobody else looks for them."""
    network, weights = NETWORKS[options.model], options.weights
    if "://" not in weights:
        weights = str(bundle_for(network, weights, options.size, options.bundles))
    shared = share_model(spark, weights)
    passport = shared.passport
    check_shape(passport.input.spec, passport.output.spec, weights, options.size, network)
    return shared


def _extract(
    spark: SparkSession, options: Options, shared: SharedModel, listing: Listing
) -> Extraction:
    """The features of every image, from the store of this model and folder, where they are kept."""
    return extract(
        spark,
        listing,
        features_folder(options.out, options.images, options.model, options.size, shared),
        shared,
        NETWORKS[options.model],
        slice_images=options.slice_images,
    )


def _fit(
    spark: SparkSession, options: Options, extraction: Extraction, good: DataFrame
) -> Components:
    """The refused are told first: where too few are left for components, they are why.

    From here on results are replaced, so the manifest that vouched for the last ones goes.
    """
    refused = extraction.features.where("reason IS NOT NULL")
    storage, out = Storage(spark), options.out.rstrip("/")
    storage.delete(f"{out}/{NAME}")
    storage.delete(f"{out}/{_ORIGINALS}")
    write_failures(spark, refused, options.out)
    choice = Choice(
        variance=options.variance or (None if _is_chosen(options) else _USUAL_VARIANCE),
        k=options.components,
        elbow=options.elbow,
    )
    return fit_components(
        good,
        most=max(options.most_components, choice.k or 1),
        choose=choice,
        routes=order_routes(options.route),
    )


def _is_chosen(options: Options) -> bool:
    return options.elbow or options.components is not None


def _write(
    spark: SparkSession,
    options: Options,
    listing: Listing,
    good: DataFrame,
    components: Components,
) -> Agreement | None:
    """Tables, plots and the fitted pipeline."""
    storage, out = Storage(spark), options.out.rstrip("/")
    projected = project(good.select("path", "label", "features"), components)
    write_components(spark, projected, out, components.k)
    write_explained(storage, components.explained, components.k, out)
    components.pipeline.write().overwrite().save(url_of(f"{out}/model"))
    points, labels = sample_points(read_components(spark, out))
    storage.write(
        f"{out}/scree.png", scree(components.explained, components.k, components.criterion)
    )
    if options.strip_exif:
        write_originals(spark, listing, f"{out}/{_ORIGINALS}", good)
    storage.write(
        f"{out}/scatter.png",
        scatter(points, labels, explained=components.explained, total=components.rows),
    )
    return agreement(points, labels) if len(points) > 1 else None


def _count(extraction: Extraction) -> Counters:
    return Counters(
        model_builds=extraction.builds,
        python_workers=extraction.workers,
        inferences=extraction.computed,
        reused=extraction.reused,
        slices=extraction.slices,
        unreadable=extraction.unreadable,
    )


def _describe(components: Components) -> ComponentsFound:
    return ComponentsFound(
        k=components.k,
        criterion=components.criterion,
        explained=components.explained,
        route=components.route,
        checks=components.checks,
        columns=components.columns,
        constant=components.constant,
        problems=components.problems,
    )
