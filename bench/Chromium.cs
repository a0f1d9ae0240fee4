using Microsoft.Playwright;

namespace Hive.Benchmarks;

/// <summary>Opens the page of a host in Chromium, signed in.</summary>
internal static class Chromium
{
    private static readonly string[] Programs = ["/usr/bin/chromium", "/usr/bin/google-chrome"];

    /// <summary>The frames of some seconds: their number in a second, and the time between them that 99 of 100 do not
    /// exceed.</summary>
    public const string Frames = """
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

    public static string Program =>
        Programs.FirstOrDefault(File.Exists)
        ?? throw new BenchmarkException("Chromium was not found: install the package `chromium`");

    public static Task<IBrowser> LaunchAsync(IPlaywright playwright) =>
        playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions { ExecutablePath = Program, Args = ["--no-sandbox", "--disable-gpu"] }
        );

    public static Task<IBrowserContext> WindowAsync(IBrowser browser) =>
        browser.NewContextAsync(
            new BrowserNewContextOptions
            {
                ViewportSize = new ViewportSize { Width = 1440, Height = 900 },
            }
        );

    public static async Task<string> LoginLink(HiveHost host, CancellationToken ct)
    {
        using var client = await host.Operator(ct);
        var answer = await client.CallAsync("open_link", null, ct);
        return answer.GetProperty("url").GetString()!;
    }

    /// <summary>The bytes of script data that are in use after everything unused was collected, and the number of
    /// nodes.</summary>
    public static async Task<(double Heap, double Nodes)> HeapAsync(IPage page)
    {
        var session = await page.Context.NewCDPSessionAsync(page);
        try
        {
            // Twice: a finalizer may keep what the first collection found.
            await session.SendAsync("HeapProfiler.collectGarbage");
            await session.SendAsync("HeapProfiler.collectGarbage");
            var heap = (await session.SendAsync("Runtime.getHeapUsage"))!.Value.GetProperty("usedSize").GetDouble();
            var nodes = (await session.SendAsync("Memory.getDOMCounters"))!.Value.GetProperty("nodes").GetDouble();
            return (heap, nodes);
        }
        finally
        {
            await session.DetachAsync();
        }
    }
}
