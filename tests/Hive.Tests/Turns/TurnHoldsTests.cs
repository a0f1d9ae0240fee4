using Dapper;
using Hive.Common.Storage;
using Hive.Features.Messages;
using Hive.Features.Messages.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Turns;

/// <summary>Another slice is told of the messages of turns, and has some dropped.</summary>
public sealed class TurnHoldsTests
{
    [Fact]
    public async Task Messages_are_told_when_they_come_to_belong_to_a_turn()
    {
        var told = new Told();
        await using var hive = await Start(told);
        var alice = await hive.Connect("alice");
        var (turn, first) = await hive.Turn(alice, "alice");
        var host = await hive.Operator();
        var tool = await hive.Connect("alice");
        var second = await host.Send("alice");
        await tool.Receive();
        await tool.CallAsync("hello", new { turn });
        var third = await host.Send("alice");
        await tool.Receive();
        var receiving = await hive.Waiting(tool);
        var fourth = await host.Send("alice");
        await receiving;
        Assert.Equal(new[] { first, second, third, fourth }.Select(id => $"alice {turn} holds {id}"), told.Lines);
    }

    [Theory]
    [InlineData("ok", "acked")]
    [InlineData("failed", "requeued")]
    [InlineData("cancelled", "parked")]
    public async Task A_message_named_at_the_end_of_a_turn_is_dropped_and_the_rest_is_not(string result, string rest)
    {
        var told = new Told();
        await using var hive = await Start(told);
        var alice = await hive.Connect("alice");
        var (turn, first) = await Two(hive, alice);
        told.Lines.Clear();
        told.Dropped = [first, 12345];
        var cursor = await hive.Cursor();
        var ended = await alice.CallAsync("end_turn", new { turn, result });
        Assert.Equal([$"{turn} ends {result}: {first}, {first + 1}"], told.Lines);
        Assert.Equal(["dropped", rest, "turn_ended"], await hive.Kinds(cursor));
        Assert.Equal(1, ended.Int("acked") + ended.Int("requeued") + ended.Int("parked"));
        // Ended again, it is the same end.
        await alice.CallAsync("end_turn", new { turn, result });
        Assert.Single(told.Lines);
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        await hive.Settled();
        Assert.DoesNotContain(await alice.Receive(), m => m.Id == first);
    }

    [Fact]
    public async Task A_lost_turn_is_told_as_lost_and_again_when_its_end_comes_after_all()
    {
        var told = new Told();
        await using var hive = await Start(told);
        var alice = await hive.Connect("alice");
        var (turn, first) = await Two(hive, alice);
        told.Lines.Clear();
        told.Dropped = [first];
        var cursor = await hive.Cursor();
        Assert.Equal(1, (await alice.CallAsync("requeue_inflight")).Int("requeued"));
        Assert.Equal(["dropped", "turn_ended", "requeued"], await hive.Kinds(cursor));
        await alice.CallAsync("end_turn", new { turn, result = "ok" });
        Assert.Equal([$"{turn} ends lost, lost: {first}, {first + 1}", $"{turn} ends ok: {first + 1}"], told.Lines);
        Assert.Equal((0, 0, 0), await alice.Status());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_turn_of_a_destroyed_agent_is_told_as_lost(bool purge)
    {
        var told = new Told();
        await using var hive = await Start(told);
        var alice = await hive.Connect("alice");
        var (turn, first) = await Two(hive, alice);
        told.Lines.Clear();
        told.Dropped = [first];
        var cursor = await hive.Cursor();
        await (await hive.Operator()).CallAsync("destroy", new { name = "alice", purge });
        Assert.Equal([$"{turn} ends lost, lost: {first}, {first + 1}"], told.Lines);
        Assert.Contains("turn_ended", await hive.Kinds(cursor));
    }

    [Fact]
    public async Task A_turn_with_very_many_messages_is_told_of_each_piece_in_its_write()
    {
        var told = new Told();
        await using var hive = await Start(told);
        var alice = await hive.Connect("alice");
        var (turn, ids) = await Many(hive, alice);
        told.Lines.Clear();
        told.Dropped = [ids[0], ids[^1]];
        var ended = await alice.CallAsync("end_turn", new { turn, result = "ok" });
        Assert.Equal(ids.Length - 2, ended.Int("acked"));
        Assert.Equal(
            ids.Chunk(Chunks.UsualSize).Select(piece => $"{turn} ends ok: {string.Join(", ", piece)}"),
            told.Lines
        );
        Assert.Equal((0, 0, 0), await alice.Status());
    }

    [Fact]
    public async Task A_lost_turn_with_very_many_messages_is_told_of_each_piece_also_by_the_next_host()
    {
        var told = new Told();
        await using var hive = await Start(told);
        var alice = await hive.Connect("alice");
        var (turn, ids) = await Many(hive, alice);
        told.Lines.Clear();
        told.Dropped = [ids[0], ids[^1]];
        await alice.CallAsync("requeue_inflight");
        Assert.Equal(
            ids.Chunk(Chunks.UsualSize).Select(piece => string.Join(", ", piece)).Prepend("").Select(Lost),
            told.Lines
        );
        Assert.Equal((ids.Length - 2, 0, 0), await alice.Status());

        // As if that host had been killed before the last piece.
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
                write.Db.Execute(
                    "UPDATE messages SET delivered_at = 1, acked_at = NULL WHERE id >= @from",
                    new { from = ids[^2] }
                )
            );
        await hive.Restart();
        alice = await hive.Connect("alice");
        Assert.Equal((ids.Length - 3, 2, 0), await alice.Status());
        told.Lines.Clear();
        await alice.CallAsync("requeue_inflight");
        Assert.Equal([Lost($"{ids[^2]}, {ids[^1]}")], told.Lines);
        Assert.Equal((ids.Length - 2, 0, 0), await alice.Status());

        string Lost(string piece) => $"{turn} ends lost, lost: {piece}";
    }

    [Fact]
    public async Task A_slice_that_fails_undoes_the_beginning_and_the_end_of_the_turn()
    {
        var told = new Told();
        await using var hive = await Start(told);
        var alice = await hive.Connect("alice");
        var id = await (await hive.Operator()).Send("alice");
        await alice.Receive();
        told.Fails = true;
        await Talk.Refused(Begin, "internal");
        Assert.Empty(told.Lines);
        told.Fails = false;
        var turn = (await Begin()).GetProperty("turn").GetInt64();
        told.Fails = true;
        await Talk.Refused(End, "internal");
        Assert.Equal((0, 1, 0), await alice.Status());
        told.Fails = false;
        Assert.Equal(1, (await End()).Int("acked"));

        Task<System.Text.Json.JsonElement> Begin() =>
            alice.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "operator" });

        Task<System.Text.Json.JsonElement> End() => alice.CallAsync("end_turn", new { turn, result = "ok" });
    }

    [Theory]
    [InlineData("failed")]
    [InlineData("cancelled")]
    public async Task Nothing_counts_against_the_messages_of_an_excused_turn(string result)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var (turn, id) = await hive.Turn(alice, "alice");
        var control = hive.Services.GetRequiredService<IHarnessControl>();
        var store = hive.Services.GetRequiredService<IStore>();
        await store.Write(write => control.Excuse(write, "bob", turn));
        await alice.CallAsync("end_turn", new { turn, result = "failed" });
        for (var i = 0; i < 3; i++)
        {
            hive.Clock.Advance(TimeSpan.FromMinutes(1));
            await hive.Settled();
            Assert.Equal((id, 1), Attempts(Assert.Single(await alice.Receive())));
            turn = (await alice.CallAsync("begin_turn", new { ids = new[] { id }, wake_from = "operator" }))
                .GetProperty("turn")
                .GetInt64();
            await store.Write(write => control.Excuse(write, "alice", turn));
            var ended = await alice.CallAsync("end_turn", new { turn, result });
            Assert.Equal((0, 1, 0), (ended.Int("acked"), ended.Int("requeued"), ended.Int("parked")));
        }

        static (long, int?) Attempts(Message message) => (message.Id, message.Attempts);
    }

    private static async Task<HiveFixture> Start(Told told)
    {
        var hive = await HiveFixture.StartWith(services => services.AddSingleton<ITurnHolds>(told));
        await hive.Spawn("alice");
        return hive;
    }

    // A turn with more messages than one write changes.
    private static async Task<(long Turn, long[] Ids)> Many(HiveFixture hive, LineClient alice)
    {
        var (turn, first) = await hive.Turn(alice, "alice");
        var outbox = hive.Services.GetRequiredService<IOutbox>();
        await hive
            .Services.GetRequiredService<IStore>()
            .Write(write =>
            {
                for (var i = 0; i < Chunks.UsualSize + 20; i++)
                    outbox.Append(write, "system", "alice", $"{i}");
            });
        await alice.CallAsync("hello", new { turn });
        List<long> ids = [first];
        while (await alice.Receive() is { Length: > 0 } batch)
            ids.AddRange(batch.Select(message => message.Id));
        return (turn, [.. ids]);
    }

    // A turn with two messages, the second received inside it.
    private static async Task<(long Turn, long First)> Two(HiveFixture hive, LineClient alice)
    {
        var (turn, first) = await hive.Turn(alice, "alice");
        await alice.CallAsync("hello", new { turn });
        var second = await (await hive.Operator()).Send("alice");
        Assert.Equal((first + 1, second), (second, Assert.Single(await alice.Receive()).Id));
        return (turn, first);
    }

    /// <summary>Writes down what it is told, as a slice with memory of its own does.</summary>
    private sealed class Told : ITurnHolds
    {
        public List<string> Lines { get; } = [];

        public IReadOnlyCollection<long> Dropped { get; set; } = [];

        public bool Fails { get; set; }

        public void Holds(IWrite write, string agent, long turn, IReadOnlyList<long> ids) =>
            Add(write, $"{agent} {turn} holds {string.Join(", ", ids)}");

        public IReadOnlyCollection<long> Ending(
            IWrite write,
            long turn,
            string result,
            bool lost,
            bool isExcused,
            IReadOnlyList<long> ids
        )
        {
            Add(write, $"{turn} ends {result}{(lost ? ", lost" : "")}: {string.Join(", ", ids)}");
            return Dropped;
        }

        private void Add(IWrite write, string line)
        {
            Lines.Add(line);
            write.OnRollback(() => Lines.Remove(line));
            if (Fails)
                throw new InvalidDataException("the slice fails");
        }
    }
}
