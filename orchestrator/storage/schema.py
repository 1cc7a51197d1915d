"""The tables. Their names have a prefix, because Optuna's tables are in the same database.

Unique keys guarantee one row per thing, independently of the code: a job is unique by its key
(job_key.py), a decision by (trial, rung), params within their cohort, and a job has at most one
open attempt. The unique keys are also the indexes of the queries. Every change here needs a
migration.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from searchctl.orchestrator.storage.column_types import ClassShares, UtcDateTime

metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _belongs_to(table: str) -> Column[int]:
    name = f"{table.rstrip('s')}_id"
    return Column(name, ForeignKey(f"searchctl_{table}.id"), nullable=False)


sweeps = Table(
    "searchctl_sweeps",
    metadata,
    _id(),
    Column("name", String(200), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("desired_state", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("spec_hash", String(64), nullable=False),
    Column("direction", String(8), nullable=False),
    Column("ladder", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("classes", JSON, nullable=False),
    Column("data_fingerprint", String(64)),
    # initial weights of its trials: key -> InitialFile (artifacts/initial_files.py)
    Column("initial_files", JSON, nullable=False, server_default="{}"),
    # [name, group] of each validation image, in the order of image_scores; empty: not stored
    Column("val_images", JSON, nullable=False, server_default="[]"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("error", Text),
    # the driver's lease (lease.py); expires in seconds since 1970 on the database's clock
    Column("lease_token", String(32)),
    Column("lease_owner", Text),
    Column("lease_expires", Float),
    # resources that pending jobs wait for (core/pending.py); valid while the lease is
    Column("waiting", JSON(none_as_null=True)),
)

trials = Table(
    "searchctl_trials",
    metadata,
    _id(),
    _belongs_to("sweeps"),
    Column("number", Integer, nullable=False),
    Column("params", JSON, nullable=False),
    Column("params_hash", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("cohort", Integer, nullable=False, server_default="0"),
    # how its params were found: grid, random, known or model (rows.py)
    Column("origin", String(8), nullable=False, server_default="random"),
    UniqueConstraint("sweep_id", "number"),
    UniqueConstraint("sweep_id", "cohort", "params_hash", name="uq_searchctl_trials_params"),
)

# A cohort is stored when it is requested, and drawn later: what the draw depends on is in its row.
cohorts = Table(
    "searchctl_cohorts",
    metadata,
    _id(),
    _belongs_to("sweeps"),
    Column("number", Integer, nullable=False),
    # 0: the launch; n: the n-th extension
    Column("request", Integer, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("method", String(16), nullable=False),
    # the other search settings of its draw
    Column("settings", JSON, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("min_fraction", String(40)),
    Column("ladder", JSON, nullable=False),
    # it opens once all cohorts before the last `lag` ones are closed
    Column("lag", Integer, nullable=False),
    # numbers of the cohorts that it is drawn from
    Column("sources", JSON, nullable=False),
    # numbers of failed trials whose params it tries again
    Column("retried", JSON, nullable=False, server_default="[]"),
    # what its draw used; empty until it is drawn
    Column("drawn_at", UtcDateTime),
    Column("source_trials", JSON(none_as_null=True)),
    Column("versions", JSON(none_as_null=True)),
    UniqueConstraint("sweep_id", "number"),
)

jobs = Table(
    "searchctl_jobs",
    metadata,
    _id(),
    _belongs_to("trials"),
    Column("rung", Integer, nullable=False),
    Column("kind", String(8), nullable=False, server_default="ladder"),
    Column("repeat", Integer, nullable=False, server_default="0"),
    Column("fraction", String(40), nullable=False),
    Column("images", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("score", Float),
    Column("kept_epoch", Integer),
    Column("seconds", Float),
    Column("gpu_seconds", Float),
    Column("images_seen", BigInteger),
    Column("peak_memory_bytes", BigInteger),
    Column("device", String(200)),
    Column("threads", Integer),
    Column("trainable_parameters", BigInteger),
    Column("latency_ms", Float),
    Column("sample_hash", String(64)),
    Column("data_fingerprint", String(64)),
    Column("initial_weights", Text, nullable=False, server_default=""),
    Column("weights", Text),
    Column("features", Text),
    Column("evaluations", JSON),
    Column("error", Text),
    # all that its numbers depend on (driver/content.py), and where it ran
    Column("content_hash", String(64)),
    Column("hardware", String(200)),
    # sweep, trial, rung and seconds of the job that this one is a copy of
    Column("reused_from", JSON(none_as_null=True)),
    # batch_size and accumulate in place of those of its settings, which ran out of memory
    Column("batch", JSON(none_as_null=True)),
    UniqueConstraint("trial_id", "rung", "kind", "repeat", name="uq_searchctl_jobs"),
    Index("ix_searchctl_jobs_content_hash", "content_hash"),
)

attempts = Table(
    "searchctl_attempts",
    metadata,
    _id(),
    _belongs_to("jobs"),
    Column("number", Integer, nullable=False),
    Column("token", String(32), nullable=False, unique=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("error", Text),
    Column("worker", Text),
    Column("outcome", String(16)),
    Column("first_epoch", Integer),
    Column("gpus", Float),
    UniqueConstraint("job_id", "number"),
)
Index(
    "uq_searchctl_attempts_open",
    attempts.c.job_id,
    unique=True,
    sqlite_where=attempts.c.outcome.is_(None),
    postgresql_where=attempts.c.outcome.is_(None),
)

epochs = Table(
    "searchctl_epochs",
    metadata,
    Column("job_id", ForeignKey("searchctl_jobs.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("train_loss", Float),
    Column("val_loss", Float),
    Column("val_miou", Float),
    Column("val_accuracy", Float),
    Column("lr", Float, nullable=False),
    Column("images", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("val_class_iou", ClassShares),
    # name -> value of the scores that have no column
    Column("scores", JSON(none_as_null=True)),
)

class_scores = Table(
    "searchctl_class_scores",
    metadata,
    Column("job_id", ForeignKey("searchctl_jobs.id"), primary_key=True),
    Column("split", String(16), primary_key=True),
    Column("class_id", Integer, primary_key=True),
    Column("iou", Float),
    Column("accuracy", Float),
)

image_scores = Table(
    "searchctl_image_scores",
    metadata,
    Column("job_id", ForeignKey("searchctl_jobs.id"), primary_key=True),
    Column("images", Integer, nullable=False),
    Column("classes", Integer, nullable=False),
    # zlib of little-endian arrays: uint32 [images, classes, 3], float64 [images], int64 [images]
    Column("counts", LargeBinary, nullable=False),
    Column("loss_sums", LargeBinary, nullable=False),
    Column("pixels", LargeBinary, nullable=False),
)

decisions = Table(
    "searchctl_decisions",
    metadata,
    _id(),
    _belongs_to("trials"),
    Column("rung", Integer, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("score", Float),
    Column("rank", Integer),
    Column("cohort", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("cutoff", Float),
    Column("margin", Float),
    Column("reason", Text, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    # which limits the trial exceeds, in words; empty if none
    Column("violation", Text, nullable=False, server_default=""),
    UniqueConstraint("trial_id", "rung"),
)

# what a limit needs to know of each network on each type of hardware: the first value counts
measurements = Table(
    "searchctl_measurements",
    metadata,
    _id(),
    _belongs_to("sweeps"),
    Column("quantity", String(16), nullable=False),
    # hash of the params that the quantity depends on (driver/measured.py)
    Column("subject", String(64), nullable=False),
    Column("hardware", String(200), nullable=False),
    Column("value", Float, nullable=False),
    # the numbers of the trial and the rung that it was measured at
    Column("trial", Integer, nullable=False),
    Column("rung", Integer, nullable=False),
    UniqueConstraint("sweep_id", "quantity", "subject", "hardware"),
)

events = Table(
    "searchctl_events",
    metadata,
    _id(),
    _belongs_to("sweeps"),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_searchctl_events_sweep_id", "sweep_id"),
)

# drivers that were submitted to a cluster; by the sweep's name, since some end before they store it
submissions = Table(
    "searchctl_submissions",
    metadata,
    _id(),
    Column("job", String(200), nullable=False, unique=True),
    Column("sweep", String(200), nullable=False),
    # address of the cluster's Jobs API, as used by the submitting machine
    Column("address", Text, nullable=False),
    Column("submitted_at", UtcDateTime, nullable=False),
    Index("ix_searchctl_submissions_sweep", "sweep"),
)
