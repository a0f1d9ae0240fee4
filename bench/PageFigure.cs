using Microsoft.Playwright;

namespace Hive.Benchmarks;

/// <summary>Measures the page in Chromium: how soon it is there, what it costs, and how it keeps up with the swarm.
/// With <c>--before</c> the page of another host is measured in the same run, in turn.</summary>
internal static class PageFigure
{
    private const int Agents = 200,
        Messages = 100_000;

    private static readonly string[] Chromiums = ["/usr/bin/chromium", "/usr/bin/google-chrome"];

    /// <summary>Runs before the page's own script: notes the first row of an agent and long tasks.</summary>
    private const string Watch = """
        window.__bench = { long: [], usable: 0 };
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.__bench.long.push([entry.startTime, entry.duration]);
        }).observe({ type: 'longtask', buffered: true });
        const look = () => {
          if (document.querySelector('[data-agent], [data-key], .home-row') !== null)
            window.__bench.usable = performance.now();
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
        """;

    /// <summary>The frames of some seconds: their number and the times between them.</summary>
    private const string Frames = """
        (seconds) => new Promise((done) => {
          const gaps = [];
          const began = performance.now();
          let before = began;
          const frame = (now) => {
            gaps.push(now - before);
            before = now;
            if (now - began < seconds * 1000) requestAnimationFrame(frame);
            else {
              gaps.sort((a, b) => a - b);
              done([gaps.length / ((now - began) / 1000), gaps[Math.ceil(gaps.length * 0.99) - 1]]);
            }
          };
          requestAnimationFrame(frame);
        })
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
        var program =
            Chromiums.FirstOrDefault(File.Exists)
            ?? throw new BenchmarkException("Chromium was not found: install the package `chromium`");
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions { ExecutablePath = program, Args = ["--no-sandbox", "--disable-gpu"] }
        );
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
        await using var context = await browser.NewContextAsync(
            new BrowserNewContextOptions
            {
                ViewportSize = new ViewportSize { Width = 1440, Height = 900 },
            }
        );
        await context.AddInitScriptAsync(Watch);
        var page = await context.NewPageAsync();
        await page.GotoAsync(await LoginLink(host, ct));
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
        var places = new List<double>();
        foreach (var (key, wanted) in new[] { ("a", "/agents"), ("m", "/messages"), ("s", "/stats"), ("h", "/") })
        {
            for (var round = 0; round < plan.Rounds; round++)
            {
                // The second key of the sequence begins the step.
                await page.EvaluateAsync(
                    "() => dispatchEvent(new KeyboardEvent('keydown', { key: 'g', code: 'KeyG', bubbles: true }))"
                );
                places.Add(await Timed(page, key, false, $".nav a[aria-current][href='{wanted}']"));
                await Task.Delay(300, ct);
                await page.EvaluateAsync(
                    "() => dispatchEvent(new KeyboardEvent('keydown', { key: 'g', code: 'KeyG', bubbles: true }))"
                );
                await Timed(page, "y", false, ".nav a[aria-current][href='/system']");
                await Task.Delay(300, ct);
            }
        }

        Line(plan, "now", "place to place, ms to the next paint", places);
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

    private static Task<double> Timed(IPage page, string key, bool ctrl, string wanted) =>
        page.EvaluateAsync<double>(After, new object[] { key, $"Key{key.ToUpperInvariant()}", ctrl, wanted });

    /// <summary>Frames while messages arrive, and the heap after them.</summary>
    private static async Task Keeping(Plan plan, string build, HiveHost host, IPage page, CancellationToken ct)
    {
        foreach (var place in build == "now" ? new[] { "/", "/agents", "/messages" } : ["/"])
        {
            await page.GotoAsync(new Uri(host.Url, place).ToString());
            await page.WaitForFunctionAsync("() => window.__bench?.usable > 0");
            foreach (var rate in new[] { 500, 1600 })
            {
                using var sending = CancellationTokenSource.CreateLinkedTokenSource(ct);
                // Each message is two events: it is sent and delivered to nobody, so one event a message.
                var senders = SendAsync(host, rate, sending.Token);
                await Task.Delay(TimeSpan.FromSeconds(1), ct);
                var figures = await page.EvaluateAsync<double[]>(Frames, plan.Measured.TotalSeconds);
                await sending.CancelAsync();
                await senders.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                plan.Report.Line(
                    $"| {build} | frames per second on {place} at {rate} events/s | "
                        + $"{Report.Fraction(figures[0])} | p99 {Report.Fraction(figures[1])} ms |"
                );
                plan.Report.Keep(
                    "page_frames",
                    new
                    {
                        build,
                        place,
                        rate,
                        fps = figures[0],
                        p99_ms = figures[1],
                    }
                );
            }
        }

        var session = await page.Context.NewCDPSessionAsync(page);
        await session.SendAsync("HeapProfiler.collectGarbage");
        var heap = await page.EvaluateAsync<double>("() => performance.memory.usedJSHeapSize / 1e6");
        Line(plan, build, "heap after these events, MB", [heap]);
    }

    private static async Task SendAsync(HiveHost host, int rate, CancellationToken ct)
    {
        using var client = await host.Agent(0, ct);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var to = host.Agents[1];
        while (await timer.WaitForNextTickAsync(ct))
        {
            for (var n = 0; n < rate / 50; n++)
                await client.CallAsync("send", new { to, body = "a line of work that is done" }, ct);
        }
    }

    private static async Task<string> LoginLink(HiveHost host, CancellationToken ct)
    {
        using var client = await host.Operator(ct);
        var answer = await client.CallAsync("open_link", null, ct);
        return answer.GetProperty("url").GetString()!;
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
