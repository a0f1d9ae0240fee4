using System.Diagnostics;

namespace Hive.Benchmarks;

/// <summary>Measures a thousand readers of the dashboard's stream while messages are sent; each must see every event
/// once, in order.</summary>
internal static class StreamFigure
{
    private const int Subscribers = 1000,
        Messages = 20_000,
        Senders = 8;

    /// <summary>
    /// How far the slowest reader may be behind before the senders wait. Readers share the machine with the host, so
    /// without this limit the figure would measure how soon a reader falls out of the host's ring (16,384 events), not
    /// the deliveries.
    /// </summary>
    private const int Window = 4096;

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title($"{Report.Number(Subscribers)} stream subscribers, {Report.Number(Messages)} messages");
        await using var host = await HiveHost.StartAsync(plan, Senders, ct);
        using var http = host.Http();
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var subscribers = Enumerable.Range(0, Subscribers).Select(_ => new StreamSubscriber()).ToArray();
        var reading = subscribers.Select(subscriber => subscriber.ReadAsync(http, closing.Token)).ToArray();
        Task[] sending = [];
        try
        {
            await Task.WhenAll(subscribers.Select(subscriber => subscriber.Ready))
                .WaitAsync(TimeSpan.FromMinutes(2), ct);
            int sent = 0;
            long slowest = 0;
            var watch = Stopwatch.StartNew();
            sending = [.. Enumerable.Range(0, Senders).Select(SendAsync)];
            while (slowest < Messages)
            {
                Volatile.Write(ref slowest, subscribers.Min(subscriber => subscriber.Messages));
                foreach (var task in reading.Concat(sending).Where(task => task.IsFaulted))
                    await task;
                if (watch.Elapsed > TimeSpan.FromMinutes(10))
                    throw new BenchmarkException(
                        $"after ten minutes the slowest subscriber had seen {slowest} of {Messages} messages"
                    );
                await Task.Delay(10, ct);
            }

            watch.Stop();
            await Task.WhenAll(sending);
            var deliveries = subscribers.Sum(subscriber => subscriber.Received);
            var perSecond = deliveries / watch.Elapsed.TotalSeconds;
            plan.Report.Line(
                $"Everyone saw every event once and in order: {Report.Number(deliveries)} deliveries in "
                    + $"{Report.Fraction(watch.Elapsed.TotalSeconds)} s, "
                    + $"**{Report.Number(perSecond)} per second** "
                    + $"({Report.Number(Messages / watch.Elapsed.TotalSeconds)} messages/s to "
                    + $"{Subscribers})."
            );
            plan.Report.Keep(
                "stream",
                new
                {
                    subscribers = Subscribers,
                    messages = Messages,
                    deliveries,
                    seconds = watch.Elapsed.TotalSeconds,
                    deliveries_per_second = perSecond,
                }
            );
            await Figures.KeepMemory(plan, host, "the stream", ct);

            async Task SendAsync(int index)
            {
                using var client = await host.Agent(index, closing.Token);
                var to = host.Agents[(index + 1) % Senders];
                var body = new string('m', Generator.BodyBytes);
                while (Interlocked.Increment(ref sent) is var number and <= Messages)
                {
                    while (number - Volatile.Read(ref slowest) > Window)
                        await Task.Delay(1, closing.Token);
                    await client.CallAsync("send", new { to, body }, closing.Token);
                }
            }
        }
        finally
        {
            await closing.CancelAsync();
            await Task.WhenAll([.. reading, .. sending]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
