using FsCheck;
using FsCheck.Fluent;
using Hive.Features.Messages;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Messages;

/// <summary>Plays generated histories on the host and on a model of the lease rules.</summary>
public sealed class LeaseModelTests
{
    private const int MostSteps = 60;

    private static readonly (int Weight, StepKind Kind)[] Weights =
    [
        (5, StepKind.Connect),
        (7, StepKind.Close),
        (24, StepKind.Send),
        (3, StepKind.Broadcast),
        (16, StepKind.Receive),
        (12, StepKind.Wait),
        (8, StepKind.Ack),
        (5, StepKind.AckAll),
        (12, StepKind.Nack),
        (9, StepKind.BeginTurn),
        (9, StepKind.EndTurn),
        (7, StepKind.Hello),
        (5, StepKind.RequeueInflight),
        (5, StepKind.Pause),
        (8, StepKind.PassTime),
        (2, StepKind.Retry),
        (1, StepKind.Drop),
        (4, StepKind.RequeueClosed),
    ];

    [Fact]
    [Sampled]
    public async Task Every_message_has_one_holder_comes_oldest_first_and_is_never_lost()
    {
        await using var hive = await HiveFixture.Start();
        var number = 0;
        // On a thread of its own, because the property blocks on each history.
        await Task.Run(() =>
            Property.Holds(
                Prop.ForAll(
                    Arb.From(Gen.ArrayOf(Steps), Shrinking.Smaller),
                    steps => Play(hive, ++number, steps).GetAwaiter().GetResult()
                ),
                first: 16,
                inLong: 250,
                MostSteps
            )
        );
    }

    [Fact]
    [Sampled]
    public async Task A_restarted_host_knows_which_messages_were_leased_and_which_waited()
    {
        await using var hive = await HiveFixture.Start();
        var number = 0;
        await Task.Run(() =>
            Property.Holds(
                Prop.ForAll(
                    Arb.From(Gen.ArrayOf(Steps).Select(WithRestart), Shrinking.Smaller),
                    steps => Play(hive, ++number, steps).GetAwaiter().GetResult()
                ),
                first: 4,
                inLong: 30,
                MostSteps
            )
        );
    }

    [Fact]
    [Sampled]
    public async Task Steps_over_many_messages_in_several_writes_keep_the_rules()
    {
        await using var hive = await HiveFixture.Start();
        // A pair of messages is many; those who wait for some would get each piece as an answer of its own.
        hive.Services.GetRequiredService<Chunks>().Size = 2;
        var number = 0;
        await Task.Run(() =>
            Property.Holds(
                Prop.ForAll(
                    Arb.From(Gen.ArrayOf(Steps.Where(step => step.Kind != StepKind.Wait)), Shrinking.Smaller),
                    steps => Play(hive, ++number, steps).GetAwaiter().GetResult()
                ),
                first: 8,
                inLong: 100,
                MostSteps
            )
        );
    }

    private static Gen<Step> Steps { get; } =
        from what in Gen.Frequency([.. Weights.Select(w => (w.Weight, Gen.Constant(w.Kind)))])
        from agent in Gen.Choose(0, 2)
        from which in Gen.Choose(0, 11)
        from choice in Gen.Choose(0, 9999)
        select new Step(what, agent, which, choice);

    private static Step[] WithRestart(Step[] steps) =>
        [.. steps[..(2 * steps.Length / 3)], new Step(StepKind.Restart, 0, 0, 0), .. steps[(2 * steps.Length / 3)..]];

    private static async Task Play(HiveFixture hive, int number, Step[] steps)
    {
        await using var history = await LeaseHistory.Begin(hive, number);
        await history.Run(steps);
    }
}
