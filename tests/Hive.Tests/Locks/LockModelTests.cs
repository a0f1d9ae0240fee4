using FsCheck;
using FsCheck.Fluent;
using Hive.Tests.Fixture;
using Hive.Tests.Tasks;

namespace Hive.Tests.Locks;

/// <summary>Plays generated histories of locks on the host and on a model that looks at all requests each
/// time.</summary>
public sealed class LockModelTests
{
    private const int MostSteps = 60;

    private static readonly (int Weight, LockStep.Kind Kind)[] Weights =
    [
        (30, LockStep.Kind.Exclusive),
        (20, LockStep.Kind.Shared),
        (25, LockStep.Kind.Release),
        (10, LockStep.Kind.EndTask),
        (8, LockStep.Kind.Claim),
        (7, LockStep.Kind.Wait),
    ];

    [Fact]
    [Sampled]
    public async Task Locks_are_safe_and_live_and_end_with_their_tasks()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice", "capacity: 16\n");
        // On a thread of its own, because the property blocks on each history.
        await Task.Run(() =>
            Property.Holds(
                Prop.ForAll(Arb.From(Gen.ArrayOf(Steps)), steps => Play(rig, steps).GetAwaiter().GetResult()),
                first: 16,
                inLong: 100,
                MostSteps
            )
        );
    }

    private static Gen<LockStep> Steps { get; } =
        from what in Gen.Frequency([.. Weights.Select(w => (w.Weight, Gen.Constant(w.Kind)))])
        from task in Gen.Choose(0, 999)
        from resource in Gen.Choose(0, 999)
        select new LockStep(what, task, resource);

    private static async Task Play(TaskRig rig, LockStep[] steps)
    {
        var history = new LockHistory(rig, await rig.Ticket());
        foreach (var step in steps)
            await history.Run(step);
        await history.End();
    }
}

/// <summary>One step of a history; the numbers choose a task and a resource.</summary>
internal sealed record LockStep(LockStep.Kind What, int Task, int Resource)
{
    internal enum Kind
    {
        Exclusive,
        Shared,
        Release,
        EndTask,
        Claim,
        Wait,
    }
}
