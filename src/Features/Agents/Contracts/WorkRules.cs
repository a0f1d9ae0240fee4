using FluentValidation;
using Hive.Common.Yaml;

namespace Hive.Features.Agents.Contracts;

/// <summary>The rules for capabilities, capacities, tags, phases and duties in requests; null passes.</summary>
internal static class WorkRules
{
    // 30 days.
    private const long MaxTimeout = 2_592_000;

    public static void MustBeWorkWords<T>(this IRuleBuilder<T, IReadOnlyList<string>?> rule, string field) =>
        rule.Custom(
            (words, context) =>
            {
                if (words is null)
                    return;
                if (words.Contains(null!))
                    context.AddFailure($"an entry of '{field}' is null; leave it out");
                else if (words.FirstOrDefault(w => WorkWords.Fault(w) is not null) is { } wrong)
                    context.AddFailure($"'{YamlSection.Shown(wrong)}' in '{field}' {WorkWords.Fault(wrong)}");
                else if (WorkWords.Normalise(words).Count is > WorkWords.Most and var count)
                    context.AddFailure($"'{field}' has {count} entries; the limit is {WorkWords.Most}");
            }
        );

    public static void MustBePhase<T>(this IRuleBuilder<T, string?> rule, string field) =>
        rule.Must(phase => phase is null || WorkWords.PhaseFault(phase) is null)
            .WithMessage((_, phase) => $"'{YamlSection.Shown(phase!)}' in '{field}' {WorkWords.PhaseFault(phase!)}");

    public static void MustBePhases<T>(this IRuleBuilder<T, IReadOnlyList<string>?> rule, string field) =>
        rule.Custom(
            (phases, context) =>
            {
                if (phases?.Contains(null!) == true)
                    context.AddFailure($"an entry of '{field}' is null; leave it out");
                else if (phases?.FirstOrDefault(p => WorkWords.PhaseFault(p) is not null) is { } wrong)
                    context.AddFailure($"'{YamlSection.Shown(wrong)}' in '{field}' {WorkWords.PhaseFault(wrong)}");
                else if (phases?.Count > WorkWords.Most)
                    context.AddFailure($"'{field}' has {phases.Count} entries; the limit is {WorkWords.Most}");
            }
        );

    public static void MustBeCapacity<T>(this IRuleBuilder<T, int?> rule) =>
        rule.Must(capacity => capacity is null or (>= 1 and <= AgentWork.MaxCapacity))
            .WithMessage($"'capacity' must be from 1 to {AgentWork.MaxCapacity}");

    public static void MustBeTimeout<T>(this IRuleBuilder<T, long?> rule) =>
        rule.Must(seconds => seconds is null or (>= 1 and <= MaxTimeout))
            .WithMessage($"'timeout_seconds' must be from 1 to {MaxTimeout}");

    public static void MustBeAgentType<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(type => type is null or "worker" or "validator")
            .WithMessage($"'agent_type' can be {WorkWords.Duties}; Hive itself does what other types do");
}
