using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>Validation rules that several requests share.</summary>
internal static class ApprovalRules
{
    public static void MustBeDescription<T>(this IRuleBuilder<T, string?> rule) => rule.MustBeText(Limits.BodyBytes);

    public static void MustBeNameOfNewAgent<T>(this IRuleBuilder<T, string> rule, IAgentNames names) =>
        rule.Custom(
            (name, context) =>
            {
                if (names.Fault(name) is { } fault)
                    context.AddFailure(fault);
            }
        );
}
