"""Access to Bedrock's models, customization jobs, evaluation jobs and serving resources."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import aws_iam as iam

from infra.permissions.base import FOUNDATION_MODELS, TO_BEDROCK, Statements, allow
from tunedrop import catalog, naming


class Bedrock(Statements):
    """Statements about Bedrock. Its list operations take no resource (IAM reference, bedrock)."""

    def preflight(self) -> list[iam.PolicyStatement]:
        return [
            allow("BaseModels", ["bedrock:GetFoundationModel"], [FOUNDATION_MODELS]),
            # The only read of a model that takes no resource type (Service Authorization Reference).
            allow("ModelAccess", ["bedrock:GetFoundationModelAvailability"], ["*"]),
            self.read_model(),
            # None of these takes a resource type (Service Authorization Reference).
            allow(
                "Quotas",
                [
                    "bedrock:ListCustomModels",
                    "servicequotas:ListAWSDefaultServiceQuotas",
                    "servicequotas:ListServiceQuotas",
                ],
                ["*"],
            ),
            allow(
                "BedrockRoles",
                ["iam:SimulatePrincipalPolicy"],
                [one.role_arn for one in self._service_roles()],
            ),
        ]

    def _service_roles(self) -> list[iam.IRole]:
        parts = self.resources
        return [parts.bedrock_role, parts.evaluation_role, *parts.training_roles.values()]

    def bedrock_role(self) -> list[iam.PolicyStatement]:
        """What Bedrock's own role needs besides the data: the catalog's teachers, directly or through an
        inference profile, and the graders (user guide, custom-model-job-access-security,
        prequisites-model-distillation)."""
        return [
            allow("AskTeachers", ["bedrock:InvokeModel"], [*self._teachers()]),
            self.grade("CallGraders"),
        ]

    def grade(self, sid: str) -> iam.PolicyStatement:
        return allow(sid, ["lambda:InvokeFunction"], self.resources.stage.allowed_graders)

    def _teachers(self) -> Iterator[str]:
        models = catalog.load().values()
        rules = [one.methods["distillation"] for one in models if "distillation" in one.methods]
        for teacher in sorted({teacher.id for one in rules for teacher in one.teachers}):
            yield f"arn:aws:bedrock:*::foundation-model/{teacher}"
            yield self.arn(f"inference-profile/us.{teacher}")

    def start_job(self) -> list[iam.PolicyStatement]:
        resources = [FOUNDATION_MODELS, self.arn("custom-model/*")]
        return [
            allow("CreateJob", ["bedrock:CreateModelCustomizationJob"], resources, self.tagged_ours()),
            self.tag_new("model-customization-job/*", "custom-model/*"),
            allow("PassBedrockRole", ["iam:PassRole"], [self.resources.bedrock_role.role_arn], TO_BEDROCK),
            self.model_key(),
        ]

    def list_jobs(self) -> iam.PolicyStatement:
        return allow("ListJobs", ["bedrock:ListModelCustomizationJobs"], ["*"])

    def stop_job(self) -> iam.PolicyStatement:
        return allow(
            "StopJob",
            ["bedrock:StopModelCustomizationJob"],
            [self.arn("model-customization-job/*")],
            self.ours(),
        )

    def tag_new(self, *kinds: str) -> iam.PolicyStatement:
        """Tag new resources, and never those that have another stage's tag.

        Bedrock asks for this action when a request to create carries tags (Service Authorization Reference).
        Whether a new resource counts as tagged already, by the request, is not documented: both work.
        """
        resources = [self.arn(kind) for kind in kinds]
        nobody_elses = {
            "StringEqualsIfExists": {f"aws:ResourceTag/{naming.STAGE_TAG}": self.resources.stage.name}
        }
        return allow("TagNew", ["bedrock:TagResource"], resources, self.tagged_ours() | nobody_elses)

    def invoke(self) -> iam.PolicyStatement:
        """A base model called by an inference profile runs in any Region of the profile."""
        models = [FOUNDATION_MODELS, self.arn("inference-profile/*")]
        return allow("Invoke", ["bedrock:InvokeModel"], models)

    def judge(self) -> list[iam.PolicyStatement]:
        """An evaluation job is created on its judge: a model, or an inference profile (IAM reference)."""
        resources = [FOUNDATION_MODELS, self.arn("inference-profile/*")]
        role = [self.resources.evaluation_role.role_arn]
        return [
            allow("CreateJudging", ["bedrock:CreateEvaluationJob"], resources, self.tagged_ours()),
            self.tag_new("evaluation-job/*"),
            allow("PassEvaluationRole", ["iam:PassRole"], role, TO_BEDROCK),
        ]

    def list_judging(self) -> iam.PolicyStatement:
        return allow("ListJudging", ["bedrock:ListEvaluationJobs"], ["*"])

    def read_judging(self) -> iam.PolicyStatement:
        return allow("ReadJudging", ["bedrock:GetEvaluationJob"], [self.arn("evaluation-job/*")])

    def stop_judging(self) -> iam.PolicyStatement:
        jobs = [self.arn("evaluation-job/*")]
        return allow("StopJudging", ["bedrock:StopEvaluationJob"], jobs, self.ours())

    def read_tags(self) -> iam.PolicyStatement:
        tagged = [self.arn("model-customization-job/*"), self.arn("evaluation-job/*")]
        return allow("ReadTags", ["bedrock:ListTagsForResource"], tagged)

    def read_job(self) -> iam.PolicyStatement:
        return allow("ReadJob", ["bedrock:GetModelCustomizationJob"], [self.arn("model-customization-job/*")])

    def model_key(self) -> iam.PolicyStatement:
        """Bedrock creates a grant on our key for each tuned model (user guide, encryption-custom-job)."""
        via = {"StringEquals": {"kms:ViaService": f"bedrock.{self.resources.stack.region}.amazonaws.com"}}
        return allow("ModelKey", ["kms:CreateGrant"], [self.resources.key.key_arn], via)

    def read_model(self) -> iam.PolicyStatement:
        """Check that a custom model exists before it is tuned further or evaluated again."""
        return allow("ReadModel", ["bedrock:GetCustomModel"], [self.arn("custom-model/*")])

    def delete_models(self) -> iam.PolicyStatement:
        models = [self.arn("custom-model/*")]
        return allow("DeleteModels", ["bedrock:DeleteCustomModel"], models, self.ours())
