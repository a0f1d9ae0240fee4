using System.Diagnostics;
using Microsoft.Playwright;

namespace Hive.Benchmarks;

/// <summary>Measures the list of what waits: the writer's time for a change with an empty list and with a long one, the
/// host at rest beside it, and scrolling in the page's lists.</summary>
internal static class WaitingFigure
{
    private const int Changes = 2000,
        WarmUp = 500,
        QuestionsPerAgent = 10;

    private const string Writer = "hive writer";

    public static async Task KeptTrue(Plan plan, CancellationToken ct)
    {
        const int rows = 1000;
        plan.Report.Title($"The list of what waits, kept true: empty, and with {Report.Number(rows)} rows");
        await using var host = await HiveHost.StartAsync(plan, rows / QuestionsPerAgent, ct);
        using var http = host.Http();
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(ct);
        // As a page would: without a reader, the host encodes no events.
        var reader = new StreamSubscriber();
        var reading = reader.ReadAsync(http, closing.Token);
        try
        {
            await reader.Ready.WaitAsync(TimeSpan.FromSeconds(30), ct);
            await Change(host, WarmUp, ct);
            await Measure(plan, host, 0, ct);
            await Fill(host, ct);
            await Measure(plan, host, rows, ct);
            await Measure(plan, host, rows, ct);
            await Rest(plan, host, rows, ct);
            if (reading.IsCompleted)
                await reading;
        }
        finally
        {
            await closing.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public static async Task Scrolled(Plan plan, CancellationToken ct)
    {
        const int agents = 500;
        plan.Report.Title(
            $"Scrolling with {agents} agents and {Report.Number(agents * QuestionsPerAgent)} rows that wait"
        );
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        await using var host = await HiveHost.StartAsync(plan, agents, ct);
        await Fill(host, ct);
        await using var context = await Chromium.WindowAsync(browser);
        var page = await context.NewPageAsync();
        await page.GotoAsync(await Chromium.LoginLink(host, ct));
        await page.WaitForSelectorAsync(".nav a[href='/waiting']");
        foreach (var place in new[] { "/waiting", "/agents" })
        {
            await page.Locator($".nav a[href='{place}']").ClickAsync();
            var list = page.Locator("main .list").First;
            await list.Locator("[data-key]").First.WaitForAsync();
            // The work that the start began has ended.
            await Task.Delay(TimeSpan.FromSeconds(2), ct);
            var box = (await list.BoundingBoxAsync())!;
            await page.Mouse.MoveAsync(box.X + box.Width / 2, box.Y + box.Height / 2);
            List<double[]> rounds = [];
            for (var round = 0; round < plan.Rounds; round++)
            {
                var before = await list.EvaluateAsync<double>("(list) => list.scrollTop");
                var frames = page.EvaluateAsync<double[]>(Chromium.Frames, plan.Measured.TotalSeconds);
                while (!frames.IsCompleted)
                    await page.Mouse.WheelAsync(0, round % 2 == 0 ? 120 : -120);
                rounds.Add(await frames);
                var moved = Math.Abs(await list.EvaluateAsync<double>("(list) => list.scrollTop") - before);
                if (moved < 1000)
                    throw new BenchmarkException($"the list at {place} was scrolled by {moved} pixels only");
            }

            plan.Report.Line(
                $"| {place} | frames per second: median {Report.Fraction(Report.Median(rounds.Select(r => r[0])))}, "
                    + $"worst {Report.Fraction(rounds.Min(r => r[0]))} | p99: median "
                    + $"{Report.Fraction(Report.Median(rounds.Select(r => r[1])))} ms, worst "
                    + $"{Report.Fraction(rounds.Max(r => r[1]))} ms |"
            );
            plan.Report.Keep("scroll", new { place, rounds });
        }
    }

    private static async Task Fill(HiveHost host, CancellationToken ct)
    {
        var number = 0;
        for (var agent = 0; agent < host.Agents.Count; agent++)
        {
            using var client = await host.Agent(agent, ct);
            for (var n = 0; n < QuestionsPerAgent; n++)
                await client.CallAsync("ask", Question(++number), ct);
        }
    }

    private static object Question(int number) =>
        new { question = $"Shall number {number} be done now, or later?", options = new[] { "now", "later" } };

    /// <summary>Half of the changes add a row, the other half remove one.</summary>
    private static async Task Change(HiveHost host, int changes, CancellationToken ct)
    {
        using var asking = await host.Agent(0, ct);
        using var answering = await host.Operator(ct);
        for (var n = 0; n < changes / 2; n++)
        {
            var id = (await asking.CallAsync("ask", Question(n), ct)).GetProperty("id").GetInt64();
            await answering.CallAsync("answer", new { id, answer = "now" }, ct);
        }
    }

    private static async Task Measure(Plan plan, HiveHost host, int rows, CancellationToken ct)
    {
        // The index of the messages before has caught up.
        await host.Rest(ct);
        var before = (Writer: host.Process.ThreadNanoseconds(Writer), Host: host.Process.Read().CpuSeconds);
        var watch = Stopwatch.StartNew();
        await Change(host, Changes, ct);
        var took = watch.Elapsed.TotalMilliseconds / Changes;
        var writer = (host.Process.ThreadNanoseconds(Writer) - before.Writer) / 1e6 / Changes;
        var whole = (host.Process.Read().CpuSeconds - before.Host) * 1000 / Changes;
        plan.Report.Line(
            $"{Report.Number(rows)} rows, {Report.Number(Changes)} changes one after another: "
                + $"{Report.Fraction(writer)} ms of the writer each, {Report.Fraction(whole)} ms of the whole host, "
                + $"answered after {Report.Fraction(took)} ms."
        );
        plan.Report.Keep(
            "waiting",
            new
            {
                rows,
                changes = Changes,
                writer_ms = writer,
                host_ms = whole,
                answered_ms = took,
            }
        );
    }

    private static async Task Rest(Plan plan, HiveHost host, int rows, CancellationToken ct)
    {
        await Task.Delay(TimeSpan.FromSeconds(10), ct);
        var before = host.Process.Read();
        await Task.Delay(plan.Idle, ct);
        var after = host.Process.Read();
        var woken = after
            .WakeUps.Where(thread => thread.Key.StartsWith(Writer, StringComparison.Ordinal))
            .Sum(thread => thread.Value - before.WakeUps.GetValueOrDefault(thread.Key));
        plan.Report.Line(
            $"{Report.Number(rows)} rows at rest for {plan.Idle.TotalSeconds:0} s: the writer woke {woken} times, "
                + $"{after.BytesRead - before.BytesRead} bytes read, "
                + $"{after.BytesWritten - before.BytesWritten} written."
        );
        plan.Report.Keep(
            "waiting_rest",
            new
            {
                rows,
                seconds = plan.Idle.TotalSeconds,
                writer_wake_ups = woken,
                bytes_read = after.BytesRead - before.BytesRead,
                bytes_written = after.BytesWritten - before.BytesWritten,
            }
        );
    }
}
