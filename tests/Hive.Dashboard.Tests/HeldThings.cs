using System.Diagnostics;
using System.Text.Json;
using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>One of each thing on which the page holds an action before it sends it; a round makes them again.</summary>
internal sealed class HeldThings : IDisposable
{
    private const string Alice = "alice";

    private readonly LiveHive hive;
    private readonly DirectoryInfo source = Directory.CreateTempSubdirectory("hive-input-");

    // How often the input was pinned when each round began.
    private readonly List<int> pins = [];
    private LineClient? alice;

    private HeldThings(LiveHive hive) => this.hive = hive;

    /// <summary>The names of the actions. The inputs last: the host answers before their agents are built, so that a
    /// kill soon after the answer undoes it.</summary>
    public static IReadOnlyList<string> All { get; } =
    ["reminder", "approval", "given", "question", "answer", "parked", "broadcast", "inputs"];

    /// <summary>Starts the host again with an agent that is built with an input.</summary>
    public static async Task<HeldThings> StartAsync(LiveHive hive)
    {
        var things = new HeldThings(hive);
        await hive.ConfigureAsync(new { Inputs = new { AllowedPaths = things.source.FullName } });
        things.Git("init", "-q", "-b", "main");
        things.Commit();
        await hive.ApplyAsync(
            Alice,
            "agent.yaml",
            $"inputs:\n  skills: {{ url: \"file://{things.source.FullName}\" }}\n"
        );
        things.alice = await hive.JoinAsync(Alice);
        return things;
    }

    public void Dispose()
    {
        alice?.Dispose();
        source.Delete(recursive: true);
    }

    /// <summary>The agent connects again, after a restart of the host.</summary>
    public async Task ReconnectAsync()
    {
        alice!.Dispose();
        alice = await hive.OpenAsync(Alice);
    }

    /// <summary>Makes a thing for each action.</summary>
    public async Task<Round> BeginAsync()
    {
        pins.Add(Pins());
        var number = pins.Count;
        Commit();
        var approval = Id(await hive.CallAsync("request_spawn", new { name = $"new-{number}" }));
        var given = Id(await hive.CallAsync("request_spawn", new { name = $"more-{number}" }));
        var question = await alice!.AskAsync(new { question = $"Ship {number}?" });
        var answer = await alice!.AskAsync(new { question = $"Where to {number}?" });
        var reminder = Id(await alice!.CallAsync("remind", new { message = "look", delay_seconds = 7200 }));
        var parked = Id(await hive.CallAsync("send", new { to = Alice, body = $"odd {number}" }));
        for (var i = 0; i < Limits.NacksBeforeParking; i++)
        {
            var got = await alice!.CallAsync("recv", new { wait_seconds = 30, max = 32 });
            var ids = got.GetProperty("messages").EnumerateArray().Select(Id).ToArray();
            Assert.Contains(parked, ids);
            await alice!.CallAsync("ack", new { ids = ids.Where(id => id != parked) });
            await alice!.CallAsync(
                "nack",
                new
                {
                    ids = new[] { parked },
                    delay_seconds = 0,
                    error = "too odd",
                }
            );
        }

        return new Round(
            this,
            number,
            new()
            {
                ["approval"] = approval,
                ["given"] = given,
                ["question"] = question,
                ["answer"] = answer,
                ["reminder"] = reminder,
                ["parked"] = parked,
            }
        );
    }

    private void Commit()
    {
        File.WriteAllText(Path.Combine(source.FullName, "skill.md"), $"{pins.Count}\n");
        Git("add", "-A");
        Git("-c", "user.name=somebody", "-c", "user.email=some@body", "commit", "-q", "-m", "a change");
    }

    private void Git(params string[] arguments)
    {
        using var git = Process.Start("git", ["-C", source.FullName, .. arguments]);
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
    }

    /// <summary>How often the input of the agent was pinned again.</summary>
    private int Pins()
    {
        using var git = Process.Start(
            new ProcessStartInfo("git", ["-C", hive.Meta, "log", "--format=%s"]) { RedirectStandardOutput = true }
        )!;
        return git.StandardOutput.ReadToEnd().Split('\n').Count(line => line == $"update skills of {Alice}");
    }

    private static long Id(JsonElement row) => row.GetProperty("id").GetInt64();

    /// <summary>The things of a round.</summary>
    internal sealed class Round(HeldThings things, int number, Dictionary<string, long> ids)
    {
        private string Words => $"stop {number}";

        /// <summary>The words of the first decision, with which the second one is refused; null where another decision
        /// does not hinder it.</summary>
        public static string? RefusalOf(string thing) =>
            thing switch
            {
                "approval" => "approved elsewhere",
                "given" => "denied elsewhere",
                "question" => "answered by operator",
                "answer" => "was cancelled",
                "reminder" => "not found",
                "parked" => "neither parked nor waiting for a retry",
                _ => null,
            };

        /// <summary>The page itself learns that it was decided.</summary>
        public static bool IsDropped(string thing) => thing is "approval" or "given" or "question" or "answer";

        /// <summary>How the host says that something else was decided.</summary>
        public static string Other(string thing) =>
            thing switch
            {
                "approval" => "approved: ",
                "given" => "denied: ",
                "question" => "yes",
                "answer" => "[cancelled]",
                "parked" => "retried",
                _ => Once(thing),
            };

        /// <summary>How the host says that an action has happened once.</summary>
        public static string Once(string thing) =>
            thing switch
            {
                "inputs" => "1 update",
                "reminder" => "gone",
                "approval" => "denied: not now",
                "given" => "approved: ",
                "question" => "[cancelled]",
                "answer" => "yes",
                "parked" => "dropped",
                _ => "1 message",
            };

        /// <summary>The name under which the page holds an action.</summary>
        public string NameOf(string thing) =>
            thing switch
            {
                "inputs" => "inputs: skills",
                "reminder" or "question" or "answer" => $"{ids[thing]} of {Alice}",
                "approval" => $"{ids[thing]}: a new agent new-{number}",
                "given" => $"{ids[thing]}: a new agent more-{number}",
                "parked" => $"message {ids[thing]}",
                _ => $"to every agent: {Words}",
            };

        /// <summary>Does everything, so that the page holds all of it.</summary>
        public async Task HoldAllAsync(IPage page)
        {
            foreach (var thing in All)
            {
                await PressAsync(page, thing);
                await Assertions.Expect(Held(page).Last).ToContainTextAsync(NameOf(thing));
            }
        }

        /// <summary>Does it.</summary>
        /// <param name="page">The page.</param>
        /// <param name="thing">The action.</param>
        /// <param name="again">It is held already.</param>
        public async Task PressAsync(IPage page, string thing, bool again = false)
        {
            var place = thing == "inputs" ? "/system" : "/waiting";
            await page.Locator($".nav a[href='{place}']").First.ClickAsync();
            switch (thing)
            {
                case "inputs":
                    // By keys: what is held lies over this end of the page.
                    var input = page.Locator("[data-input=skills] input");
                    if (!await input.IsCheckedAsync())
                        await input.PressAsync("Space");
                    await page.Locator("#meta .counts .act").PressAsync("Enter");
                    return;
                case "broadcast":
                    await page.Keyboard.PressAsync("c");
                    var box = page.Locator(".compose-bar textarea");
                    await box.FillAsync($"@* {Words}");
                    await box.PressAsync("Enter");
                    return;
            }

            await SelectAsync(page, thing);
            await DoAsync(page, thing, thing == "given" ? "a" : "d", "not now", again);
        }

        /// <summary>Decides it another way, where there is one.</summary>
        public async Task DecideAsync(IPage page, string thing)
        {
            if (thing is "inputs" or "reminder")
            {
                await PressAsync(page, thing);
                await Held(page).GetByRole(AriaRole.Button, new() { Name = "Send now" }).ClickAsync();
                return;
            }

            await page.Locator(".nav a[href='/waiting']").First.ClickAsync();
            await SelectAsync(page, thing);
            // An answer takes the place of a cancellation, and the other way round.
            var other = thing switch
            {
                "question" => "answer",
                "answer" => "question",
                _ => thing,
            };
            await DoAsync(page, other, thing == "given" ? "d" : "a", "", again: false);
            if (thing != "parked")
                await Held(page).GetByRole(AriaRole.Button, new() { Name = "Send now" }).ClickAsync();
        }

        /// <summary>Presses what decides the selected thing, with its text where it takes one.</summary>
        private static async Task DoAsync(IPage page, string thing, string key, string reason, bool again)
        {
            if (thing == "answer")
                key = again ? "Enter" : "r";
            else if (thing == "question")
                key = "d";
            await page.Keyboard.PressAsync(key);
            var takesText = thing == "answer" || (thing is "approval" or "given" && key == "d");
            if (!takesText || again)
                return;
            var box = page.Locator(".waiting-detail textarea:focus");
            await box.FillAsync(thing == "answer" ? "yes" : reason);
            await box.PressAsync("Enter");
        }

        /// <summary>The state of a thing on the host.</summary>
        public async Task<string> HappenedAsync(string thing)
        {
            switch (thing)
            {
                case "inputs":
                    var end = number < things.pins.Count ? things.pins[number] : things.Pins();
                    return $"{end - things.pins[number - 1]} update";
                case "reminder":
                    var reminders = (await things.hive.StateAsync())["reminders"]!.AsArray();
                    return reminders.Any(row => row!["id"]!.GetValue<long>() == ids[thing]) ? "pending" : "gone";
                case "approval" or "given":
                    var rows = (await things.hive.CallAsync("pending", new { all = true })).GetProperty("approvals");
                    var row = rows.Deserialize<Approval[]>(WireJson.Options)!.Single(row => row.Id == ids[thing]);
                    return $"{row.Status}: {row.Note}";
            }

            var messages = (await things.alice!.CallAsync("recent", new { limit = 200 }))
                .GetProperty("rows")
                .Deserialize<Message[]>(WireJson.Options)!;
            return thing switch
            {
                "question" or "answer" => string.Join(
                    ", ",
                    messages.Select(m => AnswerIn(m, ids[thing])).OfType<string>()
                ),
                "parked" => messages.Single(m => m.Id == ids[thing]) switch
                {
                    { ParkedAt: null } => "retried",
                    { AckedAt: null } => "parked",
                    _ => "dropped",
                },
                _ => $"{messages.Count(m => m.Body == Words)} message",
            };
        }

        public static ILocator Held(IPage page) => page.Locator(".toast[data-state=held]");

        private static string? AnswerIn(Message message, long question)
        {
            if (!message.Body.StartsWith("{\"event\":\"question_answered\"", StringComparison.Ordinal))
                return null;
            var told = JsonSerializer.Deserialize<JsonElement>(message.Body);
            return told.GetProperty("id").GetInt64() == question ? told.GetProperty("answer").GetString() : null;
        }

        private async Task SelectAsync(IPage page, string thing)
        {
            if (thing == "reminder")
                await page.GetByRole(AriaRole.Button, new() { Name = "reminders" }).ClickAsync();
            var key = $"{KindOf(thing)}-{ids[thing]}";
            await page.Locator($"[data-key={key}]").ClickAsync();
            // A click on the selected row leads into its box.
            if (await page.Locator(".waiting-detail textarea:focus").CountAsync() > 0)
                await page.Keyboard.PressAsync("Escape");
            await Assertions.Expect(page.Locator($"[data-waiting={key}]")).ToBeVisibleAsync();
        }

        private static string KindOf(string thing) =>
            thing switch
            {
                "given" => "approval",
                "answer" => "question",
                _ => thing,
            };
    }
}
