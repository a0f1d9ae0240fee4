using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Crash;

/// <summary>Kills the host while reminders become due.</summary>
public sealed class KilledHostReminderTests
{
    private const int Agents = 20,
        PerWave = 10;

    private static readonly int Kills = Ring.Count(2, inLong: 8);

    // On a slow machine a wave may be delivered whole before the kill.
    private static readonly int MostWaves = 4 * Kills;

    [Fact]
    [Sampled]
    public async Task Reminders_arrive_exactly_once_across_kills_of_the_host()
    {
        await using var host = await ChildHost.Start();
        string[] names = [.. Enumerable.Range(0, Agents).Select(i => $"a{i}")];
        using (var line = await host.Operator())
        {
            foreach (var name in names)
                await line.CallAsync("spawn", new { name, runtime = "external" });
        }

        var arrived = new Dictionary<long, Message>();
        var waves = 0;
        for (var kills = 0; kills < Kills; waves++)
        {
            Assert.True(waves < MostWaves, $"of {waves} waves only {kills} could be cut in two");
            await Set(host, names, waves);
            var some = (Agents * PerWave * waves) + (Agents * PerWave * (kills + 1) / (Kills + 2));
            while (arrived.Count < some)
                await Receive(host, names, arrived, max: 5);
            // Some received ones are not acknowledged.
            await host.Kill();
            if (Due(host) > 0)
                kills++;
            await host.Run();
        }

        await Patience.Until(async () => await Pending(host) == 0, "all reminders are delivered");
        await Receive(host, names, arrived, max: 32, untilEmpty: true);

        Assert.Equal(Agents * PerWave * waves, arrived.Count);
        Assert.All(arrived.Values, m => Assert.Equal("reminder", m.From));
        var whole = arrived
            .Values.Select(m =>
                m.Body.StartsWith("Your reminder is in ", StringComparison.Ordinal)
                    ? (
                        m.To,
                        File.ReadAllText(
                            m.Body["Your reminder is in ".Length..m.Body.IndexOf(" (", StringComparison.Ordinal)]
                        )
                    )
                    : (m.To, m.Body)
            )
            .Select(m => (m.To, Name: m.Item2.Split(' ')[0]))
            .ToArray();
        Assert.Equal(
            names.SelectMany(n => Enumerable.Range(0, PerWave * waves).Select(i => (n, $"{n}-{i}"))).Order(),
            whole.Order()
        );
    }

    // One every ten milliseconds, beginning shortly; every tenth of an agent goes through a file.
    private static async Task Set(ChildHost host, string[] names, int wave)
    {
        var begin = DateTimeOffset.UtcNow.AddMilliseconds(300);
        await Task.WhenAll(
            names.Select(
                async (name, agent) =>
                {
                    using var line = await host.Connect(name);
                    for (var i = 0; i < PerWave; i++)
                    {
                        var text = $"{name}-{(wave * PerWave) + i} {(i == 0 ? new string('x', 5000) : "")}";
                        await line.CallAsync(
                            "remind",
                            new { message = text, at = begin.AddMilliseconds(10 * ((i * Agents) + agent)) }
                        );
                    }
                }
            )
        );
    }

    // In the database of a killed host, which stays as it is.
    private static long Due(ChildHost host)
    {
        using var db = new SqliteConnection(
            $"Data Source={Path.Combine(host.DataDir, "hive.sqlite")};Mode=ReadOnly;Pooling=False"
        );
        db.Open();
        using var command = db.CreateCommand();
        command.CommandText = "SELECT count(*) FROM reminders WHERE sent_at IS NULL";
        return (long)command.ExecuteScalar()!;
    }

    private static async Task<long> Pending(ChildHost host)
    {
        using var line = await host.Operator();
        return (await line.CallAsync("reminders")).GetProperty("reminders").GetArrayLength();
    }

    // By id: a message received and not acknowledged at the kill is redelivered with its own id.
    private static Task Receive(
        ChildHost host,
        string[] names,
        Dictionary<long, Message> arrived,
        int max,
        bool untilEmpty = false
    ) =>
        Task.WhenAll(
            names.Select(async name =>
            {
                using var line = await host.Connect(name);
                // Leased by an earlier run of the host.
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
                            // A repeated id must be the same message, or the reminder was delivered twice.
                            Assert.True(
                                arrived.TryAdd(message.Id, message) || message.Redelivered == true,
                                message.Body
                            );
                        }
                    }

                    // Half of them are acknowledged only when redelivered.
                    if (batch[0].Id % 2 == 0 || batch[0].Redelivered == true)
                        await line.CallAsync("ack", new { ids = batch.Select(m => m.Id) });
                } while (untilEmpty);
            })
        );
}
