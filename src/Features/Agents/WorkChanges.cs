using FluentValidation;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Agents;

/// <summary>A change of the tasks that an agent can take.</summary>
internal interface IWorkChange
{
    /// <summary>The agent.</summary>
    string Name { get; }

    /// <summary>Replaces its capabilities.</summary>
    IReadOnlyList<string>? Capabilities { get; }

    /// <summary>Replaces its capacity.</summary>
    int? Capacity { get; }

    /// <summary>Replaces its tags.</summary>
    IReadOnlyList<string>? Tags { get; }

    /// <summary>Replaces its phases.</summary>
    IReadOnlyList<string>? Phases { get; }

    /// <summary>Replaces its duty.</summary>
    string? Duty { get; }

    /// <summary>The fields that follow its configuration again.</summary>
    IReadOnlyList<string>? Clear { get; }
}

/// <summary>Checks and stores changes of the tasks that agents can take.</summary>
internal sealed class WorkChanges(IStore store, IRoster roster)
{
    /// <summary>The fields' names on the wire.</summary>
    internal static class Fields
    {
        public const string Capabilities = "capabilities",
            Capacity = "capacity",
            Tags = "tags",
            Phases = "phases",
            Duty = "duty";

        public static readonly string[] All = [Capabilities, Capacity, Tags, Phases, Duty];
    }

    /// <summary>Stores a change.</summary>
    /// <returns>The changed agent.</returns>
    public Task<AgentEntry> Store(IWorkChange change, CancellationToken ct) =>
        store.Write(
            write =>
            {
                if (change.Duty is not null && roster.Require(change.Name).IsManager)
                    throw Problem.Conflict("the manager plans the work of others; it takes no other duty");
                return roster.Change(
                    write,
                    change.Name,
                    agent => agent with { Override = Changed(agent.Override ?? new WorkOverride(), change) }
                );
            },
            ct
        );

    /// <summary>The rules for a change.</summary>
    public static void Check<T>(AbstractValidator<T> of)
        where T : IWorkChange
    {
        of.RuleFor(c => c.Name).MustBeAgentName();
        of.RuleFor(c => c.Capabilities).MustBeWorkWords(Fields.Capabilities);
        of.RuleFor(c => c.Tags).MustBeWorkWords(Fields.Tags);
        of.RuleFor(c => c.Phases).MustBePhases(Fields.Phases);
        of.RuleFor(c => c.Capacity).MustBeCapacity();
        of.RuleFor(c => c.Duty)
            .Must(d => d is null || WorkWords.DutyOf(d) is not null)
            .WithMessage($"'duty' can be {WorkWords.Duties}, or 'none'");
        of.RuleFor(c => c.Clear)
            .Must(c => c is null || c.All(Fields.All.Contains))
            .WithMessage($"'clear' can name {string.Join(", ", Fields.All)}");
        of.RuleFor(c => c)
            .Must(c => c.Clear is null || !Given(c).Any(c.Clear.Contains))
            .WithMessage("a field is both given and in 'clear'; leave one of them out");
    }

    private static WorkOverride? Changed(WorkOverride before, IWorkChange change)
    {
        bool Clears(string field) => change.Clear?.Contains(field) == true;
        var after = new WorkOverride(
            Clears(Fields.Duty) ? null
                : change.Duty is { } duty ? WorkWords.DutyOf(duty)
                : before.Duty,
            Clears(Fields.Capabilities) ? null : Words(change.Capabilities) ?? before.Capabilities,
            Clears(Fields.Capacity) ? null : change.Capacity ?? before.Capacity,
            Clears(Fields.Phases) ? null : change.Phases?.Distinct().ToArray() ?? before.Phases,
            Clears(Fields.Tags) ? null : Words(change.Tags) ?? before.Tags
        );
        return after == new WorkOverride() ? null : after;
    }

    private static IReadOnlyList<string>? Words(IReadOnlyList<string>? words) =>
        words is null ? null : WorkWords.Normalise(words);

    private static IEnumerable<string> Given(IWorkChange change)
    {
        if (change.Capabilities is not null)
            yield return Fields.Capabilities;
        if (change.Capacity is not null)
            yield return Fields.Capacity;
        if (change.Tags is not null)
            yield return Fields.Tags;
        if (change.Phases is not null)
            yield return Fields.Phases;
        if (change.Duty is not null)
            yield return Fields.Duty;
    }
}
