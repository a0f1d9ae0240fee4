using System.Diagnostics;
using System.Text.Json;

namespace Hive.Benchmarks;

/// <summary>Measures the processor time of six tabs of the page while nothing happens: five are visible, each in its
/// own window, and one is hidden behind another tab.</summary>
internal static class PageIdleFigure
{
    private const int Agents = 30,
        Visible = 5;

    /// <summary>Runs before the page's own script: notes each timer and each frame that is asked for while the tab is
    /// hidden, and each stream that the tab opens itself.</summary>
    private const string Watch = """
        window.__bench = { shortest: null, fired: 0, frames: 0, streams: 0, timers: new Map() };
        const hidden = () => document.visibilityState === 'hidden';
        for (const name of ['setTimeout', 'setInterval']) {
          const real = window[name];
          window[name] = (run, delay = 0, ...rest) => {
            const id = real(() => {
              if (hidden()) window.__bench.fired++;
              if (name === 'setTimeout') window.__bench.timers.delete(id);
              run(...rest);
            }, delay);
            window.__bench.timers.set(id, delay);
            if (hidden()) window.__bench.shortest = Math.min(delay, window.__bench.shortest ?? delay);
            return id;
          };
        }
        for (const name of ['clearTimeout', 'clearInterval']) {
          const real = window[name];
          window[name] = (id) => {
            window.__bench.timers.delete(id);
            real(id);
          };
        }
        const frame = window.requestAnimationFrame;
        window.requestAnimationFrame = (run) => {
          if (hidden()) window.__bench.frames++;
          return frame(run);
        };
        const request = window.fetch;
        window.fetch = (...args) => {
          if (String(args[0]?.url ?? args[0]).includes('/dashboard/stream')) window.__bench.streams++;
          return request(...args);
        };
        """;

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title(
            $"{Visible} visible tabs and a hidden one at rest for {plan.Idle.TotalSeconds:0} s, {Agents} agents"
        );
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        var profile = plan.Scratch.NewFolder("profile");
        var child = plan.Scratch.Start(
            Chromium.Program,
            [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--remote-debugging-port=0",
                $"--user-data-dir={profile}",
                "about:blank",
            ],
            Path.Combine(profile, "chromium.log")
        );
        try
        {
            await using var browser = await Cdp.ConnectAsync(await Address(child, profile, ct), ct);
            await Measure(plan, host, browser, child.Process.Id, ct);
        }
        finally
        {
            await plan.Scratch.StopAsync(child);
        }
    }

    private static async Task Measure(Plan plan, HiveHost host, Cdp browser, int chromium, CancellationToken ct)
    {
        var link = await Chromium.LoginLink(host, ct);
        List<string> tabs = [];
        // The second tab of a window hides the first.
        tabs.Add(await Open(browser, link, newWindow: true, ct));
        foreach (
            var (place, newWindow) in new[]
            {
                ("/", false),
                ("/waiting", true),
                ("/agents", true),
                ("/messages", true),
                ("/stats", true),
            }
        )
            tabs.Add(await Open(browser, new Uri(host.Url, place).ToString(), newWindow, ct));
        var states = new List<string>();
        foreach (var tab in tabs)
            states.Add((await browser.ValueAsync(tab, "document.visibilityState", ct)).GetString()!);
        if (states is not ["hidden", "visible", "visible", "visible", "visible", "visible"])
            throw new BenchmarkException(
                $"not the first tab alone is hidden, but the tabs are {string.Join(", ", states)}"
            );

        // The work that the start began has ended.
        await Task.Delay(TimeSpan.FromSeconds(15), ct);
        await browser.ValueAsync(
            tabs[0],
            "void Object.assign(window.__bench, { shortest: null, fired: 0, frames: 0 })",
            ct
        );
        var before = Processes(chromium);
        var watch = Stopwatch.StartNew();
        await Task.Delay(plan.Idle, ct);
        var after = Processes(chromium);
        var seconds = watch.Elapsed.TotalSeconds;
        double Percent(Func<string, bool> kind) =>
            after.Where(p => kind(p.Value.Kind)).Sum(p => p.Value.Cpu - before.GetValueOrDefault(p.Key).Cpu)
            / seconds
            * 100;
        var pages = Percent(kind => kind == "renderer");
        var all = Percent(_ => true);
        var hidden = await browser.ValueAsync(
            tabs[0],
            """
            (() => {
              const { shortest, fired, frames, timers } = window.__bench;
              return [fired, frames, shortest ?? -1, timers.size === 0 ? -1 : Math.min(...timers.values())];
            })()
            """,
            ct
        );
        double[] seen = [.. hidden.EnumerateArray().Select(value => value.GetDouble())];
        var own = 0;
        foreach (var tab in tabs)
            own += (await browser.ValueAsync(tab, "window.__bench.streams", ct)).GetInt32();
        var targets = (await browser.CallAsync("Target.getTargets", new { }, null, ct)).GetProperty("targetInfos");
        var workers = targets
            .EnumerateArray()
            .Count(target => target.GetProperty("type").GetString() == "shared_worker");
        var streams = Streams(host);
        plan.Report.Line(
            $"{seconds:0} s: the pages' processes {Report.Fraction(pages)} % of one core together, all of Chromium's "
                + $"{Report.Fraction(all)} %."
        );
        plan.Report.Line(
            $"Hidden tab: {seen[0]} timers fired, {seen[1]} frames asked for; the shortest timer that runs is "
                + $"{seen[3]} ms, the shortest that was set {seen[2]} ms (-1: none)."
        );
        plan.Report.Line(
            $"Streams: {workers} shared worker, {own} of tabs; {streams} connections of the browser to the host."
        );
        plan.Report.Keep(
            "page_idle",
            new
            {
                seconds,
                pages_percent = pages,
                chromium_percent = all,
                hidden_timers_fired = seen[0],
                hidden_frames = seen[1],
                hidden_shortest_set_ms = seen[2],
                hidden_shortest_running_ms = seen[3],
                shared_workers = workers,
                streams_of_tabs = own,
                connections = streams,
            }
        );
    }

    /// <summary>The session of a new tab once the page is live in it.</summary>
    private static async Task<string> Open(Cdp browser, string url, bool newWindow, CancellationToken ct)
    {
        var target = (await browser.CallAsync("Target.createTarget", new { url = "about:blank", newWindow }, null, ct))
            .GetProperty("targetId")
            .GetString()!;
        var session = (
            await browser.CallAsync("Target.attachToTarget", new { targetId = target, flatten = true }, null, ct)
        )
            .GetProperty("sessionId")
            .GetString()!;
        await browser.CallAsync("Page.enable", new { }, session, ct);
        await browser.CallAsync("Page.addScriptToEvaluateOnNewDocument", new { source = Watch }, session, ct);
        await browser.CallAsync("Page.navigate", new { url }, session, ct);
        var watch = Stopwatch.StartNew();
        while (
            !(
                await browser.ValueAsync(session, "document.querySelector('.connection[data-state=live]') !== null", ct)
            ).GetBoolean()
        )
        {
            if (watch.Elapsed > TimeSpan.FromSeconds(30))
                throw new BenchmarkException($"{url} was not live after 30 s");
            await Task.Delay(100, ct);
        }

        return session;
    }

    /// <summary>Where Chromium listens: it writes its port into its profile.</summary>
    private static async Task<Uri> Address(Scratch.Child child, string profile, CancellationToken ct)
    {
        var file = Path.Combine(profile, "DevToolsActivePort");
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (File.Exists(file) && await File.ReadAllLinesAsync(file, ct) is [var port, var path, ..])
                return new Uri($"ws://127.0.0.1:{port}{path}");
            if (child.Process.HasExited || watch.Elapsed > TimeSpan.FromSeconds(30))
                throw new BenchmarkException($"Chromium did not start:\n{child.Tail()}");
            await Task.Delay(100, ct);
        }
    }

    /// <summary>Chromium's processes with their kind and processor time.</summary>
    private static Dictionary<int, (string Kind, double Cpu)> Processes(int root)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && Proc.ParentOf(id) is { } parent)
                parents[id] = parent;
        }

        bool IsOf(int id) => id == root || (parents.TryGetValue(id, out var parent) && IsOf(parent));
        return parents.Keys.Where(IsOf).ToDictionary(id => id, id => (KindOf(id), new Proc(id).Read().CpuSeconds));
    }

    private static string KindOf(int id)
    {
        const string option = "--type=";
        var type = File.ReadAllText($"/proc/{id}/cmdline")
            .Split('\0', ' ')
            .FirstOrDefault(part => part.StartsWith(option, StringComparison.Ordinal));
        return type?[option.Length..] ?? "browser";
    }

    /// <summary>The open connections to the host's port.</summary>
    private static int Streams(HiveHost host)
    {
        const string established = "01";
        var port = $":{host.Url.Port:X4}";
        return File.ReadLines("/proc/net/tcp")
            .Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Count(fields => fields[2].EndsWith(port, StringComparison.Ordinal) && fields[3] == established);
    }
}
