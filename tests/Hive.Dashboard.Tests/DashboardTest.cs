using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>A host for each test, and pages that must not report errors: a message on the console of a page as
/// an error fails the test.</summary>
public abstract class DashboardTest(Browser browser) : IAsyncLifetime
{
    /// <summary>An hour in milliseconds.</summary>
    protected const int Hour = 3_600_000;

    private readonly ConcurrentQueue<string> complaints = new();
    private readonly List<IBrowserContext> profiles = [];
    private LiveHive? hive;

    /// <summary>Complaints that belong to what the test does, such as a host that is away.</summary>
    protected string[] Expected { get; set; } = [];

    /// <summary>The host's clock.</summary>
    protected virtual TimeProvider Clock => TimeProvider.System;

    /// <summary>The kind of container of agents that name none.</summary>
    protected virtual string Runtime => "external";

    internal LiveHive Hive => hive!;

    public async ValueTask InitializeAsync() => hive = await LiveHive.StartAsync(Clock, runtime: Runtime);

    public async ValueTask DisposeAsync()
    {
        foreach (var profile in profiles)
            await profile.DisposeAsync();
        await hive!.DisposeAsync();
        var unexpected = complaints.Where(complaint => !Expected.Any(complaint.Contains)).ToArray();
        Assert.True(unexpected.Length == 0, string.Join('\n', unexpected));
        GC.SuppressFinalize(this);
    }

    /// <summary>A fresh profile: nobody is signed in.</summary>
    protected async Task<IBrowserContext> ProfileAsync(int width = 1440, int height = 900)
    {
        var profile = await browser.OpenAsync(width, height);
        profiles.Add(profile);
        profile.SetDefaultTimeout(60_000);
        profile.Console += (_, message) =>
        {
            if (message.Type == "error")
                complaints.Enqueue($"{message.Text} {message.Location}");
        };
        profile.WebError += (_, error) => complaints.Enqueue(error.Error);
        return profile;
    }

    /// <summary>A page that a login link has signed in and that is live.</summary>
    protected Task<IPage> SignedInAsync(int width = 1440, int height = 900) => AtAsync("/", width, height);

    protected static Task StateIs(IPage page, params string[] states) =>
        page.Locator(string.Join(", ", states.Select(state => $".top .connection[data-state={state}]"))).WaitForAsync();

    protected static ILocator Message(IPage page, string text) =>
        page.Locator("#flow .message").Filter(new LocatorFilterOptions { HasText = text });

    /// <summary>The words about actions in a state, such as <c>held</c>, <c>done</c> or <c>undone</c>.</summary>
    protected static ILocator Toast(IPage page, string state) => page.Locator($".toast[data-state={state}]");

    protected static async Task PressAsync(IPage page, params string[] keys)
    {
        foreach (var key in keys)
            await page.Keyboard.PressAsync(key);
    }

    protected static ILocator Row(IPage page, string agent) => page.Locator($"[data-agent={agent}]");

    /// <summary>A signed-in page at a place.</summary>
    protected async Task<IPage> AtAsync(string path, int width = 1440, int height = 900) =>
        await AtAsync(await ProfileAsync(width, height), path);

    /// <summary>A page of a profile that a login link signs in at a place.</summary>
    protected async Task<IPage> AtAsync(IBrowserContext profile, string path)
    {
        var page = await profile.NewPageAsync();
        await GoAsync(page, path + new Uri(await Hive.LoginLinkAsync()).Fragment);
        return page;
    }

    /// <summary>A signed-in page at a place, which holds every decision for an hour of its own clock.</summary>
    protected async Task<IPage> HoldingAsync(string path)
    {
        var profile = await ProfileAsync();
        await profile.RouteAsync(
            "**/api/state",
            async route =>
            {
                var answer = await route.FetchAsync();
                var snapshot = JsonNode.Parse(await answer.TextAsync())!;
                snapshot["preferences"]!["undo_seconds"] = Hour / 1000;
                await route.FulfillAsync(new() { Response = answer, Body = snapshot.ToJsonString() });
            }
        );
        await profile.Clock.InstallAsync();
        return await AtAsync(profile, path);
    }

    /// <summary>Loads the page at a place.</summary>
    protected async Task GoAsync(IPage page, string path)
    {
        await page.GotoAsync(Hive.Url + path);
        await StateIs(page, "live");
    }

    /// <summary>Opens the menu of what can be done with an agent and picks a line of it.</summary>
    protected static async Task PickAsync(IPage page, string agent, string line)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = $"What can be done with {agent}" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = line }).ClickAsync();
    }

    /// <summary>Confirms an action that cannot be undone.</summary>
    protected static Task ConfirmAsync(IPage page) => page.Locator(".dialog.confirm .act.bad").ClickAsync();

    /// <summary>Leaves everything as it is.</summary>
    protected static Task CancelAsync(IPage page) => page.Locator(".dialog.confirm .act:not(.bad)").ClickAsync();

    /// <summary>Takes back what was just done, once its answer is there: the page may show a change before.</summary>
    protected static async Task TakeBackAsync(IPage page)
    {
        await Expect(page.Locator(".toast[data-state=done]").Last).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("z");
    }

    protected static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
