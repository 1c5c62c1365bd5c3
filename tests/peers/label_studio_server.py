"""Have the real Label Studio import, annotate and export; runs in an environment of its own.

    python label_studio_server.py FOLDER

FOLDER holds ``config.xml``, ``tasks.json`` and ``members.json`` (addresses), and ``work.json``: a list of
``{"email", "segment_id", "choices" | null, "note"}``, null for skipping. It gets ``JSON.json``,
``JSON_MIN.json``, ``CSV.csv`` and ``TSV.tsv``, as the server exports them, and ``checked.json``: what
``label_studio_sdk`` says of configuration, tasks, predictions and annotations.
"""

import json
import os
import sys
import tempfile
from pathlib import Path


def sdk_says(folder: Path) -> dict:
    """Ask the SDK's LabelInterface about the configuration and each task."""
    from label_studio_sdk.label_interface import LabelInterface

    interface = LabelInterface((folder / "config.xml").read_text(encoding="utf-8"))
    interface.validate()
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    return {
        "labels": [sorted(control.labels) for control in interface.controls if control.tag == "Choices"],
        "multiple": [c.is_multiple_choice for c in interface.controls if c.tag == "Choices"],
        "tasks": [interface.validate_task({"data": task["data"]}) for task in tasks],
        "predictions": [
            interface.validate_prediction(p, return_errors=True) for t in tasks for p in t["predictions"]
        ],
        "annotations": [interface.validate_annotation(a) for t in tasks for a in t["annotations"]],
    }


def set_up(data: str) -> None:
    """Start Label Studio's Django application on a database of its own."""
    import label_studio

    sys.path.insert(0, str(Path(label_studio.__file__).parent))
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "core.settings.label_studio",
        "DJANGO_DB": "sqlite",
        "LABEL_STUDIO_BASE_DATA_DIR": data,
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
        "LATEST_VERSION_CHECK": "false",
        "ALLOWED_HOSTS": "*",
    }
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def members(addresses: list[str]) -> dict:
    """Make accounts, all of one organization; the first owns it."""
    from organizations.models import Organization
    from rest_framework.test import APIClient
    from users.models import User

    clients, organization = {}, None
    for address in addresses:
        user = User.objects.create_user(email=address, password="x" * 12)
        if organization is None:
            organization = Organization.create_organization(created_by=user, title="test")
        elif not organization.users.filter(pk=user.pk).exists():
            organization.add_user(user)
        user.active_organization = organization
        user.save()
        clients[address] = APIClient()
        clients[address].force_authenticate(user)
    return clients


def done(response):
    if response.status_code >= 300:
        raise SystemExit(
            f"{response.request['PATH_INFO']}: {response.status_code} {response.content[:2000]!r}"
        )
    return response


def annotate(client, task: int, item: dict) -> None:
    result = []
    if item["choices"]:
        result.append(("codes", "choices", {"choices": item["choices"]}))
    if item["note"]:
        result.append(("note", "textarea", {"text": [item["note"]]}))
    body = {
        "result": [
            {"from_name": name, "to_name": "text", "type": kind, "value": value}
            for name, kind, value in result
        ],
        "was_cancelled": item["choices"] is None,
    }
    done(client.post(f"/api/tasks/{task}/annotations/", body, format="json"))


def main(folder: Path) -> None:
    (folder / "checked.json").write_text(json.dumps(sdk_says(folder)), encoding="utf-8")
    with tempfile.TemporaryDirectory() as data:
        set_up(data)
        addresses = json.loads((folder / "members.json").read_text(encoding="utf-8"))
        clients = members(addresses)
        owner = clients[addresses[0]]
        config = (folder / "config.xml").read_text(encoding="utf-8")
        project = done(
            owner.post("/api/projects/", {"title": "fupin", "label_config": config}, format="json")
        ).json()["id"]
        tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
        done(owner.post(f"/api/projects/{project}/import", tasks, format="json"))
        from tasks.models import Task

        ids = {task.data["segment_id"]: task.id for task in Task.objects.filter(project_id=project)}
        for item in json.loads((folder / "work.json").read_text(encoding="utf-8")):
            annotate(clients[item["email"]], ids[item["segment_id"]], item)
        for name, ending in (("JSON", "json"), ("JSON_MIN", "json"), ("CSV", "csv"), ("TSV", "tsv")):
            response = done(
                owner.get(f"/api/projects/{project}/export?exportType={name}&download_all_tasks=true")
            )
            content = b"".join(response.streaming_content) if response.streaming else response.content
            (folder / f"{name}.{ending}").write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
