using System.Net.Sockets;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Turns;

namespace Hive.Tests.Crash;

/// <summary>Kills the host with SIGKILL while turns begin and end.</summary>
public sealed class KilledHostTurnsTests
{
    private static readonly int Messages = Ring.Count(100, inLong: 300);
    private static readonly int Kills = Ring.Count(2, inLong: 6);

    [Fact]
    [Sampled]
    public async Task Every_message_is_handled_and_every_turn_is_counted_once_with_its_figures()
    {
        await using var host = await ChildHost.Start();
        using (var line = await host.Operator())
        {
            await line.CallAsync("spawn", new { name = "worker", runtime = "external" });
            for (var i = 0; i < Messages; i++)
                await line.CallAsync("send", new { to = "worker", body = $"{i}" });
        }

        using var harness = new Harness(host);
        var working = Task.Run(harness.Run);
        for (var kill = 0; kill < Kills; kill++)
        {
            await harness.Ended((kill + 1) * Messages / (Kills + 1));
            await host.Kill();
            await host.Run();
            harness.HostIsBack();
        }

        await working;
        Assert.Equal(Messages, harness.Handled.Keys.Count);
        Assert.Empty(harness.AgainAfterGoodTurn);
        using var after = await host.Operator();
        Dictionary<long, JsonElement> rows = [];
        while ((
                await after.CallAsync(
                    "turns",
                    new
                    {
                        name = "worker",
                        limit = 200,
                        before = rows.Keys.DefaultIfEmpty(long.MaxValue).Min(),
                    }
                )
            ).GetProperty("turns").EnumerateArray().ToArray() is { Length: > 0 } page)
        {
            foreach (var row in page)
                rows.Add(row.Number("id")!.Value, row);
        }

        foreach (var (turn, figure) in harness.Told)
            Assert.Equal(("ok", figure), (rows[turn].Word("result"), rows[turn].Number("input_tokens")));
        // A turn whose beginning the harness did not learn of is lost.
        Assert.All(
            rows.Where(r => !harness.Told.ContainsKey(r.Key)),
            r => Assert.Equal(("lost", null), (r.Value.Word("result"), r.Value.Number("input_tokens")))
        );
        var sums = Assert.Single(
            (await after.CallAsync("stats", new { window = "1h" })).GetProperty("agents").EnumerateArray()
        );
        Assert.Equal((rows.Count, harness.Told.Values.Sum()), (sums.Number("turns"), sums.Number("input_tokens")));
    }

    // Runs turns as docs/turns.md says: an end without an answer is reported again before anything else.
    private sealed class Harness(ChildHost host) : IDisposable
    {
        private readonly SemaphoreSlim back = new(0);
        private readonly SemaphoreSlim ended = new(0);
        private readonly HashSet<string> good = [];
        private (long Turn, string Body)? untold;
        private LineClient? line;

        public Dictionary<string, int> Handled { get; } = [];

        public Dictionary<long, long> Told { get; } = [];

        public List<string> AgainAfterGoodTurn { get; } = [];

        public void Dispose()
        {
            back.Dispose();
            ended.Dispose();
            line?.Dispose();
        }

        public void HostIsBack() => back.Release();

        public async Task Ended(int turns)
        {
            while (Told.Count < turns)
                await ended.WaitAsync();
        }

        public async Task Run()
        {
            line = await host.Connect("worker");
            while (good.Count < Messages)
            {
                try
                {
                    await Step(line);
                }
                catch (Exception e) when (e is IOException or SocketException)
                {
                    line.Dispose();
                    await back.WaitAsync();
                    line = await host.Connect("worker");
                    if (untold is not null)
                        continue;
                    await line.CallAsync("requeue_inflight");
                }
            }
        }

        private async Task Step(LineClient now)
        {
            if (untold is { } before)
            {
                await End(now, before.Turn, before.Body);
                await now.CallAsync("requeue_inflight");
            }

            foreach (var message in await now.Receive(max: 1))
            {
                if (good.Contains(message.Body))
                    AgainAfterGoodTurn.Add(message.Body);
                Handled[message.Body] = Handled.GetValueOrDefault(message.Body) + 1;
                var turn = (
                    await now.CallAsync("begin_turn", new { ids = new[] { message.Id }, wake_from = message.From })
                )
                    .GetProperty("turn")
                    .GetInt64();
                untold = (turn, message.Body);
                await End(now, turn, message.Body);
            }
        }

        private async Task End(LineClient now, long turn, string body)
        {
            await now.CallAsync(
                "end_turn",
                new
                {
                    turn,
                    result = "ok",
                    input_tokens = 1_000 + turn,
                    duration_ms = 1,
                }
            );
            untold = null;
            good.Add(body);
            Told.Add(turn, 1_000 + turn);
            ended.Release();
        }
    }
}
