using System.Diagnostics;
using System.Runtime.CompilerServices;
using Hive.Protocol;
using Microsoft.Playwright;

namespace Hive.Benchmarks;

/// <summary>Measures the page in Chromium: how soon it is there, what it costs, and how it keeps up with the swarm.
/// With <c>--before</c> the page of another host is measured in the same run, in turn.</summary>
internal static class PageFigure
{
    private const int Agents = 200,
        Messages = 100_000;

    private const string Text = "a line of work that is done";

    /// <summary>One agent's messages to another that nobody receives, with those that the run begins with less than the
    /// limit.</summary>
    private const int MessagesEach = Limits.MessagesOfSender / 2;

    /// <summary>Runs before the page's own script: notes the first row of an agent and long tasks.</summary>
    private const string Watch = """
        window.__bench = { long: [], usable: 0 };
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.__bench.long.push([entry.startTime, entry.duration]);
        }).observe({ type: 'longtask', buffered: true });
        const look = () => {
          if (document.querySelector('[data-agent], [data-key], .home-row, #terminal') !== null)
            window.__bench.usable = performance.now();
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
        """;

    /// <summary>The time from a key, or a click on a link, to the frame after the change.</summary>
    private const string After = """
        ([key, code, ctrl, wanted]) => new Promise((done) => {
          const began = performance.now();
          const target = document.activeElement ?? document.body;
          target.dispatchEvent(
            new KeyboardEvent('keydown', { key, code, ctrlKey: ctrl, bubbles: true, cancelable: true }),
          );
          const look = () => {
            if (document.querySelector(wanted) !== null) requestAnimationFrame(() => done(performance.now() - began));
            else requestAnimationFrame(look);
          };
          queueMicrotask(look);
        })
        """;

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title(
            $"The page in Chromium, {Agents} agents, {Report.Number(Messages)} messages, {plan.Rounds} rounds"
        );
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        var builds = new List<(string Name, string Path)> { ("now", plan.HostPath) };
        if (plan.BeforePath is { } before)
            builds.Insert(0, ("before", before));
        foreach (var (name, path) in builds)
            await Measure(plan with { HostPath = path }, name, browser, ct);
    }

    private static async Task Measure(Plan plan, string build, IBrowser browser, CancellationToken ct)
    {
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        var filled = await plan.Generator.RunAsync(
            host,
            "send",
            64,
            TimeSpan.FromMinutes(10),
            ct,
            TimeSpan.Zero,
            Messages
        );
        if (filled.Sent != Messages)
            throw new BenchmarkException($"only {filled.Sent} of {Messages} messages could be stored in ten minutes");
        await using var context = await Chromium.WindowAsync(browser);
        await context.AddInitScriptAsync(Watch);
        var page = await context.NewPageAsync();
        await page.GotoAsync(await Chromium.LoginLink(host, ct));
        await page.WaitForFunctionAsync("() => window.__bench?.usable > 0");

        var starts = new List<(double Paint, double Usable, double Longest, double Nodes, double Kilobytes)>();
        for (var round = 0; round < plan.Rounds; round++)
        {
            await page.GotoAsync("about:blank");
            await page.GotoAsync(host.Url.ToString());
            await page.WaitForFunctionAsync("() => window.__bench?.usable > 0");
            // Parts that are fetched later, and the last long task.
            await Task.Delay(TimeSpan.FromSeconds(2), ct);
            var figures = await page.EvaluateAsync<double[]>(
                """
                () => {
                  const { long, usable } = window.__bench;
                  const lastLong = long.filter(([at]) => at < usable + 500).map(([at, took]) => at + took);
                  return [
                    performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
                    Math.max(usable, ...lastLong),
                    Math.max(0, ...long.map(([, took]) => took)),
                    document.querySelectorAll('*').length,
                    performance
                      .getEntriesByType('resource')
                      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0) / 1000,
                  ];
                }
                """
            );
            starts.Add((figures[0], figures[1], figures[2], figures[3], figures[4]));
        }

        Line(plan, build, "first paint, ms", starts.Select(s => s.Paint));
        Line(plan, build, "usable, ms", starts.Select(s => s.Usable));
        Line(plan, build, "longest task at the start, ms", starts.Select(s => s.Longest));
        Line(plan, build, "elements in the document", starts.Select(s => s.Nodes));
        Line(plan, build, "sent for the whole page, kB", starts.Select(s => s.Kilobytes));
        if (build == "now")
            await Keys(plan, page, ct);
        await Keeping(plan, build, host, page, ct);
    }

    /// <summary>From a key to the next paint: between places, of the palette, in a list.</summary>
    private static async Task Keys(Plan plan, IPage page, CancellationToken ct)
    {
        (string Key, string Place)[] all =
        [
            ("h", "/"),
            ("w", "/waiting"),
            ("a", "/agents"),
            ("m", "/messages"),
            ("c", "/changes"),
            ("s", "/stats"),
            ("y", "/system"),
            ("t", "/settings"),
        ];
        var steps = new List<(string From, string To, double Took)>();
        for (var round = 0; round < plan.Rounds; round++)
        {
            foreach (var (n, from) in all.Index())
            {
                await Step(page, from.Key, from.Place, ct);
                foreach (var to in all[(n + 1)..])
                {
                    steps.Add((from.Place, to.Place, await Step(page, to.Key, to.Place, ct)));
                    steps.Add((to.Place, from.Place, await Step(page, from.Key, from.Place, ct)));
                }
            }
        }

        Line(plan, "now", "place to place, ms to the next paint", steps.Select(step => step.Took));
        foreach (var to in steps.GroupBy(step => step.To))
        {
            var worst = to.MaxBy(step => step.Took);
            Line(plan, "now", $"to {to.Key}, worst from {worst.From}", to.Select(step => step.Took));
        }

        var palette = new List<double>();
        var rows = new List<double>();
        for (var round = 0; round < plan.Rounds * 2; round++)
        {
            palette.Add(await Timed(page, "k", true, "[role=combobox]"));
            await page.Keyboard.PressAsync("Escape");
            await page.WaitForFunctionAsync("() => document.querySelector('[role=combobox]') === null");
        }

        Line(plan, "now", "palette open, ms", palette);
        await page.GotoAsync(new Uri(new Uri(page.Url), "/agents").ToString());
        await page.WaitForFunctionAsync("() => document.querySelectorAll('[data-key]').length > 5");
        for (var round = 0; round < plan.Rounds * 4; round++)
        {
            rows.Add(
                await page.EvaluateAsync<double>(
                    """
                    () => new Promise((done) => {
                      const was = document.querySelector('[data-key][aria-current]')?.dataset.key;
                      const began = performance.now();
                      (document.activeElement ?? document.body).dispatchEvent(
                        new KeyboardEvent('keydown', { key: 'j', code: 'KeyJ', bubbles: true, cancelable: true }),
                      );
                      const look = () => {
                        const row = document.querySelector('[data-key][aria-current]');
                        if (row !== null && row.dataset.key !== was)
                          requestAnimationFrame(() => done(performance.now() - began));
                        else requestAnimationFrame(look);
                      };
                      queueMicrotask(look);
                    })
                    """
                )
            );
        }

        Line(plan, "now", "key to the selected row, ms", rows);
    }

    private static async Task<double> Step(IPage page, string key, string place, CancellationToken ct)
    {
        await Task.Delay(200, ct);
        // The second key of the sequence begins the step.
        await page.EvaluateAsync(
            "() => dispatchEvent(new KeyboardEvent('keydown', { key: 'g', code: 'KeyG', bubbles: true }))"
        );
        return await Timed(page, key, false, $".nav a[aria-current][href='{place}']");
    }

    private static Task<double> Timed(IPage page, string key, bool ctrl, string wanted) =>
        page.EvaluateAsync<double>(After, new object[] { key, $"Key{key.ToUpperInvariant()}", ctrl, wanted });

    /// <summary>Frames while messages arrive, or what the shown agent does, and the heap after them.</summary>
    private static async Task Keeping(Plan plan, string build, HiveHost host, IPage page, CancellationToken ct)
    {
        using var client = await host.Agent(0, ct);
        var messages = 0;
        // One event for each message: it is sent, and nobody receives it.
        Func<int, Task<int>> send = async _ =>
        {
            var to = host.Agents[1 + (messages++ / MessagesEach % (Agents - 1))];
            await client.CallAsync("send", new { to, body = Text }, ct);
            return 1;
        };
        Func<int, Task<int>> emit = async due =>
        {
            var one = new
            {
                kind = "text",
                at = DateTimeOffset.UtcNow,
                text = Text,
            };
            await client.CallAsync("emit", new { events = Enumerable.Repeat(one, Math.Min(due, 100)) }, ct);
            return Math.Min(due, 100);
        };
        (string Place, Func<int, Task<int>> Load)[] all =
        [
            ("/", send),
            ("/agents", send),
            ("/messages", send),
            ($"/agents/{host.Agents[0]}", emit),
        ];
        foreach (var (place, load) in build == "now" ? all : all[..1])
        {
            await page.GotoAsync(new Uri(host.Url, place).ToString());
            await page.WaitForFunctionAsync("() => window.__bench?.usable > 0");
            foreach (var rate in new[] { 500, 1600 })
            {
                using var sending = CancellationTokenSource.CreateLinkedTokenSource(ct);
                var sent = new StrongBox<int>();
                var sender = LoadAsync(load, rate, sent, sending.Token);
                await Task.Delay(TimeSpan.FromSeconds(1), ct);
                var (before, watch) = (sent.Value, Stopwatch.StartNew());
                var figures = await page.EvaluateAsync<double[]>(Chromium.Frames, plan.Measured.TotalSeconds);
                var events = (sent.Value - before) / watch.Elapsed.TotalSeconds;
                await sending.CancelAsync();
                try
                {
                    await sender;
                }
                catch (OperationCanceledException)
                {
                    // The end of what it was to do.
                }
                catch (Exception e) when (e is HiveException or IOException)
                {
                    throw new BenchmarkException($"page: the events on {place} at {rate}/s ended: {e.Message}");
                }

                plan.Report.Line(
                    $"| {build} | frames per second on {place} at {rate} events/s, {Report.Number(events)} sent | "
                        + $"{Report.Fraction(figures[0])} | p99 {Report.Fraction(figures[1])} ms |"
                );
                plan.Report.Keep(
                    "page_frames",
                    new
                    {
                        build,
                        place,
                        rate,
                        events_per_second = events,
                        fps = figures[0],
                        p99_ms = figures[1],
                    }
                );
            }
        }

        if (
            build == "now"
            && !(await page.Locator("#terminal").InnerTextAsync()).Contains(Text, StringComparison.Ordinal)
        )
            throw new BenchmarkException("page: the agent's page does not show what the agent emits");
        var (heap, _) = await Chromium.HeapAsync(page);
        Line(plan, build, "heap after these events, MB", [heap / 1e6]);
    }

    // Causes so many events a second; the load is told how many are due, and says how many it made. A call is never
    // cancelled, since that ends its connection.
    private static async Task LoadAsync(
        Func<int, Task<int>> load,
        int rate,
        StrongBox<int> sent,
        CancellationToken stop
    )
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var watch = Stopwatch.StartNew();
        while (await timer.WaitForNextTickAsync(stop))
        {
            // A late tick makes up for the ticks before it.
            var due = Math.Min(rate / 10, (int)(watch.Elapsed.TotalSeconds * rate) - sent.Value);
            while (due > 0 && !stop.IsCancellationRequested)
            {
                var made = await load(due);
                (sent.Value, due) = (sent.Value + made, due - made);
            }
        }
    }

    private static void Line(Plan plan, string build, string figure, IEnumerable<double> values)
    {
        double[] all = [.. values];
        plan.Report.Line(
            $"| {build} | {figure} | median {Report.Fraction(Report.Median(all))} | "
                + $"worst {Report.Fraction(all.Max())} |"
        );
        plan.Report.Keep(
            "page",
            new
            {
                build,
                figure,
                median = Report.Median(all),
                worst = all.Max(),
                values = all,
            }
        );
    }
}
