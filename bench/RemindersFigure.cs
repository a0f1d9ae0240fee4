using System.Diagnostics;

namespace Hive.Benchmarks;

/// <summary>Measures a hundred thousand pending reminders of which ten thousand are due in one second, and the lateness
/// of a single one on an idle host.</summary>
internal static class RemindersFigure
{
    private const int Agents = 2000,
        PerAgent = 50,
        DuePerAgent = 5,
        Singles = 200;
    private const int Connections = 16;

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title(
            $"{Report.Number(Agents * PerAgent)} pending reminders of {Report.Number(Agents)} agents, "
                + $"{Report.Number(Agents * DuePerAgent)} due in one second"
        );
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        await Lateness(plan, host, 0, ct);

        // The distant ones first, so that the time until the burst is known.
        var far = DateTimeOffset.UtcNow.AddDays(30);
        var filling = Stopwatch.StartNew();
        await Set(host, PerAgent - DuePerAgent, (agent, i) => far.AddSeconds((agent * PerAgent) + i), ct);
        var burst = DateTimeOffset.UtcNow.AddSeconds(20);
        await Set(
            host,
            DuePerAgent,
            (agent, i) => burst.AddMilliseconds(1000.0 * ((i * Agents) + agent) / (Agents * DuePerAgent)),
            ct
        );
        plan.Report.Progress($"reminders: set {Agents * PerAgent} in {filling.Elapsed.TotalSeconds:0.0} s");
        if (DateTimeOffset.UtcNow > burst)
            throw new BenchmarkException("setting the reminders took longer than planned; the burst has already begun");

        await Last(host, burst, ct);
        var all = DateTimeOffset.UtcNow - burst;
        plan.Report.Line(
            $"All {Report.Number(Agents * DuePerAgent)} were delivered "
                + $"**{Report.Fraction(all.TotalSeconds)} s** after the first was due, that is "
                + $"{Report.Fraction(all.TotalSeconds - 1)} s after the last."
        );
        plan.Report.Keep(
            "reminders",
            new
            {
                pending = Agents * PerAgent,
                due = Agents * DuePerAgent,
                seconds_after_first_due = all.TotalSeconds,
            }
        );
        await Lateness(plan, host, Agents * (PerAgent - DuePerAgent), ct);
        await Figures.KeepMemory(plan, host, "the reminders", ct);
    }

    // One at a time, each received by its agent that waits for it: from the time it was due to the receiver's complete
    // answer.
    private static async Task Lateness(Plan plan, HiveHost host, int pending, CancellationToken ct)
    {
        using var line = await host.Agent(0, ct);
        // An older unread message would be mistaken for the expected one.
        while (
            (await line.CallAsync("recv", new { wait_seconds = 0, max = 32 }, ct))
                .GetProperty("messages")
                .GetArrayLength() > 0
        )
            await line.CallAsync("ack", new { all = true }, ct);
        List<double> late = [];
        for (var n = -20; n < Singles; n++)
        {
            var due = DateTimeOffset.FromUnixTimeMilliseconds(
                DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 50 + (n & 31)
            );
            await line.CallAsync("remind", new { message = "now", at = due }, ct);
            var messages = (await line.CallAsync("recv", new { wait_seconds = 30 }, ct)).GetProperty("messages");
            var took = (DateTimeOffset.UtcNow - due).TotalMilliseconds;
            if (messages.GetArrayLength() != 1 || messages[0].GetProperty("body").GetString() != "now")
                throw new BenchmarkException($"not the reminder came in time, but {messages}");
            await line.CallAsync("ack", new { all = true }, ct);
            if (n >= 0)
                late.Add(took);
        }

        double p50 = Report.Percentile(late, 0.50),
            p99 = Report.Percentile(late, 0.99),
            max = late.Max();
        plan.Report.Line(
            $"Lateness of single ones with {Report.Number(pending)} others pending, {Singles} of them: p50 "
                + $"{Report.Fraction(p50)} ms, p99 **{Report.Fraction(p99)} ms**, max {Report.Fraction(max)} ms."
        );
        plan.Report.Keep(
            "reminder_lateness",
            new
            {
                pending,
                count = Singles,
                p50_ms = p50,
                p99_ms = p99,
                max_ms = max,
            }
        );
    }

    private static Task Set(HiveHost host, int each, Func<int, int, DateTimeOffset> at, CancellationToken ct)
    {
        var next = -1;
        return Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(_ =>
                    Task.Run(
                        async () =>
                        {
                            for (
                                var agent = Interlocked.Increment(ref next);
                                agent < Agents;
                                agent = Interlocked.Increment(ref next)
                            )
                            {
                                using var line = await host.Agent(agent, ct);
                                for (var i = 0; i < each; i++)
                                    await line.CallAsync(
                                        "remind",
                                        new { message = $"reminder {i} of agent {agent}", at = at(agent, i) },
                                        ct
                                    );
                            }
                        },
                        ct
                    )
                )
        );
    }

    // Follows the stream until every due reminder is in an inbox: its message is stored in the commit that removes it,
    // and the stream reports the removal.
    private static async Task Last(HiveHost host, DateTimeOffset burst, CancellationToken ct)
    {
        using var http = host.Http();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(burst - DateTimeOffset.UtcNow + TimeSpan.FromMinutes(2));
        using var response = await http.GetAsync(
            new Uri("/dashboard/stream", UriKind.Relative),
            HttpCompletionOption.ResponseHeadersRead,
            patience.Token
        );
        await using var stream = await response.Content.ReadAsStreamAsync(patience.Token);
        using var lines = new StreamReader(stream);
        var left = Agents * DuePerAgent;
        while (left > 0)
        {
            var text =
                await lines.ReadLineAsync(patience.Token)
                ?? throw new BenchmarkException("the stream ended before the reminders had come");
            if (text.StartsWith("event: resync", StringComparison.Ordinal))
                throw new BenchmarkException("the reader of the stream fell behind");
            if (text.StartsWith("data: {\"kind\":\"reminder_removed\"", StringComparison.Ordinal))
                left--;
        }
    }
}
