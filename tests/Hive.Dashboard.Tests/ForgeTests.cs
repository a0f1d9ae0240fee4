using System.Text.RegularExpressions;
using Hive.Tests.Forge;
using Microsoft.Playwright;

namespace Hive.Dashboard.Tests;

/// <summary>The forge on the page: accounts, pushes, failures and retries.</summary>
public sealed class ForgeTests(Browser browser) : DashboardTest(browser), IAsyncLifetime
{
    private StandInForge forge = null!;

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await InitializeAsync();
        forge = await StandInForge.Start();
    }

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        await forge.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_forge_the_page_says_so_and_shows_no_badges()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await AtAsync("/agents/alice");
        await Expect(page.Locator("main").GetByText("forge:")).ToHaveCountAsync(0);
        await page.GotoAsync(Hive.Url + "/system");
        await Expect(page.Locator("#forge")).ToContainTextAsync("The forge is off: no forge is configured");
        await Expect(page.Locator("#forge .act")).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData(360, 780)]
    [InlineData(1440, 900)]
    public async Task Accounts_and_pushes_show_live_and_a_retry_fixes_a_failed_push(int width, int height)
    {
        await ConnectAsync();
        using var alice = await Hive.JoinAsync("alice");
        using var api = await Hive.JoinAsync("api");
        var page = await AtAsync("/system", width, height);
        await Expect(page.Locator("[data-repository='agents/alice']")).ToContainTextAsync("pushed");
        await Expect(page.Locator("[data-repository='agents/alice']")).Not.ToContainTextAsync("not pushed yet");
        await Expect(page.Locator("[data-repository='core/meta'] a"))
            .ToHaveAttributeAsync("href", $"{forge.Url}/core/meta");
        await Expect(page.Locator("[data-account='api']")).ToContainTextAsync("name is reserved");

        var hook = Path.Combine(forge.Repository("agents/alice"), "hooks", "pre-receive");
        Directory.CreateDirectory(Path.GetDirectoryName(hook)!);
        await File.WriteAllTextAsync(hook, "#!/bin/sh\nexit 1\n");
        File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        await Hive.ApplyAsync("alice", "agent.yaml", "model: another\n");
        await Hive.CallAsync("rebuild", new { name = "alice" });
        await Expect(page.Locator("[data-repository='agents/alice']")).ToContainTextAsync("pre-receive hook declined");
        await Expect(page.Locator("#forge .count.bad")).ToHaveTextAsync("1 behind");
        await AccessibilityTests.NoSeriousViolationAsync(page, width);
        // The badge behind an agent's details leads to what it tells of.
        await GoAsync(page, "/agents/alice");
        await page.Keyboard.PressAsync("i");
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^forge: push failed") }).ClickAsync();
        await Expect(page.Locator("#forge")).ToBeFocusedAsync();

        File.Delete(hook);
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry what failed on the forge" }).ClickAsync();
        await Expect(page.Locator("#forge .count.bad")).ToHaveCountAsync(0);
        await Expect(page.Locator("[data-repository='agents/alice'] .wrong")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task An_unreachable_forge_shows_with_the_reason()
    {
        await ConnectAsync();
        var page = await AtAsync("/system");
        await Expect(page.Locator("#forge")).ToContainTextAsync("● answers");
        forge.Pause();
        // The button has another name after a failure, which the first sweep may have met.
        await page.Locator("#forge")
            .GetByRole(AriaRole.Button, new() { NameRegex = new Regex("on the forge") })
            .ClickAsync();
        await Expect(page.Locator("#forge")).ToContainTextAsync("✗ not working");
        await Expect(page.Locator("#forge .note")).ToContainTextAsync("cannot be reached");
        await Expect(page.Locator("#forge .since").First).ToContainTextAsync("retried in");
    }

    private Task ConnectAsync() =>
        Hive.ConfigureAsync(
            new
            {
                Forge = new
                {
                    forge.Url,
                    User = StandInForge.AdminName,
                    Password = forge.AdminPassword,
                },
            }
        );
}
