using System.Text.Json;
using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The box in which every text is written: its drafts, completions and limits.</summary>
public sealed class WritingTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_recipient_is_completed_with_the_keyboard_and_kept()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var albert = await Hive.JoinAsync("albert");
        using var bob = await Hive.JoinAsync("bob");
        var page = await AtAsync("/messages");
        var box = Box(page);
        var options = page.GetByRole(AriaRole.Listbox, new() { Name = "Recipients" }).GetByRole(AriaRole.Option);

        await box.PressSequentiallyAsync("@al");
        await Expect(options).ToHaveCountAsync(2);
        await box.PressAsync("Escape");
        await Expect(options).ToHaveCountAsync(0);
        await box.FillAsync("@al");
        await Expect(options.Nth(0)).ToHaveAttributeAsync("aria-selected", "true");
        await box.PressAsync("ArrowDown");
        await Expect(options.Nth(1)).ToHaveAttributeAsync("aria-selected", "true");
        await box.PressAsync("Tab");

        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@alice>");
        await Expect(box).ToBeFocusedAsync();
        await box.PressSequentiallyAsync("straight to you");
        await page.ReloadAsync();
        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@alice>");
        await Expect(box).ToHaveValueAsync("straight to you");
        await box.PressAsync("Enter");
        Assert.Equal("straight to you", Received(await alice.CallAsync("recv", new { wait_seconds = 30 })).Body);

        // A broadcast is held, and taken back it is written again.
        await box.FillAsync("@* all of you");
        await box.PressAsync("Enter");
        await Expect(box).ToHaveValueAsync("");
        await page.Locator("h1").ClickAsync();
        await page.Keyboard.PressAsync("z");
        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@*>");
        await Expect(box).ToHaveValueAsync("all of you");
        await box.PressAsync("Enter");
        Assert.Equal("all of you", Received(await bob.CallAsync("recv", new { wait_seconds = 30 })).Body);
        Assert.Equal("all of you", Received(await albert.CallAsync("recv", new { wait_seconds = 30 })).Body);
        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@alice>");
    }

    [Fact]
    public async Task A_message_that_cannot_be_sent_stays_in_the_box_with_the_reason()
    {
        Expected = ["status of 404"];
        using var alice = await Hive.JoinAsync("alice");
        var page = await AtAsync("/messages");
        var box = Box(page);
        var alert = page.Locator(".compose-bar").GetByRole(AriaRole.Alert);

        await box.FillAsync($"@alice {new string('x', 100)}");
        await Expect(page.Locator(".bytes")).ToHaveCountAsync(0);
        await box.FillAsync(new string('ä', 2100));
        await box.PressAsync("Enter");
        await Expect(alert).ToContainTextAsync("4200 bytes");
        await Expect(alert).ToContainTextAsync("send it as a file");
        await Expect(page.Locator(".bytes")).ToContainTextAsync("4200/4096");

        await box.FillAsync("@alicia hello");
        await box.PressAsync("Enter");
        await Expect(alert).ToContainTextAsync("alice");
        await Expect(box).ToHaveValueAsync("@alicia hello");
    }

    [Fact]
    public async Task A_text_over_the_limit_is_sent_as_a_file_that_its_reader_opens()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await AtAsync("/messages");
        var box = Box(page);
        var asFile = page.GetByRole(AriaRole.Button, new() { Name = "Send as a file" });
        var text = "The plan, in detail.\n" + string.Concat(Enumerable.Repeat("größer 🎉\n", 500));

        await box.FillAsync("@alice ");
        await box.FillAsync(new string('x', 4096));
        await Expect(page.Locator(".bytes")).ToContainTextAsync("4096/4096");
        await Expect(asFile).ToHaveCountAsync(0);
        await box.FillAsync(text);
        // By keyboard: it is the next stop after the button that sends.
        await box.PressAsync("Tab");
        await page.Keyboard.PressAsync("Tab");
        await Expect(asFile).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");

        await Expect(box).ToHaveValueAsync("");
        var message = Received(await alice.CallAsync("recv", new { wait_seconds = 30 }));
        Assert.StartsWith("The plan, in detail.\ngrößer", message.Body, StringComparison.Ordinal);
        // An agent without a container opens the host's path.
        var path = message.Body.Split("\n\nFile: ")[1];
        Assert.Equal(Path.GetDirectoryName(path), Hive.Shared);
        Assert.Equal(text, await File.ReadAllTextAsync(path));
        Assert.Equal([path], message.FileRefs);

        // The page opens it too; and what an agent is told in another place goes the same way.
        await Message(page, "The plan, in detail.").GetByRole(AriaRole.Button, new() { Name = path }).ClickAsync();
        await Expect(page.Locator(".viewer")).ToContainTextAsync("größer 🎉");
        await alice.CallAsync("ask", new { question = "What is the plan?" });
        await GoAsync(page, "/waiting");
        var answer = page.GetByRole(AriaRole.Textbox, new() { Name = "Answer to alice" });
        await answer.FillAsync(text);
        await asFile.ClickAsync();
        var answered = Received(await alice.CallAsync("recv", new { wait_seconds = 30 }));
        var told = JsonElement.Parse(answered.Body).GetProperty("answer").GetString()!;
        Assert.Equal(text.Trim(), await File.ReadAllTextAsync(told.Split("\n\nFile: ")[1]));
    }

    [Fact]
    public async Task A_draft_outlives_places_tabs_and_the_host_and_is_sent_by_a_key()
    {
        Expected = ["ERR_CONNECTION_REFUSED", "Failed to load resource", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE"];
        Directory.CreateDirectory(Hive.Shared);
        await File.WriteAllTextAsync(Path.Combine(Hive.Shared, "plan.md"), "the plan");
        using var alice = await Hive.JoinAsync("alice");
        using (await Hive.JoinAsync("bob")) { }
        await alice.CallAsync("send", new { to = "operator", body = "see /shared/plan.md, and the parser" });
        var page = await SignedInAsync();

        // At any place, below it; the connection stays in view.
        await page.Keyboard.PressAsync("c");
        var box = Box(page);
        await Expect(box).ToBeFocusedAsync();
        Assert.True(await IsOnTopAsync(page, ".top .connection"));
        await box.PressSequentiallyAsync("@bob ");
        await box.PressSequentiallyAsync("half a sen");
        await page.Keyboard.PressAsync("Escape");
        await Expect(box).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("c");
        await Expect(box).ToHaveValueAsync("half a sen");
        await box.FillAsync("@alice ");
        await Expect(box).ToHaveValueAsync("");

        // Another tab shows the same draft, also as the agent's own box.
        var other = await page.Context.NewPageAsync();
        await GoAsync(other, "/agents/bob/messages");
        var theirs = other.GetByRole(AriaRole.Textbox, new() { Name = "Message to bob" });
        await theirs.FillAsync("half a sentence");
        await box.FillAsync("@bob ");
        await Expect(box).ToHaveValueAsync("half a sentence");

        // Completions of what the page knows.
        await box.FillAsync("see #pars");
        var offers = page.GetByRole(AriaRole.Listbox).GetByRole(AriaRole.Option);
        await Expect(offers).ToContainTextAsync("#1");
        await box.PressAsync("Tab");
        await box.PressSequentiallyAsync("/shared/p");
        await Expect(offers).ToContainTextAsync("/shared/plan.md");
        await box.PressAsync("Enter");
        await Expect(box).ToHaveValueAsync("see #1 /shared/plan.md ");
        await Expect(theirs).ToHaveValueAsync("see #1 /shared/plan.md ");

        // While the host is away nothing is sent, and nothing by itself when it is back.
        await Hive.StopHostAsync();
        await StateIs(page, "reconnecting");
        await box.PressAsync("Enter");
        var note = page.Locator(".compose-bar .writing-note");
        await Expect(note).ToContainTextAsync("The host is away, so this was not sent");
        await page.EvaluateAsync("window.notReloaded = true");
        await Hive.StartHostAsync();
        using var bob = await Hive.OpenAsync("bob");
        await StateIs(page, "live", "resynced");
        await Expect(note).ToHaveTextAsync("The host is back: enter sends this.");
        await box.PressAsync("Enter");
        await Expect(box).ToHaveValueAsync("");
        await Expect(theirs).ToHaveValueAsync("");
        Assert.Equal("see #1 /shared/plan.md ", Received(await bob.CallAsync("recv", new { wait_seconds = 30 })).Body);

        // What was sent before, from any box.
        await theirs.PressAsync("ArrowUp");
        await Expect(theirs).ToHaveValueAsync("see #1 /shared/plan.md ");
        await theirs.PressAsync("ArrowDown");
        await Expect(theirs).ToHaveValueAsync("");
    }

    [Fact]
    public async Task A_message_is_sent_in_steps_and_an_agents_place_has_one_box()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        await alice.CallAsync("send", new { to = "operator", body = "shall I?" });
        var page = await AtAsync("/messages");
        var palette = page.Locator(".palette");

        // Another recipient is chosen in the palette, and nothing is left in the box.
        await page.GetByRole(AriaRole.Button, new() { Name = "choose another recipient" }).ClickAsync();
        await Expect(palette.GetByRole(AriaRole.Heading)).ToHaveTextAsync("To whom?");
        await page.Keyboard.TypeAsync("alice");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".prompt")).ToHaveTextAsync("@alice>");
        await Expect(Box(page)).ToBeFocusedAsync();
        await Expect(Box(page)).ToHaveValueAsync("");

        // A message in steps: escape goes one back.
        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("send a message");
        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.TypeAsync("alice");
        await page.Keyboard.PressAsync("Enter");
        await Expect(palette.Locator("textarea")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(palette.GetByRole(AriaRole.Heading)).ToHaveTextAsync("To whom?");
        await page.Keyboard.TypeAsync("bob");
        await page.Keyboard.PressAsync("Enter");
        await Expect(palette.Locator("textarea")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("in steps");
        await page.Keyboard.PressAsync("Enter");
        await Expect(palette).ToHaveCountAsync(0);
        Assert.Equal("in steps", Received(await bob.CallAsync("recv", new { wait_seconds = 30 })).Body);

        // A reply and a command are written in the one box of the agent's place.
        await GoAsync(page, "/agents/alice/messages");
        await Expect(page.Locator("#conversation")).ToContainTextAsync("shall I?");
        await page.Locator("#conversation").FocusAsync();
        await Expect(page.Locator("#conversation [data-key]")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("r");
        var box = page.GetByRole(AriaRole.Textbox, new() { Name = "Message to alice" });
        await Expect(box).ToHaveCountAsync(1);
        await Expect(box).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("do");
        await page.Keyboard.PressAsync("Enter");
        var reply = Received(await alice.CallAsync("recv", new { wait_seconds = 30 }));
        Assert.Equal("do", reply.Body);
        Assert.Equal(1, reply.InReplyTo);
        await box.FillAsync("/help");
        await box.PressAsync("Enter");
        await Expect(page.Locator(".agent-messages .commands")).ToContainTextAsync("/compact");
    }

    private static ILocator Box(IPage page) => page.Locator(".compose-bar textarea");

    /// <summary>Whether nothing covers the middle of an element.</summary>
    private static Task<bool> IsOnTopAsync(IPage page, string selector) =>
        page.EvaluateAsync<bool>(
            """
            selector => {
              const element = document.querySelector(selector);
              const { x, y, width, height } = element.getBoundingClientRect();
              return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
            }
            """,
            selector
        );

    private static Message Received(JsonElement answer) =>
        answer.GetProperty("messages")[0].Deserialize<Message>(WireJson.Options)!;
}
