using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The connection state on the page, and its truth.</summary>
public sealed class ConnectionTests(Browser browser) : DashboardTest(browser)
{
    /// <summary>Console messages of browsers about a host that is gone.</summary>
    private static readonly string[] HostAway =
    [
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY_RESPONSE",
    ];

    [Fact]
    public async Task A_page_catches_up_after_a_restart_of_the_host()
    {
        Expected = HostAway;
        using (await Hive.JoinAsync("bob"))
        using (var alice = await Hive.JoinAsync("alice"))
            await alice.CallAsync("send", new { to = "bob", body = "before" });
        var page = await AtAsync("/messages");
        await Expect(Message(page, "before")).ToBeVisibleAsync();
        await WriteAsync(page, "a draft");

        await Hive.StopHostAsync();

        await StateIs(page, "reconnecting");
        await Expect(page.Locator(".top .connection [role=status]")).ToContainTextAsync("may be out of date");
        await Expect(page.Locator(".top .connection-detail")).ToContainTextAsync("for ");
        await Expect(Message(page, "before")).ToBeVisibleAsync();

        await Hive.StartHostAsync();
        using (var alice = await Hive.OpenAsync("alice"))
            await alice.CallAsync("send", new { to = "bob", body = "meanwhile" });

        await StateIs(page, "live", "resynced");
        await Expect(Message(page, "meanwhile")).ToBeVisibleAsync();
        await Expect(page.Locator(".compose-bar textarea")).ToHaveValueAsync("a draft");
        using (var alice = await Hive.OpenAsync("alice"))
            await alice.CallAsync("send", new { to = "bob", body = "after" });
        await Expect(Message(page, "after")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_reader_further_up_stays_there_when_the_host_restarts()
    {
        Expected = HostAway;
        (await Hive.JoinAsync("bob")).Dispose();
        using (var alice = await Hive.JoinAsync("alice"))
        {
            for (var i = 1; i <= 80; i++)
                await alice.CallAsync("send", new { to = "bob", body = $"message {i:00}" });
        }

        var page = await AtAsync("/messages");
        await Expect(Message(page, "message 80")).ToBeInViewportAsync();
        await page.Locator("#flow").EvaluateAsync("list => (list.scrollTop = 0)");
        await Expect(Message(page, "message 01")).ToBeInViewportAsync();

        await Hive.StopHostAsync();
        await StateIs(page, "reconnecting");
        await Hive.StartHostAsync();
        using var again = await Hive.OpenAsync("alice");
        await again.CallAsync("send", new { to = "bob", body = "while you read the past" });

        await StateIs(page, "live", "resynced");
        var pill = page.GetByRole(AriaRole.Button, new() { Name = "1 new messages" });
        await Expect(pill).ToBeVisibleAsync();
        await Expect(Message(page, "message 01")).ToBeInViewportAsync();
        await pill.ClickAsync();
        await Expect(Message(page, "while you read the past")).ToBeInViewportAsync();
    }

    [Fact]
    public async Task Another_program_gets_no_key_and_the_page_resumes_with_the_host()
    {
        Expected = HostAway;
        using (await Hive.JoinAsync("alice")) { }

        var page = await AtAsync("/agents");
        await WriteAsync(page, "a draft");
        await page.Keyboard.PressAsync("Escape");
        var key = await page.EvaluateAsync<string>("localStorage.getItem('hive.key')");

        await Hive.StopHostAsync();
        using (var impostor = new Impostor(Hive.Url))
        {
            await StateIs(page, "stranger");
            await Expect(page.Locator(".top .connection [role=status]"))
                .ToContainTextAsync("Another program answers at this address");
            await Expect(page.Locator(".top .connection-detail")).ToContainTextAsync("nothing was sent to it");
            await PickAsync(page, "alice", "Pause alice");
            await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Another program answers");
            await page.GetByRole(AriaRole.Link, new() { Name = "alice", Exact = true }).First.ClickAsync();
            await Expect(page.Locator("[data-following]")).ToContainTextAsync("not your Hive");

            Assert.Contains(
                impostor.Requests,
                request => request.StartsWith("POST /api/session/proof", StringComparison.Ordinal)
            );
            Assert.All(
                impostor.Requests,
                request =>
                {
                    Assert.DoesNotContain("Authorization", request, StringComparison.OrdinalIgnoreCase);
                    Assert.DoesNotContain(key, request, StringComparison.Ordinal);
                }
            );
        }

        await page.GoBackAsync();
        await Hive.StartHostAsync();
        using var alice = await Hive.OpenAsync("alice");

        await StateIs(page, "live", "resynced");
        await page.Keyboard.PressAsync("c");
        await Expect(page.Locator(".compose-bar textarea")).ToHaveValueAsync("a draft");
        await page.Keyboard.PressAsync("Escape");
        await PickAsync(page, "alice", "Pause alice");
        await Expect(Row(page, "alice").GetByText("paused")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_program_that_relays_to_the_real_host_gets_no_key()
    {
        Expected = HostAway;
        var page = await AtAsync("/agents");
        var key = await page.EvaluateAsync<string>("localStorage.getItem('hive.key')");

        var address = Hive.Url;
        await Hive.StopHostAsync();
        await Hive.StartElsewhereAsync();
        using var impostor = new Impostor(address, relayTo: Hive.Url);
        await StateIs(page, "stranger");
        await Expect(page.Locator(".top .connection-detail")).ToContainTextAsync("nothing was sent to it");

        Assert.Contains(
            impostor.Requests,
            request => request.StartsWith("POST /api/session/proof", StringComparison.Ordinal)
        );
        Assert.All(
            impostor.Requests,
            request =>
            {
                Assert.DoesNotContain("Authorization", request, StringComparison.OrdinalIgnoreCase);
                Assert.DoesNotContain(key, request, StringComparison.Ordinal);
                Assert.DoesNotContain("masked.", request, StringComparison.Ordinal);
            }
        );
    }

    [Fact]
    public async Task A_page_retries_until_a_host_that_knows_its_key_is_back()
    {
        Expected = HostAway;
        var page = await AtAsync("/messages");
        await WriteAsync(page, "a draft");

        await Hive.StopHostAsync();
        using (new Impostor(Hive.Url, knowsKey: false))
            await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Do not reload");
        await Hive.StartHostAsync();
        await page.EvaluateAsync("dispatchEvent(new Event('online'))");

        await StateIs(page, "live");
        await Expect(page.Locator(".compose-bar textarea")).ToHaveValueAsync("a draft");
    }

    [Fact]
    public async Task An_open_page_loads_no_script_from_another_program()
    {
        Expected = HostAway;
        (await Hive.JoinAsync("alice")).Dispose();
        using var manager = await Hive.OpenAsync("manager");
        // Too long to be open at first.
        var lines = Enumerable.Range(1, 3000).Select(i => $"line{i}: {i}");
        await File.WriteAllLinesAsync(Path.Combine(Hive.ConfigOf("alice"), "many.yaml"), lines);
        await Hive.GitAsync("alice", "add", "-A");
        string[] manages = ["-c", "user.name=manager", "-c", "user.email=manager@hive"];
        await Hive.GitAsync("alice", [.. manages, "commit", "-qm", "many"]);
        var commit = await Hive.GitAsync("alice", "rev-parse", "HEAD");
        await manager.CallAsync("request_apply_commit", new { agent = "alice", commit_ref = commit });
        var page = await SignedInAsync();
        await page.EvaluateAsync(
                """
                () => new Promise(done => {
                  new PerformanceObserver(list => {
                    if (list.getEntries().some(({ name }) => /\/later-[^/]+\.js$/.test(name))) done();
                  }).observe({ type: 'resource', buffered: true });
                })
                """
            )
            .WaitAsync(TimeSpan.FromSeconds(60));
        await page.GetByRole(AriaRole.Link, new() { Name = "Changes" }).ClickAsync();
        var file = page.Locator("[data-file='many.yaml']");
        await Expect(file).ToBeVisibleAsync();

        await Hive.StopHostAsync();
        using var impostor = new Impostor(Hive.Url);
        await StateIs(page, "stranger");
        await file.GetByRole(AriaRole.Button, new() { Name = "many.yaml" }).ClickAsync();

        await Expect(file.Locator(".as-attr").First).ToBeVisibleAsync();
        Assert.All(
            impostor.Requests,
            request => Assert.StartsWith("POST /api/session/proof", request, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Tabs_share_one_stream_and_the_last_one_closes_it()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        var first = await AtAsync("/messages");
        List<IPage> tabs = [first];
        for (var i = 0; i < 7; i++)
        {
            var tab = await first.Context.NewPageAsync();
            await tab.GotoAsync(Hive.Url + "/messages");
            await StateIs(tab, "live");
            tabs.Add(tab);
        }

        await alice.CallAsync("send", new { to = "bob", body = "to every tab" });
        foreach (var tab in tabs)
            await Expect(Message(tab, "to every tab")).ToBeVisibleAsync();
        Assert.Equal(1, Hive.Streams);

        foreach (var tab in tabs.Skip(1))
            await tab.CloseAsync();
        await alice.CallAsync("send", new { to = "bob", body = "to the one that is left" });
        await Expect(Message(first, "to the one that is left")).ToBeVisibleAsync();
        Assert.Equal(1, Hive.Streams);

        await first.CloseAsync();
        await Hive.StreamsAreAsync(0);
    }

    [Fact]
    public async Task Without_shared_workers_a_tab_holds_its_own_stream()
    {
        using var alice = await Hive.JoinAsync("alice");
        var profile = await ProfileAsync();
        await profile.AddInitScriptAsync("delete window.SharedWorker");
        var page = await profile.NewPageAsync();
        await page.GotoAsync(await Hive.LoginLinkAsync());
        await StateIs(page, "live");

        await page.GotoAsync(Hive.Url + "/messages");
        await StateIs(page, "live");
        await alice.CallAsync("send", new { to = "operator", body = "no worker needed" });

        await Expect(Message(page, "no worker needed")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_snapshot_is_fetched_once()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await (await ProfileAsync()).NewPageAsync();
        var snapshots = 0;
        page.Request += (_, request) =>
            snapshots += request.Url.EndsWith("/api/state", StringComparison.Ordinal) ? 1 : 0;
        await page.GotoAsync(await Hive.LoginLinkAsync());
        await StateIs(page, "live");

        // From place to place nothing is loaded again.
        foreach (var place in new[] { "Agents", "Messages", "Statistics", "Your call", "Overview" })
            await page.Locator(".nav").GetByRole(AriaRole.Link, new() { Name = place }).First.ClickAsync();
        await alice.CallAsync("send", new { to = "operator", body = "hello" });
        await page.Locator(".nav").GetByRole(AriaRole.Link, new() { Name = "Messages" }).First.ClickAsync();
        await Expect(Message(page, "hello")).ToBeVisibleAsync();

        Assert.Equal(1, snapshots);
    }

    /// <summary>Opens the box that every place has, and writes a draft to the operator's last recipient.</summary>
    private static async Task WriteAsync(IPage page, string text)
    {
        await page.Locator("main").FocusAsync();
        await page.Keyboard.PressAsync("c");
        await page.Locator(".compose-bar textarea").FillAsync(text);
    }
}
