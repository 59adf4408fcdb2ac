"""Access to imported models: what brings them into service, reads, calls and deletes them."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from infra.permissions.base import TO_BEDROCK, Statements, allow
from infra.permissions.data import Data
from tunedrop import naming


class Imports(Statements):
    """Statements about imported models, and jobs that import them."""

    def of(self, function: str) -> list[iam.PolicyStatement]:
        """What a function needs for imported models; nothing if the stage imports none."""
        if self.resources.import_role is None:
            return []
        models, jobs = [self.arn("imported-model/*")], [self.arn("model-import-job/*")]
        lists = ["bedrock:ListImportedModels", "bedrock:ListModelImportJobs"]
        read = [
            allow("ReadImports", ["bedrock:GetModelImportJob"], jobs),
            allow("ReadImported", ["bedrock:GetImportedModel"], models),
        ]
        tags = allow("ReadImportTags", ["bedrock:ListTagsForResource"], [*models, *jobs])
        # Bedrock's list operations, and the import of a model, take no resource (IAM reference, bedrock).
        listed = allow("ListImports", lists, ["*"])
        renewed = self.ours() | {"ForAllValues:StringEquals": {"aws:TagKeys": [naming.EXPIRES_TAG]}}
        kept = allow("KeepBaseModel", ["bedrock:TagResource"], models, renewed)
        ended = allow("DeleteImported", ["bedrock:DeleteImportedModel"], models, self.ours())
        asked = allow("AskImported", ["bedrock:InvokeModel"], models)
        role = [self.resources.import_role.role_arn]
        made = [
            allow("Import", ["bedrock:CreateModelImportJob"], ["*"], self.tagged_ours()),
            allow("TagImports", ["bedrock:TagResource"], [*models, *jobs], self.tagged_ours()),
            allow("PassImportRole", ["iam:PassRole"], role, TO_BEDROCK),
        ]
        found: dict[str, list[iam.PolicyStatement]] = {
            "preflight": [listed, *read],
            "set_up_throughput": [*made, *read, listed, kept, Data(self.resources).list_artifacts()],
            "wait_for_completion": read,
            "resume_waits": read,
            "evaluate_model": [asked, read[1]],
            "evaluate_shard": [asked],
            "promote_model": [tags, *read],
            "release_throughput": [*read, listed, tags, ended],
            "sweep_throughput": [*read, listed, tags, ended],
        }
        return found.get(function, [])
