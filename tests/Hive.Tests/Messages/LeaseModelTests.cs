using FsCheck;
using FsCheck.Fluent;
using Hive.Tests.Fixture;

namespace Hive.Tests.Messages;

/// <summary>Generated histories against the model of the contract's lease rules.</summary>
public sealed class LeaseModelTests
{
    private const int Histories = 100;
    private const int MostSteps = 60;

    private static readonly (int Weight, Do What)[] Weights =
    [
        (5, Do.Connect),
        (7, Do.Close),
        (24, Do.Send),
        (3, Do.Broadcast),
        (16, Do.Receive),
        (12, Do.Wait),
        (8, Do.Ack),
        (5, Do.AckAll),
        (12, Do.Nack),
        (9, Do.BeginTurn),
        (9, Do.EndTurn),
        (7, Do.Hello),
        (5, Do.RequeueInflight),
        (5, Do.Pause),
        (8, Do.PassTime),
        (2, Do.Retry),
        (1, Do.Drop),
        (4, Do.RequeueClosed),
    ];

    [Fact]
    public async Task Whatever_agents_do_every_message_is_with_one_holder_comes_oldest_first_and_is_never_lost()
    {
        await using var hive = await HiveFixture.Start();
        var number = 0;
        // On a thread of its own: the property waits for each history.
        await Task.Run(() =>
            Check.One(
                Config.QuickThrowOnFailure.WithMaxTest(Histories).WithEndSize(MostSteps),
                Prop.ForAll(
                    Arb.From(Gen.ArrayOf(Steps), Smaller),
                    steps => Play(hive, ++number, steps).GetAwaiter().GetResult()
                )
            )
        );
    }

    [Fact]
    public async Task Whatever_agents_do_a_restarted_host_knows_what_was_held_and_what_waited()
    {
        await using var hive = await HiveFixture.Start();
        var number = 0;
        await Task.Run(() =>
            Check.One(
                Config.QuickThrowOnFailure.WithMaxTest(12).WithEndSize(MostSteps),
                Prop.ForAll(
                    Arb.From(Gen.ArrayOf(Steps).Select(WithRestart), Smaller),
                    steps => Play(hive, ++number, steps).GetAwaiter().GetResult()
                )
            )
        );
    }

    private static Gen<Step> Steps { get; } =
        from what in Gen.Frequency([.. Weights.Select(w => (w.Weight, Gen.Constant(w.What)))])
        from agent in Gen.Choose(0, 2)
        from which in Gen.Choose(0, 11)
        from choice in Gen.Choose(0, 9999)
        select new Step(what, agent, which, choice);

    private static Step[] WithRestart(Step[] steps) =>
        [.. steps[..(2 * steps.Length / 3)], new Step(Do.Restart, 0, 0, 0), .. steps[(2 * steps.Length / 3)..]];

    private static async Task Play(HiveFixture hive, int number, Step[] steps)
    {
        await using var history = await LeaseHistory.Begin(hive, number);
        await history.Run(steps);
    }

    // Without a half, a quarter, … a single step.
    private static IEnumerable<Step[]> Smaller(Step[] steps)
    {
        for (var length = steps.Length; length > 0; length /= 2)
        {
            for (var from = 0; from + length <= steps.Length; from += length)
                yield return [.. steps[..from], .. steps[(from + length)..]];
        }
    }
}
