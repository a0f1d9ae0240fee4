using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>
/// The pictures of the guide and of the README, taken from a real host. With <c>HIVE_UPDATE_PICTURES=1</c> they are
/// written; otherwise each is compared with the committed one: the tiles of both pictures, since fonts differ from
/// machine to machine. Times stand still, so that ages are the same in every run.
/// </summary>
public sealed class PictureTests(Browser browser) : DashboardTest(browser)
{
    /// <summary>The share of tiles that may differ, and how much a tile may.</summary>
    private const double MostTiles = 0.12,
        MostOfATile = 0.16;

    private static readonly (string Place, string Name)[] Places =
    [
        ("/", "overview"),
        ("/waiting/question-1", "your-call"),
        ("/agents", "agents"),
        ("/agents/api-server", "agent"),
        ("/messages", "messages"),
        ("/changes", "changes"),
        ("/stats", "statistics"),
        ("/settings", "settings"),
    ];

    [Fact]
    public async Task Pictures_of_every_place_are_those_that_are_committed()
    {
        var agents = await FillAsync();
        var wrong = new List<string>();
        // The page itself may fetch nothing but its host.
        var blank = await (await ProfileAsync()).NewPageAsync();
        foreach (var (width, height) in new[] { (1440, 900), (360, 780) })
        {
            var page = await SignedInAsync(width, height);
            await page.Clock.SetFixedTimeAsync(DateTime.UtcNow.AddMinutes(47.5));
            foreach (var (theme, labels) in new[] { ("dark", "wired"), ("light", "plain") })
            {
                await page.GotoAsync(Hive.Url + "/settings");
                await page.GetByRole(AriaRole.Radio, new() { Name = labels }).CheckAsync();
                await page.GetByRole(AriaRole.Radio, new() { Name = theme, Exact = true }).CheckAsync();
                foreach (var (place, name) in Places)
                {
                    await page.GotoAsync(Hive.Url + place);
                    await StateIs(page, "live", "resynced");
                    await Expect(page.Locator("main h1").First).ToBeVisibleAsync();
                    await Expect(page.Locator("main .spinner")).ToHaveCountAsync(0);
                    var picture = await page.ScreenshotAsync(new() { Animations = ScreenshotAnimations.Disabled });
                    var file = Path.Combine(Folder, $"{name}-{theme}-{width}.png");
                    if (Environment.GetEnvironmentVariable("HIVE_UPDATE_PICTURES") == "1")
                        await File.WriteAllBytesAsync(file, picture);
                    else if (!File.Exists(file))
                        wrong.Add($"{file} is missing");
                    else if (
                        await DifferenceAsync(blank, await File.ReadAllBytesAsync(file), picture)
                        is var share
                            and > MostTiles
                    )
                        wrong.Add($"{file}: {share:P0} of its tiles differ");
                }
            }
        }

        foreach (var agent in agents.Values)
            agent.Dispose();
        Assert.True(
            wrong.Count == 0,
            $"{string.Join("\n", wrong)}\nLook at the pages; if they are right, write the pictures again: "
                + "HIVE_UPDATE_PICTURES=1 ./test PictureTests"
        );
    }

    private static string Folder { get; } =
        Directory.CreateDirectory(Path.Combine(Root(), "docs", "images", "guide")).FullName;

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Hive.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"{AppContext.BaseDirectory} is not inside a checkout of Hive");
    }

    /// <summary>Compares two pictures tile by tile in the browser; a tile is 24 pixels wide and high.</summary>
    private static Task<double> DifferenceAsync(IPage page, byte[] before, byte[] after) =>
        page.EvaluateAsync<double>(
            """
            async ([before, after, most]) => {
              const tilesOf = async (data) => {
                const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
                const [columns, rows] = [Math.ceil(image.width / 24), Math.ceil(image.height / 24)];
                const canvas = new OffscreenCanvas(columns, rows);
                const context = canvas.getContext('2d');
                context.imageSmoothingQuality = 'high';
                context.drawImage(image, 0, 0, columns, rows);
                return { columns, rows, data: context.getImageData(0, 0, columns, rows).data };
              };
              const [a, b] = [await tilesOf(before), await tilesOf(after)];
              if (a.columns !== b.columns || a.rows !== b.rows) return 1;
              let differ = 0;
              for (let at = 0; at < a.data.length; at += 4) {
                const gap = Math.max(...[0, 1, 2].map((part) => Math.abs(a.data[at + part] - b.data[at + part])));
                if (gap > most * 255) differ++;
              }
              return differ / (a.columns * a.rows);
            }
            """,
            new object[] { Convert.ToBase64String(before), Convert.ToBase64String(after), MostOfATile }
        );

    /// <summary>Thirty agents at work, with things that wait for the operator.</summary>
    private async Task<Dictionary<string, LineClient>> FillAsync()
    {
        string[] names =
        [
            "api-server",
            "auth-flow",
            "checkout",
            "docs-writer",
            "frontend",
            "ledger",
            "payments",
            "perf-lab",
            "review-bot",
            "search-index",
            "worker-a",
            "worker-b",
        ];
        string[] works =
        [
            "adding pagination to GET /orders and its tests",
            "waiting for an answer about the session length",
            "moving the price rules into their own module",
            "writing the guide to the new importer",
        ];
        var agents = new Dictionary<string, LineClient>();
        for (var i = 0; i < 30; i++)
        {
            var name = i < names.Length ? names[i] : $"builder-{i:00}";
            var agent = agents[name] = await Hive.JoinAsync(name);
            await agent.CallAsync("set_status", new { text = works[i % works.Length] });
        }

        foreach (var (name, n) in names.Select((name, i) => (name, i)))
        {
            var turn = await Hive.BeginTurnAsync(agents[name], name, "go on with the plan");
            if (n % 3 != 0)
                await agents[name].EndTurnAsync(turn, n == 4 ? "failed" : "ok", n == 4 ? "the tests are red" : null);
        }

        await agents["auth-flow"]
            .CallAsync(
                "ask",
                new
                {
                    question = "How long shall a session live? The design says 30 days, the policy 12 hours.",
                    options = new[] { "30 days", "12 hours", "ask legal" },
                    ttl_seconds = 7200,
                }
            );
        await agents["payments"].CallAsync("ask", new { question = "May I drop the column of the old tax number?" });
        await agents["review-bot"]
            .CallAsync("send", new { to = "worker-a", body = "The change is good; two remarks in /shared/review.md." });
        await agents["ledger"]
            .CallAsync("send", new { to = "operator", body = "The month is closed. All sums agree." });
        using var manager = await Hive.OpenAsync("manager");
        await manager.CallAsync("request_spawn", new { name = "importer", description = "reads the old invoices" });
        return agents;
    }
}
