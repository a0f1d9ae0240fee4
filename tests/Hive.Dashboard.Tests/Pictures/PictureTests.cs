using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Hive.Common.Doctor;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests.Pictures;

/// <summary>
/// Compares every place of the page with the committed pictures. <c>HIVE_UPDATE_PICTURES=1</c> writes them and those of
/// the documentation again; <c>all</c> writes the whole product of states, widths, themes and labels into
/// <c>artifacts/pictures</c>.
/// </summary>
public sealed class PictureTests(Browser browser)
{
    private const string Again = "run this class with HIVE_UPDATE_PICTURES=1 (CONTRIBUTING.md)";

    private static readonly string? Update = Environment.GetEnvironmentVariable("HIVE_UPDATE_PICTURES");

    [Fact]
    [Long]
    public Task An_empty_Hive_looks_as_in_its_pictures() => CheckAsync("empty");

    [Fact]
    [Sampled]
    public Task A_team_at_work_looks_as_in_its_pictures() => CheckAsync("demo");

    [Fact]
    [Long]
    public Task Thirty_agents_and_then_a_host_that_is_away_look_as_in_their_pictures() => CheckAsync("thirty");

    [Fact]
    [Long]
    public Task Hostile_texts_look_as_in_their_pictures_and_fit_every_screen() => CheckAsync("hostile");

    [Fact]
    public void Each_place_has_a_picture_for_every_pair_of_state_width_theme_and_labels()
    {
        static IEnumerable<string> Pairs(Shot shot)
        {
            string[] values = [shot.State, $"{shot.Width}", shot.Theme, shot.Labels];
            return from a in values.Index()
                from b in values.Index()
                where a.Index < b.Index
                select $"{Path.GetDirectoryName(shot.File)}: {a.Item} {b.Item}";
        }

        var covering = Shot.Covering().ToArray();
        Assert.Equal(Shot.All().SelectMany(Pairs).Distinct().Order(), covering.SelectMany(Pairs).Distinct().Order());
        Assert.Subset(Shot.All().Select(shot => shot.File).ToHashSet(), covering.Select(shot => shot.File).ToHashSet());
    }

    [Fact]
    public void Every_committed_picture_is_compared_and_all_are_small()
    {
        var made = Shot.Covering().Concat(Shot.Documentation()).Select(shot => shot.File).Order().ToArray();
        var there = new[] { "tests/Hive.Dashboard.Tests/Pictures/set", "docs/images" }
            .SelectMany(folder => Directory.EnumerateFiles(InRoot(folder), "*", SearchOption.AllDirectories))
            .ToArray();
        Assert.Equal(made, there.Select(file => Path.GetRelativePath(InRoot("."), file)).Order());
        Assert.True(there.Sum(file => new FileInfo(file).Length) < 25_000_000, "the pictures are larger than 25 MB");
    }

    private async Task CheckAsync(string state)
    {
        var clock = new ManualClock(Scenes.Morning);
        await using var hive = await LiveHive.StartAsync(
            clock,
            configure: services => services.RemoveAll<ICheck>().AddSingleton<ICheck>(new FixedCheck(state != "empty"))
        );
        using var troupe = new Troupe(hive, clock);
        await hive.PreferAsync(new { labels_chosen = state != "empty", starred = Starred(state) });
        var scene = await (
            state switch
            {
                "empty" => Scenes.EmptyAsync(troupe),
                "demo" => Scenes.DemoAsync(troupe),
                "thirty" => Scenes.ThirtyAsync(troupe),
                _ => Scenes.HostileAsync(troupe),
            }
        );
        // A failed finding waits for the operator from the first look at the system on.
        await hive.CallAsync("doctor");
        await using var camera = await CameraAsync(hive);
        await RequireFontsAsync(camera);
        // The drivers are those of the machine.
        await camera.Page.RouteAsync("**/api/drivers", FindClaudeAsync);
        await using var stranger = await CameraAsync(hive);
        await EnterAsync(hive, camera.Page);

        List<string> faults = [];
        foreach (var look in Wanted(state).GroupBy(shot => (shot.Theme, shot.Labels)))
        {
            await hive.PreferAsync(new { theme = look.Key.Theme, labels = look.Key.Labels });
            foreach (var shot in look)
            {
                var address = shot.Address(scene);
                var with = address == Shot.Login ? stranger : camera;
                await with.FrameAsync(shot);
                if (address == Shot.Login || shot == look.First())
                    await with.Page.GotoAsync(hive.Url + (address == Shot.Login ? "/" : address));
                else
                    await with.GoAsync(address);
                await CheckAsync(with, shot, faults);
                // Closes what the keys opened.
                if (shot.Keys.Length > 0)
                    await with.Page.Keyboard.PressAsync("Escape");
            }
        }

        if (state == "hostile")
            await CheckWidthsAsync(hive, camera, scene, faults);
        // The host goes away from a swarm at work.
        if (state == "thirty")
            await CheckAwayAsync(hive, scene, faults);
        Assert.True(
            faults.Count == 0,
            $"what the page shows differs; if that is meant, {Again}:\n{string.Join('\n', faults)}"
        );
    }

    // In the first ring each place once, at the next width.
    private static IEnumerable<Shot> Wanted(string state)
    {
        if (!Ring.IsLong && Update is null)
            return Shot.Covering()
                .Where(shot => shot.State == state)
                .Chunk(Shot.Widths.Length)
                .Select((widths, place) => widths[place % widths.Length]);
        var all = Update == "all" ? Shot.All() : Shot.Covering().Concat(Shot.Documentation());
        return all.Where(shot => shot.State == state);
    }

    private static string[] Starred(string state) => state == "thirty" ? ["api-server", "crasher"] : [];

    // No text makes a place wider than a screen.
    private static async Task CheckWidthsAsync(LiveHive hive, Camera camera, Scene scene, List<string> faults)
    {
        foreach (var (name, address) in Shot.Places.Where(place => place.Name != "login"))
        {
            await camera.GoAsync(address(scene));
            await camera.SettleAsync();
            foreach (var width in new[] { 320, 360, 768, 1024, 1440, 2560 })
            {
                await camera.Page.SetViewportSizeAsync(width, 900);
                if (await camera.Page.EvaluateAsync<int>("document.documentElement.scrollWidth") > width)
                    faults.Add($"{name} is wider than {width} px");
            }
        }
    }

    // Pages that were loaded before the host went away, each in its look.
    private async Task CheckAwayAsync(LiveHive hive, Scene scene, List<string> faults)
    {
        List<(Camera Camera, Shot[] Shots)> looks = [];
        try
        {
            foreach (var look in Wanted("away").GroupBy(shot => (shot.Theme, shot.Labels)))
            {
                var camera = await CameraAsync(hive);
                looks.Add((camera, [.. look]));
                // All pages are live until the host goes, and share its preferences: each gets a look of its own.
                await camera.Page.RouteAsync(
                    "**/api/state",
                    route => LookAsync(route, look.Key.Theme, look.Key.Labels)
                );
                await EnterAsync(hive, camera.Page);
                await camera.SettleAsync();
            }

            await hive.StopHostAsync();
            foreach (var (camera, shots) in looks)
            {
                await camera.Page.Locator(".top .connection[data-state=reconnecting]").First.WaitForAsync();
                foreach (var shot in shots)
                {
                    await camera.FrameAsync(shot);
                    await camera.GoAsync(shot.Address(scene));
                    await CheckAsync(camera, shot, faults);
                }
            }
        }
        finally
        {
            foreach (var (camera, _) in looks)
                await camera.DisposeAsync();
        }
    }

    private static async Task LookAsync(IRoute route, string theme, string labels)
    {
        var answer = await route.FetchAsync();
        var snapshot = JsonNode.Parse(await answer.TextAsync())!;
        (snapshot["preferences"]!["theme"], snapshot["preferences"]!["labels"]) = (theme, labels);
        await route.FulfillAsync(new RouteFulfillOptions { Response = answer, Body = snapshot.ToJsonString() });
    }

    private static async Task FindClaudeAsync(IRoute route)
    {
        var answer = await route.FetchAsync();
        var found = JsonNode.Parse(await answer.TextAsync())!;
        var claude = found["drivers"]!.AsArray().Single(driver => (string?)driver!["name"] == "claude")!;
        (claude["found"], claude["version"], claude["hint"]) = (true, "2.1.0", null);
        await route.FulfillAsync(new RouteFulfillOptions { Response = answer, Body = found.ToJsonString() });
    }

    private async Task<Camera> CameraAsync(LiveHive hive) =>
        await Camera.OpenAsync(
            await browser.OpenAsync(timezone: "UTC"),
            Scenes.Shown,
            [
                [new Uri(hive.Url).Authority, "127.0.0.1:7700"],
                [hive.Folder, "/var/lib/hive"],
                [await hive.VersionAsync(), "1.0.0"],
                [Environment.MachineName, "workshop"],
            ]
        );

    private static async Task EnterAsync(LiveHive hive, IPage page)
    {
        await page.GotoAsync(await hive.LoginLinkAsync());
        await page.Locator(".top .connection[data-state=live]").First.WaitForAsync();
    }

    private static async Task CheckAsync(Camera camera, Shot shot, List<string> faults)
    {
        await camera.SettleAsync();
        foreach (var key in shot.Keys)
        {
            await camera.Page.Keyboard.PressAsync(key);
            await camera.SettleAsync();
        }

        var file = InRoot(shot.File);
        if (Update == "all")
            file = InRoot($"artifacts/pictures/all/{Path.GetRelativePath("tests", shot.File)}");
        if (Update is "1" or "all")
        {
            if (File.Exists(file))
            {
                var now = await camera.TakeAsync(shot.Width, shot.Height, shot.Quality);
                if (await camera.DifferenceAsync(await File.ReadAllBytesAsync(file), now, tolerance: 0) is null)
                    return;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, await camera.TakeStillAsync(shot.Width, shot.Height, shot.Quality));
            return;
        }

        if (!File.Exists(file))
        {
            faults.Add($"{shot.File} is missing");
            return;
        }

        var expected = await File.ReadAllBytesAsync(file);
        byte[] shown = [];
        double? difference = null;
        // The last change of the page may still be under way.
        for (var tries = 0; tries < 20; tries++)
        {
            shown = await camera.TakeAsync(shot.Width, shot.Height, shot.Quality);
            difference = await camera.DifferenceAsync(expected, shown);
            if (difference is null)
                return;
            await camera.SettleAsync();
        }

        var kept = InRoot($"artifacts/pictures/different/{shot.File}");
        Directory.CreateDirectory(Path.GetDirectoryName(kept)!);
        await File.WriteAllBytesAsync(kept, shown);
        faults.Add($"{shot.File}: {difference:P1} differs; what the page shows is {kept}");
    }

    private static async Task RequireFontsAsync(Camera camera)
    {
        var fonts = await camera.FontsAsync();
        if (fonts.SequenceEqual(["DejaVu Sans", "DejaVu Sans Mono"]))
            return;
        var missing =
            $"the pictures are made with DejaVu Sans and DejaVu Sans Mono, and Chromium draws with "
            + $"{string.Join(", ", fonts)}: install the package fonts-dejavu-core, and no other font before it";
        Assert.SkipWhen(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("HIVE_REQUIRE_ALL")), missing);
        Assert.Fail(missing);
    }

    private static string InRoot(string path, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../..", path));
}
