"""Have the real doccano import, label and export; runs in an environment of its own.

    python doccano_server.py FOLDER

FOLDER holds ``examples.jsonl``, ``label_config.json`` and ``work.json``: ``{"members": [names], "uploader":
name, "exclusive": bool, "work": [{"member", "segment_id", "labels" | null, "comment"}]}``; an item with
labels, also with none, is confirmed, null is only looked at. It gets ``all.zip`` and ``confirmed.zip``, as
doccano exports them for a project whose members label on their own, ``shared.zip`` for one in which
they share labels, each as JSONL, and ``all.csv.zip`` and ``all.json.zip``.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path


def set_up(data: str) -> None:
    """Start doccano's Django application on a database of its own."""
    import backend

    sys.path.insert(0, str(Path(backend.__file__).parent))
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
        "DATABASE_URL": f"sqlite:///{data}/db.sqlite3",
        "SECRET_KEY": "x" * 50,
    }
    import django
    from django.conf import settings

    django.setup()
    settings.MEDIA_ROOT = data
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("create_roles", verbosity=0)


def new_project(about: dict, *, shared: bool):
    from django.contrib.auth.models import User
    from projects.models import Member, ProjectType, TextClassificationProject
    from roles.models import Role

    users = {
        name: User.objects.get_or_create(username=name, defaults={"is_staff": True})[0]
        for name in about["members"]
    }
    project = TextClassificationProject.objects.create(
        name=f"fupin {shared}",
        description="test",
        created_by=users[about["uploader"]],
        project_type=ProjectType.DOCUMENT_CLASSIFICATION,
        single_class_classification=about["exclusive"],
        collaborative_annotation=shared,
    )
    role = Role.objects.get(name="annotator")
    for user in users.values():
        Member.objects.get_or_create(project=project, user=user, defaults={"role": role})
    return project, users


def import_all(folder: Path, project, user) -> list:
    """Import labels and examples as the pages of doccano do."""
    from data_import.datasets import load_dataset
    from data_import.pipeline.catalog import JSONL
    from data_import.pipeline.readers import FileName
    from label_types.serializers import CategoryTypeSerializer
    from label_types.views import camel_to_snake_dict

    labels = json.loads((folder / "label_config.json").read_text(encoding="utf-8"))
    serializer = CategoryTypeSerializer(data=list(map(camel_to_snake_dict, labels)), many=True)
    serializer.is_valid(raise_exception=True)
    serializer.save(project_id=project.id)
    path = str(folder / "examples.jsonl")
    name = FileName(full_path=path, generated_name="examples.jsonl", upload_name="examples.jsonl")
    arguments = {"encoding": "utf_8", "column_data": "text", "column_label": "label"}
    dataset = load_dataset(project.project_type, JSONL, [name], project, **arguments)
    dataset.save(user, batch_size=1000)
    return [str(error) for error in dataset.errors]


def label(project, users: dict, item: dict) -> None:
    from examples.models import Comment, Example, ExampleState
    from label_types.models import CategoryType
    from labels.models import Category

    user = users[item["member"]]
    example = next(
        e for e in Example.objects.filter(project=project) if e.meta["segment_id"] == item["segment_id"]
    )
    for text in item["labels"] or ():
        Category.objects.create(
            example=example, user=user, label=CategoryType.objects.get(project=project, text=text)
        )
    if item["comment"]:
        Comment.objects.create(example=example, user=user, text=item["comment"])
    if item["labels"] is not None:
        ExampleState.objects.create(example=example, confirmed_by=user)


def export(project, out: Path, kind: str, *, confirmed: bool) -> None:
    from data_export.celery_tasks import export_dataset

    shutil.copy(export_dataset(project.id, kind, confirmed), out)


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as data:
        set_up(data)
        about = json.loads((folder / "work.json").read_text(encoding="utf-8"))
        errors = []
        for shared in (False, True):
            project, users = new_project(about, shared=shared)
            errors += import_all(folder, project, users[about["uploader"]])
            for item in about["work"]:
                label(project, users, item)
            if shared:
                export(project, folder / "shared.zip", "JSONL", confirmed=True)
            else:
                export(project, folder / "all.zip", "JSONL", confirmed=False)
                export(project, folder / "confirmed.zip", "JSONL", confirmed=True)
                export(project, folder / "all.csv.zip", "CSV", confirmed=False)
                export(project, folder / "all.json.zip", "JSON", confirmed=False)
        (folder / "errors.json").write_text(json.dumps(errors), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
