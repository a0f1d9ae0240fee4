using System.Diagnostics;
using Microsoft.Playwright;

namespace Hive.Benchmarks;

/// <summary>Measures the page's memory after ten thousand and after a million events, each of which it has applied and
/// none of which it has skipped.</summary>
internal static class PageHeapFigure
{
    private const int Few = 10_000,
        Many = 1_000_000,
        Agents = 200,
        Senders = 8;

    /// <summary>How far the page may be behind before the senders wait: less than the events that the host and the
    /// page's worker hold, so that the page never has to fetch a snapshot instead.</summary>
    private const int Window = 4096;

    /// <summary>The newest message that the list shows.</summary>
    private const string Newest = """
        () => Math.max(0, ...[...document.querySelectorAll('[data-message]')].map((row) => Number(row.dataset.message)))
        """;

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title($"The page's memory at /messages after {Report.Number(Many)} events, {Agents} agents");
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        await using var context = await Chromium.WindowAsync(browser);
        var page = await context.NewPageAsync();
        var snapshots = 0;
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url).AbsolutePath == "/api/state")
                Interlocked.Increment(ref snapshots);
        };
        await page.GotoAsync(await Chromium.LoginLink(host, ct));
        await page.WaitForSelectorAsync(".nav a[href='/messages']");
        await page.Locator(".nav a[href='/messages']").ClickAsync();
        // The first message gives the list its first row.
        await Send(host, page, 0, 1, ct);
        await Send(host, page, 1, Few, ct);
        var first = await At(plan, page, Few, ct);
        var watch = Stopwatch.StartNew();
        var last = first;
        for (var sent = Few; sent < Many; )
        {
            var next = sent < Many / 2 ? Many / 2 : Many;
            await Send(host, page, sent, next, ct);
            sent = next;
            last = await At(plan, page, sent, ct);
        }

        var seconds = watch.Elapsed.TotalSeconds;
        if (snapshots != 1)
            throw new BenchmarkException($"the page fetched {snapshots} snapshots, so it skipped events");
        var growth = (last.Heap - first.Heap) / 1e6;
        plan.Report.Line(
            $"\nFrom {Report.Number(Few)} to {Report.Number(Many)} events in {Report.Fraction(seconds)} s, "
                + $"{Report.Number((Many - Few) / seconds)} per second: {Report.Fraction(growth)} MB and "
                + $"{Report.Number(last.Nodes - first.Nodes)} nodes more."
        );
        plan.Report.Keep(
            "page_heap",
            new
            {
                few = Few,
                many = Many,
                seconds,
                heap_mb_more = growth,
                nodes_more = last.Nodes - first.Nodes,
            }
        );
    }

    private static async Task<(double Heap, double Nodes)> At(Plan plan, IPage page, int events, CancellationToken ct)
    {
        // What the last events started, such as drawing the rows, has ended.
        await Task.Delay(TimeSpan.FromSeconds(3), ct);
        var at = await Chromium.HeapAsync(page);
        plan.Report.Line(
            $"After {Report.Number(events)} events: {Report.Fraction(at.Heap / 1e6)} MB, "
                + $"{Report.Number(at.Nodes)} nodes."
        );
        return at;
    }

    // Ids of messages are consecutive, so the id of the newest row is the number of messages that the page has applied.
    private static async Task Send(HiveHost host, IPage page, int from, int to, CancellationToken ct)
    {
        var sent = from;
        long applied = from;
        var senders = Enumerable.Range(0, Senders).Select(SendAsync).ToArray();
        var watch = Stopwatch.StartNew();
        while (applied < to)
        {
            Volatile.Write(ref applied, await page.EvaluateAsync<long>(Newest));
            foreach (var sender in senders.Where(sender => sender.IsFaulted))
                await sender;
            if (watch.Elapsed > TimeSpan.FromMinutes(15))
                throw new BenchmarkException($"after 15 minutes the page had applied {applied} of {to} events");
            await Task.Delay(20, ct);
        }

        await Task.WhenAll(senders);

        async Task SendAsync(int index)
        {
            using var client = await host.Agent(index, ct);
            var body = new string('m', Generator.BodyBytes);
            while (Interlocked.Increment(ref sent) is var number && number <= to)
            {
                while (number - Volatile.Read(ref applied) > Window)
                    await Task.Delay(1, ct);
                await client.CallAsync("send", new { to = host.Agents[number % Agents], body }, ct);
            }
        }
    }
}
