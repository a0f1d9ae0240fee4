using System.Collections.Immutable;
using Hive.Features.Costs.Contracts;

namespace Hive.Features.Costs;

/// <summary>The tasks that budgets hold. Immutable: a change makes another one.</summary>
internal sealed class HeldTasks
{
    public static readonly HeldTasks None = new(
        ImmutableDictionary<long, HeldTask>.Empty,
        ImmutableDictionary<long, Needs>.Empty
    );

    private readonly ImmutableDictionary<long, HeldTask> tasks;
    private readonly ImmutableDictionary<long, Needs> ofBudget;

    private HeldTasks(ImmutableDictionary<long, HeldTask> tasks, ImmutableDictionary<long, Needs> ofBudget) =>
        (this.tasks, this.ofBudget) = (tasks, ofBudget);

    /// <summary>No budget holds a task.</summary>
    public bool IsEmpty => tasks.IsEmpty;

    /// <summary>The hold of a task, or null.</summary>
    public HeldTask? Find(long task) => tasks.GetValueOrDefault(task);

    /// <summary>How many tasks a budget holds, and the least that one of them needs of each kind; of both
    /// together, any one task may need more.</summary>
    public (long Count, long Micro, long Tokens) Of(long budget) =>
        ofBudget.TryGetValue(budget, out var needs)
            ? (needs.Micro.Count, needs.Micro.Min.Amount, needs.Tokens.Min.Amount)
            : default;

    /// <summary>This with another hold of a task; null for none.</summary>
    public HeldTasks With(long task, HeldTask? hold)
    {
        var of = ofBudget;
        if (tasks.TryGetValue(task, out var before))
        {
            foreach (var budget in before.Budgets)
            {
                var needs = of[budget].Without(task, before);
                of = needs.Micro.IsEmpty ? of.Remove(budget) : of.SetItem(budget, needs);
            }
        }

        foreach (var budget in hold?.Budgets ?? [])
            of = of.SetItem(budget, of.GetValueOrDefault(budget, Needs.None).With(task, hold!));
        return new HeldTasks(hold is null ? tasks.Remove(task) : tasks.SetItem(task, hold), of);
    }

    private sealed record Needs(
        ImmutableSortedSet<(long Amount, long Task)> Micro,
        ImmutableSortedSet<(long Amount, long Task)> Tokens
    )
    {
        public static readonly Needs None = new([], []);

        public Needs With(long task, HeldTask hold) =>
            new(Micro.Add((hold.Micro, task)), Tokens.Add((hold.Tokens, task)));

        public Needs Without(long task, HeldTask hold) =>
            new(Micro.Remove((hold.Micro, task)), Tokens.Remove((hold.Tokens, task)));
    }
}
