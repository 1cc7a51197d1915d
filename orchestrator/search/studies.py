"""The Optuna study of a sweep as a whole: deleted and renamed with it."""

from contextlib import suppress

import optuna

from searchctl.orchestrator.search.study import open_storage


def delete_study(url: str, name: str) -> None:
    """Delete a sweep's Optuna study, if there is one."""
    with suppress(KeyError):
        optuna.delete_study(study_name=name, storage=open_storage(url))


def rename_study(url: str, name: str, new: str) -> None:
    """Give a sweep's Optuna study, if there is one, another name; its notes are kept.

    Optuna cannot rename a study: it is copied, and then deleted. A copy that a crash left behind
    is replaced.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = open_storage(url)
    with suppress(KeyError):
        storage.get_study_id_from_name(name)
        delete_study(url, new)
        optuna.copy_study(
            from_study_name=name, from_storage=storage, to_storage=storage, to_study_name=new
        )
        delete_study(url, name)
