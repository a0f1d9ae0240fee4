using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Addresses that lead to nothing, or to what is gone: the page says what became of it.</summary>
public sealed class AddressTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    [Sampled]
    public async Task An_address_of_nothing_says_so_and_no_place_is_blank()
    {
        Expected = ["status of 400", "status of 404", "status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        await manager.CallAsync("request_spawn", new { name = "bob" });
        await Hive.CallAsync("deny", new { id = 1 });
        await Hive.FillAsync(
            // The change is not among the newest decided ones any more.
            """
            WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
            INSERT INTO approvals (id, agent, kind, status, requester, requested_at, resolved_at)
            SELECT i, 'bob', kind, status, requester, requested_at + i, resolved_at + i FROM n, approvals WHERE id = 1
            """
        );
        var page = await SignedInAsync();
        const string Number = "A change is a number";
        (string Path, string Said)[] addresses =
        [
            ("/messages/abc", "“abc” is not the number of a message"),
            ("/messages/1e3", "“1e3” is not the number of a message"),
            ("/messages/99999999999999999999", "is not the number of a message"),
            ("/messages/999999", "Message 999999 not found"),
            ("/messages?state=x&q=%22*(&kind=nothing", "No message"),
            ("/messages?agent=%00", "'agent' contains a NUL"),
            ("/changes/abc", Number),
            ("/changes/1e2", Number),
            ("/changes/0x10", Number),
            ("/changes/999", "and change 999 is not one of them. The terminal shows any change: hive pending 999."),
            ("/changes/1", "approval 1 was denied at"),
            ("/agents/nobody", "There is no agent nobody"),
            ("/agents/%3Cscript%3E", "There is no agent <script>"),
            ("/agents/%E2%80%AEexe.png", "There is no agent ⟨U+202E⟩exe.png"),
            ("/agents/%E0%A4%A", "There is no agent %E0%A4%A"),
            ("/agents/alice/nothing", "alice has no tab nothing"),
            ("/agents/alice/turns/abc", "abc is not a turn"),
            ("/agents/alice/turns/999", "alice has no turn 999"),
            ("/agents?group=nothing&sort=nothing&q=%22*(", "No agent fits the filter"),
            ("/waiting/%E0%A4%A", "%E0%A4%A waits no longer"),
            ("/waiting/question-", "question- does not wait"),
            ("/waiting/question-99999999999999999999", "does not wait"),
            ("/tickets/999999", "Ticket 999999 does not exist, or was deleted"),
            ("/tickets/1e3", "“1e3” is not a ticket's number"),
            ("/board?workflow=nothing&state=nothing&q=%22*(", "No tickets yet"),
            ("/?open=task:999999", "Task 999999 cannot be shown"),
            ("/?open=artifact:%3Cb%3E", "This artifact cannot be shown"),
            ("/stats?window=nothing&agent=nobody", "No agent took a turn"),
            ("/?open=nothing:1", "“nothing:1” cannot be opened beside a place"),
            ("/?open=%3Cimg%3E%E2%80%AE", "“<img>⟨U+202E⟩” cannot be opened beside a place"),
            ("/?open=diff:abc", Number),
            ("/?open=diff:999", "and change 999 is not one of them"),
            ("/?open=diff:1", "approval 1 was denied at"),
            ("/?open=log:nobody", "agent 'nobody' not found"),
            ("/?open=log:%3Cb%3E", "'name' is not a valid agent name"),
            ("/?open=file:/nowhere", "This file cannot be shown: it is missing"),
            ("/?open=message:999999", "Message 999999 not found"),
            ("/?open=message:abc", "“abc” is not the number of a message"),
            ("/?open=file:", "This file cannot be shown: it is missing"),
            ("/no-such-place", "/no-such-place is not a place of this dashboard"),
            ("/waitin", "Did you mean /waiting"),
        ];
        foreach (var (path, said) in Ring.Sample(addresses, 12))
        {
            await page.GotoAsync(Hive.Url + path);
            await StateIs(page, "live");
            await Expect(page.Locator("main h1").First).ToBeVisibleAsync();
            var within = path.Contains("open=", StringComparison.Ordinal) ? ".panel" : "main";
            await Expect(page.Locator(within)).ToContainTextAsync(said, new() { UseInnerText = true });
            // The title of the tab has no characters that turn text around.
            Assert.DoesNotContain('\u202E', await page.TitleAsync());
        }

        await GoAsync(page, "/?open=");
        await Expect(page.Locator(".panel")).ToHaveCountAsync(0);
    }
}
