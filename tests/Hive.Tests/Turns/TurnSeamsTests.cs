using System.Threading.Channels;
using Hive.Common.Storage;
using Hive.Features.Turns.Contracts;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Turns;

/// <summary>Other slices learn of turns and harnesses, and ask for cancellations.</summary>
public sealed class TurnSeamsTests
{
    [Fact]
    public async Task The_end_of_a_turn_is_told_once_with_its_figures()
    {
        var told = new Told();
        await using var hive = await HiveFixture.StartWith(s => s.AddSingleton<ITurnEnded>(told));
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var turn = await hive.Turned(alice, "alice", model: "claude-opus-4-5-x", input: 1_000_000, output: 100_000);
        await alice.CallAsync("end_turn", new { turn, result = "ok" });
        var (view, before) = Assert.Single(told.All);
        Assert.Null(before);
        Assert.Equal(
            (turn, "alice", "ok", 1_000_000, 7.5),
            (view.Id, view.Agent, view.Result, view.InputTokens, view.CostUsd)
        );
    }

    [Fact]
    public async Task A_lost_turns_figures_that_come_after_all_are_told_with_what_was_told_before()
    {
        var told = new Told();
        await using var hive = await HiveFixture.StartWith(s => s.AddSingleton<ITurnEnded>(told));
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (turn, _) = await hive.Turn(alice, "alice");
        await alice.CallAsync("requeue_inflight");
        var end = new
        {
            turn,
            result = "ok",
            model = "claude-opus-4-5-x",
            output_tokens = 10,
        };
        await alice.CallAsync("end_turn", end);
        await alice.CallAsync("end_turn", end);
        Assert.Equal(
            [(turn, "lost", null, null), (turn, "ok", 10, "lost")],
            told.All.Select(t => (t.Turn.Id, t.Turn.Result, t.Turn.OutputTokens, t.Before?.Result))
        );
    }

    [Fact]
    public async Task An_end_that_another_slice_cannot_store_is_not_stored()
    {
        var told = new Told { Fails = true };
        await using var hive = await HiveFixture.StartWith(s => s.AddSingleton<ITurnEnded>(told));
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (turn, _) = await hive.Turn(alice, "alice");
        await Talk.Refused(() => alice.CallAsync("end_turn", new { turn, result = "ok" }), "internal");
        Assert.Empty(await hive.Turns("alice"));
        told.Fails = false;
        Assert.Equal(1, (await alice.CallAsync("end_turn", new { turn, result = "ok" })).Int("acked"));
    }

    [Fact]
    public async Task Tokens_have_a_price_in_whole_millionths()
    {
        const string Model = "claude-opus-4-5-x";
        await using var hive = await HiveFixture.Start();
        var prices = hive.Services.GetRequiredService<IPrices>();
        Assert.Equal(5, prices.Micro(Model, new Tokens(1, 0, 0, 0)));
        Assert.Equal(82, prices.Micro(Model, new Tokens(1, 2, 4, 4)));
        Assert.Equal(1, prices.Micro(Model, new Tokens(0, 0, 1, 0)));
        Assert.Equal(0, prices.Micro(Model, new Tokens(0, 0, 0, 0)));
        Assert.Null(prices.Micro("of nobody", new Tokens(1000, 1000, 0, 0)));
        Assert.Null(prices.Micro(null, new Tokens(1000, 1000, 0, 0)));
    }

    [Fact]
    public async Task A_slice_cancels_one_turn_and_hears_when_no_harness_listens()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var control = hive.Services.GetRequiredService<IHarnessControl>();
        Assert.False(control.CancelTurn("alice", 7));
        var alice = await hive.Connect("alice");
        Assert.Empty((await Controls()).EnumerateArray());
        Assert.True(control.CancelTurn("alice", 7));
        Assert.True(control.CancelTurn("alice", 7));
        Assert.True(control.CancelTurn("alice", 8));
        await (await hive.Operator()).CallAsync("cancel_turn", new { name = "alice" });
        Assert.Equal(
            [("cancel_turn", 7L), ("cancel_turn", 8L), ("cancel_turn", null)],
            (await Controls()).EnumerateArray().Select(c => (c.Word("kind"), c.Number("turn")))
        );

        async Task<System.Text.Json.JsonElement> Controls() =>
            (await alice.CallAsync("controls", new { wait_seconds = 0 })).GetProperty("controls");
    }

    [Fact]
    public async Task A_slice_reads_states_and_hears_when_a_rate_limit_begins_and_ends()
    {
        var changed = new Changed();
        await using var hive = await HiveFixture.StartWith(s =>
            s.AddSingleton<INotificationHandler<HarnessChanged>>(changed)
        );
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var states = hive.Services.GetRequiredService<IHarnessStates>();
        Assert.False(states.Of("alice").Connected);
        // Connected, limited, free again; thinking is not told.
        foreach (var state in new[] { "idle", "rate_limited", "idle" })
        {
            await alice.CallAsync("report_harness", new { state, since_at = hive.Clock.GetUtcNow() });
            Assert.Equal("alice", await changed.Next());
            Assert.Equal((true, state), (states.Of("alice").Connected, states.Of("alice").State));
        }

        await alice.CallAsync("report_harness", new { state = "thinking", since_at = hive.Clock.GetUtcNow() });
        await alice.CallAsync(
            "report_harness",
            new
            {
                state = "thinking",
                since_at = hive.Clock.GetUtcNow(),
                model = "opus",
            }
        );
        Assert.Equal("alice", await changed.Next());
        await hive.Settled();
        Assert.True(changed.IsEmpty);
    }

    private sealed class Told : ITurnEnded
    {
        public List<(TurnView Turn, TurnView? Before)> All { get; } = [];

        public bool Fails { get; set; }

        public void Ended(IWrite write, TurnView turn, TurnView? before)
        {
            if (Fails)
                throw new InvalidDataException("the slice fails");
            All.Add((turn, before));
        }
    }

    private sealed class Changed : INotificationHandler<HarnessChanged>
    {
        private readonly Channel<string> agents = Channel.CreateUnbounded<string>();

        public bool IsEmpty => agents.Reader.Count == 0;

        public Task Handle(HarnessChanged notification, CancellationToken cancellationToken) =>
            agents.Writer.WriteAsync(notification.Agent, cancellationToken).AsTask();

        public async Task<string> Next() =>
            await agents.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask();
    }
}
