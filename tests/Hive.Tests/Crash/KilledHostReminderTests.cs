using Hive.Protocol;
using Hive.Tests.Messages;

namespace Hive.Tests.Crash;

/// <summary>A host that is killed while reminders come due.</summary>
public sealed class KilledHostReminderTests
{
    private const int Agents = 20, PerAgent = 50, Rounds = 4;

    [Fact]
    public async Task A_thousand_reminders_arrive_exactly_once_through_a_host_that_is_killed_across_their_due_times()
    {
        await using var host = await ChildHost.Start();
        string[] names = [.. Enumerable.Range(0, Agents).Select(i => $"a{i}")];
        using (var line = await host.Operator())
        {
            foreach (var name in names)
                await line.CallAsync("spawn", new { name, runtime = "external" });
        }

        // Due over two seconds, beginning when all of them are set; every tenth goes through a file.
        var begin = DateTimeOffset.UtcNow.AddSeconds(3);
        await Task.WhenAll(names.Select(async (name, agent) =>
        {
            using var line = await host.Connect(name);
            for (var i = 0; i < PerAgent; i++)
            {
                var text = $"{name}-{i} {(i % 10 == 0 ? new string('x', 5000) : "")}";
                await line.CallAsync("remind", new { message = text, at = begin.AddMilliseconds(2000 * ((i * Agents) + agent) / (Agents * PerAgent)) });
            }
        }));

        var arrived = new Dictionary<long, Message>();
        for (var round = 0; round < Rounds; round++)
        {
            // Killed at some moment among the deliveries: while others are being written, and with what was received unacked.
            while (arrived.Count < Agents * PerAgent * (round + 1) / (Rounds + 2))
                await Receive(host, names, arrived, max: 5);
            await host.Kill();
            await host.Run();
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await Pending(host) > 0)
            patience.Token.ThrowIfCancellationRequested();
        await Receive(host, names, arrived, max: 32, untilEmpty: true);

        Assert.Equal(Agents * PerAgent, arrived.Count);
        Assert.All(arrived.Values, m => Assert.Equal("reminder", m.From));
        var whole = arrived.Values.Select(m => m.Body.StartsWith("Your reminder is in ", StringComparison.Ordinal)
            ? (m.To, File.ReadAllText(m.Body["Your reminder is in ".Length..m.Body.IndexOf(" (", StringComparison.Ordinal)]))
            : (m.To, m.Body)).Select(m => (m.To, Name: m.Item2.Split(' ')[0])).ToArray();
        Assert.Equal(names.SelectMany(n => Enumerable.Range(0, PerAgent).Select(i => (n, $"{n}-{i}"))).Order(), whole.Order());
    }

    private static async Task<long> Pending(ChildHost host)
    {
        using var line = await host.Operator();
        return (await line.CallAsync("reminders")).GetProperty("reminders").GetArrayLength();
    }

    // By their ids: what had been received and not acked when the host was killed comes again under its own.
    private static Task Receive(ChildHost host, string[] names, Dictionary<long, Message> arrived, int max, bool untilEmpty = false) => Task.WhenAll(names.Select(async name =>
    {
        using var line = await host.Connect(name);
        // What another life of the host had leased.
        await line.CallAsync("requeue_inflight");
        do
        {
            var batch = await line.Receive(max);
            if (batch.Length == 0)
                return;
            lock (arrived)
            {
                foreach (var message in batch)
                {
                    // The same message, or the reminder came twice.
                    Assert.True(arrived.TryAdd(message.Id, message) || message.Redelivered == true, message.Body);
                }
            }

            // Half of them only when they come again.
            if (batch[0].Id % 2 == 0 || batch[0].Redelivered == true)
                await line.CallAsync("ack", new { ids = batch.Select(m => m.Id) });
        }
        while (untilEmpty);
    }));
}
