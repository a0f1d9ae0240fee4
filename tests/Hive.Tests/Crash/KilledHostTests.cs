using System.Collections.Concurrent;
using System.Net.Sockets;
using Hive.Protocol;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Crash;

/// <summary>Kills the host with SIGKILL at the worst moment.</summary>
public sealed class KilledHostTests
{
    private const int Clients = 16;
    private static readonly int Rounds = Ring.Count(2, inLong: 4);

    // Together no more than may wait from one sender.
    private static readonly int SendsPerRound = Ring.Count(1000, inLong: 2500);

    [Fact]
    [Sampled]
    public async Task A_kill_among_thousands_of_sends_neither_loses_nor_doubles_a_message()
    {
        await using var host = await ChildHost.Start();
        using (var line = await host.Operator())
        {
            foreach (var name in new[] { "writer", "reader" })
                await line.CallAsync("spawn", new { name, runtime = "external" });
        }

        var acknowledged = new ConcurrentDictionary<string, long>();
        var keyed = new ConcurrentBag<string>();
        for (var round = 0; round < Rounds; round++)
        {
            var alive = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var restarted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var left = SendsPerRound * (round + 1) / (Rounds + 2);
            var clients = Enumerable
                .Range(0, Clients)
                .Select(client =>
                    Task.Run(async () =>
                    {
                        var line = await host.Connect("writer");
                        try
                        {
                            for (var i = 0; i < SendsPerRound / Clients; i++)
                            {
                                var body = $"{round}-{client}-{i}";
                                // Half of the senders use a key and retry until they get an answer; the others give up
                                // a send without one.
                                var key = client % 2 == 0 ? body : null;
                                if (key is not null)
                                    keyed.Add(body);
                                while (!acknowledged.ContainsKey(body))
                                {
                                    try
                                    {
                                        acknowledged[body] = (
                                            await line.CallAsync(
                                                "send",
                                                new
                                                {
                                                    to = "reader",
                                                    body,
                                                    key,
                                                }
                                            )
                                        ).GetProperty("id").GetInt64();
                                        if (Interlocked.Decrement(ref left) == 0)
                                            alive.SetResult();
                                    }
                                    catch (Exception e) when (e is IOException or SocketException)
                                    {
                                        line.Dispose();
                                        await restarted.Task;
                                        line = await host.Connect("writer");
                                        if (key is null)
                                            break;
                                    }
                                }
                            }
                        }
                        finally
                        {
                            line.Dispose();
                        }
                    })
                )
                .ToArray();

            await alive.Task;
            await host.Kill();
            await host.Run();
            restarted.SetResult();
            await Task.WhenAll(clients);
        }

        using var reader = await host.Connect("reader");
        List<Message> stored = [];
        while (await reader.Receive() is { Length: > 0 } batch)
        {
            stored.AddRange(batch);
            await reader.CallAsync("ack", new { ids = batch.Select(m => m.Id) });
        }

        Assert.Equal(stored.Count, stored.Select(m => m.Id).Distinct().Count());
        Assert.Equal(stored.Count, stored.Select(m => m.Body).Distinct().Count());
        Assert.Equal(stored.Select(m => m.Id).Order(), stored.Select(m => m.Id));
        var byBody = stored.ToDictionary(m => m.Body, m => m.Id);
        Assert.All(acknowledged, a => Assert.Equal(a.Value, byBody[a.Key]));
        Assert.All(keyed, body => Assert.True(byBody.ContainsKey(body), body));
        Assert.True(
            acknowledged.Count > Rounds * (SendsPerRound - (2 * Clients)),
            $"{acknowledged.Count} were acknowledged"
        );
    }

    public static IEnumerable<TheoryDataRow<string>> Runtimes =>
        Ring.Sample<TheoryDataRow<string>>([new("process"), new("sandbox"), new("nspawn")], 1);

    [Theory]
    [Sampled]
    [MemberData(nameof(Runtimes))]
    public async Task Agents_survive_a_killed_host_and_are_taken_over_by_the_next(string runtime)
    {
        await using (await Fleet.Start(runtime))
        {
            // Skips if that runtime does not work here, or fails where everything is required.
        }

        await using var host = await ChildHost.Start(runtime);
        using (var line = await host.Operator())
            await line.CallAsync("spawn", new { name = "worker", runtime });
        var pid = Fleet.PidIn(host.DataDir, "worker");

        await host.Kill();
        Assert.True(Fleet.IsAlive(pid));
        await host.Run();

        Assert.Equal(pid, Fleet.PidIn(host.DataDir, "worker"));
        using var after = await host.Operator();
        var row = (await after.CallAsync("agent_status"))
            .GetProperty("agent_statuses")
            .EnumerateArray()
            .Single(r => r.GetProperty("name").GetString() == "worker");
        Assert.True(row.GetProperty("running").GetBoolean());
        await after.CallAsync("stop", new { name = "worker" });
        Assert.False(Fleet.IsAlive(pid));
    }
}
