using FsCheck;
using FsCheck.Fluent;
using Hive.Tests.Fixture;

namespace Hive.Tests.Tasks;

/// <summary>Plays generated histories of one ticket's tasks on the host and on a model of its edges.</summary>
public sealed class DagModelTests
{
    private const int MostSteps = 50;

    private static readonly (int Weight, DagStep.Kind Kind)[] Weights =
    [
        (30, DagStep.Kind.Add),
        (10, DagStep.Kind.AddJoin),
        (14, DagStep.Kind.Depend),
        (6, DagStep.Kind.Undepend),
        (18, DagStep.Kind.Complete),
        (7, DagStep.Kind.FailForGood),
        (7, DagStep.Kind.FailOnce),
        (7, DagStep.Kind.Cancel),
        (8, DagStep.Kind.Retry),
        (5, DagStep.Kind.Skip),
        (4, DagStep.Kind.Hold),
        (4, DagStep.Kind.Release),
        (5, DagStep.Kind.Wait),
    ];

    [Fact]
    [Sampled]
    public async Task Tasks_are_ready_and_barriers_end_by_what_they_wait_for()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        // On a thread of its own, because the property blocks on each history.
        await Task.Run(() =>
            Property.Holds(
                Prop.ForAll(
                    Arb.From(Gen.ArrayOf(Steps), Shrinking.Smaller),
                    steps => Play(rig, steps).GetAwaiter().GetResult()
                ),
                first: 16,
                inLong: 100,
                MostSteps
            )
        );
    }

    private static Gen<DagStep> Steps { get; } =
        from what in Gen.Frequency([.. Weights.Select(w => (w.Weight, Gen.Constant(w.Kind)))])
        from one in Gen.Choose(0, 999)
        from other in Gen.Choose(0, 999)
        select new DagStep(what, one, other);

    private static async Task Play(TaskRig rig, DagStep[] steps)
    {
        var history = new DagHistory(rig, await rig.Ticket());
        foreach (var step in steps)
            await history.Run(step);
        await history.End();
    }
}

/// <summary>One step of a history; the numbers choose tasks.</summary>
internal sealed record DagStep(DagStep.Kind What, int One, int Other)
{
    internal enum Kind
    {
        Add,
        AddJoin,
        Depend,
        Undepend,
        Complete,
        FailForGood,
        FailOnce,
        Cancel,
        Retry,
        Skip,
        Hold,
        Release,
        Wait,
    }
}
