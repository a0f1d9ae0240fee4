using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Playwright;

namespace Hive.Dashboard.Tests.Pictures;

/// <summary>Takes pictures of a page whose clock stands still, and compares them inside the browser.</summary>
internal sealed class Camera : IAsyncDisposable
{
    /// <summary>The quality of the committed set, and of the pictures of the documentation.</summary>
    public const int ForComparing = 40;
    public const int ForReading = 80;

    /// <summary>A picture differs when more than this share of its blocks of 8 × 8 pixels does. Two versions of a
    /// browser smooth edges differently; a button that moved by its own height is more.</summary>
    private const double Tolerance = 0.002;

    /// <summary>A place that scrolls is drawn whole up to this height.</summary>
    private const int Tallest = 2400;

    // Without SharedWorker the page holds the stream itself, so that its frozen clock is the connection's clock too.
    private const string Prepare = """
        delete window.SharedWorker;
        Math.random = () => 0.5;
        // A fetch is under way until its whole body is there.
        const send = window.fetch;
        window.fetching = [];
        window.fetch = async (...request) => {
          const address = String(request[0].url ?? request[0]);
          if (address.includes('/stream')) return send(...request);
          window.fetching.push(address);
          const end = () => window.fetching.splice(window.fetching.indexOf(address), 1);
          const answer = await send(...request).catch((failure) => {
            end();
            throw failure;
          });
          answer.clone().arrayBuffer().then(end, end);
          return answer;
        };
        addEventListener('DOMContentLoaded', () => {
          const style = document.createElement('style');
          style.textContent = '* { caret-color: transparent !important } *::-webkit-scrollbar { display: none }';
          document.head.append(style);
        });
        """;

    // Replaces what differs from run to run: ports, folders, hashes, the version, and the countdown of a retry.
    private const string Scrub = """
        (known) => {
          const hash = (found) => '7f3a90c21be45d68'.repeat(4).slice(0, found.length);
          const clean = (text) => {
            for (const [from, to] of known) text = text.replaceAll(from, to);
            return text
              .replace(/\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b/g, hash)
              // One in three hundred of such hashes has digits only.
              .replace(/\b\d{12}\b/g, hash)
              .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-03-12T13:33:30.000Z')
              .replace(/next try in \d+s|trying now/g, 'next try in 3s');
          };
          const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
            const cleaned = clean(text.data);
            if (cleaned !== text.data) text.data = cleaned;
          }
          for (const box of document.querySelectorAll('input, textarea')) {
            const cleaned = clean(box.value);
            if (cleaned !== box.value) box.value = cleaned;
          }
        }
        """;

    private const string Settled = """
        async () => {
          await document.fonts.ready;
          await new Promise(requestAnimationFrame);
          const live = document.querySelector('.connection[data-state=live]') !== null;
          // A host that is away sends nothing more.
          return document.querySelector('main h1') !== null
            && window.fetching.length === 0
            && !(live && document.querySelector('main.loading, main .spinner') !== null);
        }
        """;

    // The share of blocks whose mean colour differs in a channel by more than 12 of 255; 1 where the sizes differ.
    private const string Compare = """
        async ([one, other]) => {
          const read = async (data) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const image = await createImageBitmap(new Blob([bytes], { type: 'image/webp' }));
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext('2d', { willReadFrequently: true });
            context.drawImage(image, 0, 0);
            return context.getImageData(0, 0, image.width, image.height);
          };
          const [a, b] = [await read(one), await read(other)];
          if (a.width !== b.width || a.height !== b.height) return 1;
          const [across, down] = [Math.ceil(a.width / 8), Math.ceil(a.height / 8)];
          const sums = new Int32Array(across * down * 3);
          const counts = new Int32Array(across * down);
          for (let y = 0; y < a.height; y++)
            for (let x = 0; x < a.width; x++) {
              const at = (y * a.width + x) * 4;
              const block = (y >> 3) * across + (x >> 3);
              counts[block]++;
              for (let c = 0; c < 3; c++) sums[block * 3 + c] += a.data[at + c] - b.data[at + c];
            }
          let different = 0;
          for (let block = 0; block < counts.length; block++)
            if ([0, 1, 2].some((c) => Math.abs(sums[block * 3 + c]) > 12 * counts[block])) different++;
          return different / counts.length;
        }
        """;

    private readonly IBrowserContext context;
    private readonly IPage judge;
    private readonly ICDPSession lens;
    private readonly string[][] known;
    private readonly ConcurrentDictionary<IRequest, bool> underWay = [];

    private Camera(IBrowserContext context, IPage page, IPage judge, ICDPSession lens, string[][] known)
    {
        (this.context, Page, this.judge, this.lens, this.known) = (context, page, judge, lens, known);
        page.Request += (_, request) =>
        {
            // The page before gets no answer any more.
            if (request.IsNavigationRequest)
                underWay.Clear();
            // The page counts its fetches itself: their ends are told late, and at times never.
            if (request.ResourceType != "fetch")
                underWay[request] = true;
        };
        page.RequestFinished += (sender, request) => underWay.TryRemove(request, out _);
        page.RequestFailed += (sender, request) => underWay.TryRemove(request, out _);
    }

    public IPage Page { get; }

    /// <summary>Prepares a profile for pictures at an instant.</summary>
    /// <param name="context">The profile.</param>
    /// <param name="now">The instant that the page's clock shows.</param>
    /// <param name="known">Texts of this run, each with the text that is shown in its place.</param>
    public static async Task<Camera> OpenAsync(IBrowserContext context, DateTimeOffset now, string[][] known)
    {
        var judge = await context.NewPageAsync();
        await context.Clock.SetFixedTimeAsync(now.UtcDateTime);
        await context.AddInitScriptAsync(Prepare);
        // What happened "since you looked".
        var looked = now.AddMinutes(-130).ToUnixTimeMilliseconds();
        await context.AddInitScriptAsync(
            $"localStorage.getItem('hive.looked') ?? "
                + $"localStorage.setItem('hive.looked', JSON.stringify({{ since: {looked}, left: {looked} }}))"
        );
        var page = await context.NewPageAsync();
        return new Camera(context, page, judge, await context.NewCDPSessionAsync(page), known);
    }

    /// <summary>The fonts that Chromium draws prose and code with.</summary>
    public async Task<IReadOnlyList<string>> FontsAsync()
    {
        await judge.SetContentAsync(
            "<p style='font: 14px system-ui'>prose</p><p style='font: 650 14px ui-monospace, monospace'>code</p>"
        );
        var session = await context.NewCDPSessionAsync(judge);
        await session.SendAsync("DOM.enable");
        await session.SendAsync("CSS.enable");
        var root = (await session.SendAsync("DOM.getDocument"))!.Value.GetProperty("root").GetProperty("nodeId");
        var texts = (
            await session.SendAsync(
                "DOM.querySelectorAll",
                new Dictionary<string, object> { ["nodeId"] = root.GetInt32(), ["selector"] = "p" }
            )
        )!.Value.GetProperty("nodeIds");
        List<string> names = [];
        foreach (var text in texts.EnumerateArray())
        {
            var fonts = await session.SendAsync(
                "CSS.getPlatformFontsForNode",
                new Dictionary<string, object> { ["nodeId"] = text.GetInt32() }
            );
            names.AddRange(
                fonts!
                    .Value.GetProperty("fonts")
                    .EnumerateArray()
                    .Select(font => font.GetProperty("familyName").GetString()!)
            );
        }

        return names;
    }

    /// <summary>Shows another place of the loaded page, as a link to it does.</summary>
    public Task GoAsync(string address) =>
        Page.EvaluateAsync(
            "(to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }",
            address
        );

    /// <summary>Gives the page a window; the narrow one is that of a phone, which is touched.</summary>
    public async Task FrameAsync(Shot shot)
    {
        await Page.SetViewportSizeAsync(shot.Width, shot.Height);
        await lens.SendAsync(
            "Emulation.setTouchEmulationEnabled",
            new Dictionary<string, object> { ["enabled"] = shot.Width < 700 }
        );
        // The page hears of its new width when it is drawn next; a list that opens before selects a row, as a wide one.
        await Page.WaitForFunctionAsync("(width) => innerWidth === width", shot.Width);
        await Page.EvaluateAsync("() => new Promise(requestAnimationFrame)");
    }

    public async ValueTask DisposeAsync() => await context.DisposeAsync();

    /// <summary>Waits until nothing is being fetched or drawn.</summary>
    public async Task SettleAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (var calm = 0; calm < 2; )
        {
            var drawn = await Page.EvaluateAsync<bool>(Settled);
            calm = drawn && underWay.IsEmpty ? calm + 1 : 0;
            if (!patience.IsCancellationRequested)
                continue;
            var fetching = await Page.EvaluateAsync<string[]>("window.fetching");
            var missing = string.Join(", ", underWay.Keys.Select(request => request.Url).Concat(fetching));
            Assert.Fail($"{Page.Url} is not at rest: drawn {drawn}, under way: {missing}");
        }
    }

    /// <summary>Takes a picture of what the page shows.</summary>
    public async Task<byte[]> TakeAsync(int width, int height, int quality)
    {
        // A place that is higher than the window is drawn whole.
        var whole = await Page.EvaluateAsync<int>("document.documentElement.scrollHeight");
        if (whole > height)
        {
            await Page.SetViewportSizeAsync(width, Math.Min(whole, Tallest));
            await SettleAsync();
        }

        await Page.EvaluateAsync(Scrub, known);
        // A command of the protocol has no time limit of its own.
        var shot = await lens.SendAsync(
                "Page.captureScreenshot",
                new Dictionary<string, object> { ["format"] = "webp", ["quality"] = quality }
            )
            .WaitAsync(TimeSpan.FromMinutes(1));
        if (whole > height)
            await Page.SetViewportSizeAsync(width, height);
        return shot!.Value.GetProperty("data").GetBytesFromBase64();
    }

    /// <summary>Takes pictures until two of them are the same.</summary>
    public async Task<byte[]> TakeStillAsync(int width, int height, int quality)
    {
        var before = await TakeAsync(width, height, quality);
        for (var tries = 0; tries < 30; tries++)
        {
            var after = await TakeAsync(width, height, quality);
            if (after.AsSpan().SequenceEqual(before))
                break;
            before = after;
        }

        return before;
    }

    /// <summary>The share of two pictures that differs; null where that is within the tolerance.</summary>
    public async Task<double?> DifferenceAsync(byte[] one, byte[] other, double tolerance = Tolerance)
    {
        if (one.AsSpan().SequenceEqual(other))
            return null;
        var share = await judge.EvaluateAsync<double>(
            Compare,
            new[] { Convert.ToBase64String(one), Convert.ToBase64String(other) }
        );
        return share > tolerance ? share : null;
    }
}
