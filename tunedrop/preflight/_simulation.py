"""What a role may do, according to IAM's simulator."""

from __future__ import annotations

from typing import Any


def denial(iam: Any, region: str, role_arn: str, action: str, resource: str) -> str:
    """IAM's decision against a call (`implicitDeny`, `explicitDeny`); empty if nothing is known against it.

    A denial by a service control policy does not count. The simulator evaluates the conditions of these
    policies with the values that it is given only (IAM API reference, SimulatePrincipalPolicy, read
    2026-11-30), so that one that denies other Regions, or all but some roles, may seem to deny everything
    (openshift/installer, issues 1322, 3490 and 4048). If one does deny the call, the service refuses the job
    when it is created.
    """
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role_arn,
        ActionNames=[action],
        ResourceArns=[resource],
        ContextEntries=[
            {
                "ContextKeyName": "aws:RequestedRegion",
                "ContextKeyValues": [region],
                "ContextKeyType": "string",
            }
        ],
    )
    for one in answer["EvaluationResults"]:
        by_organization = not one.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
        if one["EvalDecision"] != "allowed" and not by_organization:
            return str(one["EvalDecision"])
    return ""
