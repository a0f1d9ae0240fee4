using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Dashboard;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Reminders;

public sealed class RemindTests
{
    [Fact]
    public async Task Setting_a_reminder_returns_its_due_time_and_shows_it_everywhere()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var events = await hive.Events();
        var answer = await alice.CallAsync("remind", new { message = "check the build", delay_seconds = 90 });
        var due = hive.Clock.GetUtcNow().AddSeconds(90);
        Assert.Equal(due, answer.GetProperty("due_at").GetDateTimeOffset());

        var id = answer.GetProperty("id").GetInt64();
        var shown = (await events.Next("reminder_changed"))
            .GetProperty("reminder")
            .Deserialize<ReminderView>(WireJson.Options)!;
        Assert.Equal(
            (id, "alice", "check the build", 0, due, hive.Clock.GetUtcNow()),
            (shown.Id, shown.Agent, shown.Message, shown.AttemptCount, shown.DueAt, shown.CreatedAt)
        );
        Assert.Equal(JsonSerializer.Serialize(shown), JsonSerializer.Serialize(Assert.Single(await hive.Reminders())));
        Assert.Equal(id, (await hive.State()).GetProperty("reminders")[0].GetProperty("id").GetInt64());
        Assert.Equal(
            id,
            (await (await hive.Operator()).CallAsync("reminders"))
                .GetProperty("reminders")[0]
                .GetProperty("id")
                .GetInt64()
        );
        Assert.Equal(1, await alice.Pending());
        Assert.Equal(0, await (await hive.Connect("manager")).Pending());
    }

    [Fact]
    public async Task The_agents_row_shows_the_number_of_pending_reminders()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var events = await hive.Events();
        var id = await alice.Remind("far away", 86_400);
        await AgentRowTests.Until(hive, events, "alice", row => row.Int("pending_reminders") == 1);
        await alice.CallAsync("cancel_reminder", new { id });
        await AgentRowTests.Until(hive, events, "alice", row => row.Int("pending_reminders") == 0);
    }

    [Fact]
    public async Task An_instant_with_an_offset_is_converted_to_UTC()
    {
        await using var hive = await HiveFixture.Start();
        var line = await hive.Connect("manager");
        var answer = await line.CallAsync("remind", new { message = "x", at = "2026-06-01T14:30:00.250+02:00" });
        Assert.Equal("2026-06-01T12:30:00.250Z", answer.GetProperty("due_at").GetString());
    }

    [Theory]
    [InlineData("""{"message":"x"}""", "exactly one")]
    [InlineData("""{"message":"x","delay_seconds":1,"at":"2026-02-01T00:00:00Z"}""", "exactly one")]
    [InlineData("""{"message":"x","delay_seconds":-1}""", "from 0 to 31622400")]
    [InlineData("""{"message":"x","delay_seconds":31622401}""", "366 days")]
    [InlineData("""{"message":"x","delay_seconds":9223372036854775807}""", "366 days")]
    [InlineData("""{"message":"x","delay_seconds":99999999999999999999}""", "'delay_seconds'")]
    [InlineData("""{"message":"x","delay_seconds":1e400}""", "'delay_seconds'")]
    [InlineData("""{"message":"x","delay_seconds":0.5}""", "'delay_seconds'")]
    [InlineData("""{"message":"x","delay_seconds":"5"}""", "'delay_seconds'")]
    [InlineData("""{"message":"x","delay_seconds":NaN}""", "JSON")]
    [InlineData("""{"message":"x","at":"2027-02-02T00:00:00Z"}""", "366 days")]
    [InlineData("""{"message":"x","at":"9999-12-31T23:59:59Z"}""", "366 days")]
    [InlineData("""{"message":"x","at":"tomorrow"}""", "'at' is not an instant; write it as 2026-01-31T12:00:00Z")]
    [InlineData("""{"message":"x","at":"2026-02-01T00:00:00"}""", "'at'")]
    [InlineData("""{"message":"x","at":1767225600}""", "'at'")]
    [InlineData("""{"message":"","delay_seconds":1}""", "'message' is empty")]
    [InlineData("""{"delay_seconds":1}""", "message")]
    [InlineData("""{"message":"a\u0000b","delay_seconds":1}""", "NUL")]
    [InlineData("""{"message":"\ud800","delay_seconds":1}""", "surrogate")]
    public async Task Refuses_invalid_requests_and_stores_nothing(string request, string says)
    {
        await using var hive = await HiveFixture.Start();
        var cursor = await hive.Cursor();
        using (var raw = await RawLine.Connect(hive.AgentSocket("manager")))
        {
            await raw.Write(request.Replace("{\"", "{\"cmd\":\"remind\",\"", StringComparison.Ordinal) + "\n");
            var answer = (await raw.Read())!.Value;
            Assert.Equal("invalid", answer.GetProperty("code").GetString());
            Assert.Contains(says, answer.GetProperty("error").GetString(), StringComparison.Ordinal);
        }

        Assert.Empty(await hive.Reminders());
        Assert.Empty(await hive.ReminderEvents(cursor));
        Assert.Equal(0, await (await hive.Connect("manager")).Pending());
    }

    [Fact]
    public async Task A_reminder_for_a_past_time_is_delivered_at_once_and_is_not_late()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        foreach (var at in new[] { "2026-01-31T11:59:59Z", "2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z" })
        {
            await alice.CallAsync("remind", new { message = at, at });
            Assert.Equal(at, Assert.Single(await alice.Receive(wait: 180)).Body);
        }

        await alice.Remind("now", 0);
        Assert.Equal("now", Assert.Single(await alice.Receive(wait: 180)).Body);
        Assert.Empty(await hive.Reminders());
    }

    [Fact]
    public async Task The_51st_pending_reminder_is_refused_until_one_is_gone()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var alice = await hive.Connect("alice");
        var first = await alice.Remind("0", 60);
        for (var i = 1; i < 50; i++)
            await alice.Remind($"{i}", 60 + i);
        var cursor = await hive.Cursor();
        Assert.Contains(
            "50",
            (await Talk.Refused(() => alice.Remind("one more"), "conflict")).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(50, await alice.Pending());
        // The limit is per agent.
        await (await hive.Connect("bob")).Remind("his");
        await alice.CallAsync("cancel_reminder", new { id = first });
        await alice.Remind("one more", 60);
        Assert.Equal(
            [$"changed {first + 50}", $"removed {first}", $"changed {first + 51}"],
            await hive.ReminderEvents(cursor)
        );

        // The count survives a restart.
        await hive.Restart();
        alice = await hive.Connect("alice");
        await Talk.Refused(() => alice.Remind("one more"), "conflict");
        Assert.Equal(50, await alice.Pending());
    }

    [Fact]
    public async Task A_repeated_key_returns_the_first_reminder_even_at_the_limit()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var alice = await hive.Connect("alice");
        var first = await alice.CallAsync(
            "remind",
            new
            {
                message = "once",
                delay_seconds = 60,
                key = "k",
            }
        );
        for (var i = 1; i < 50; i++)
            await alice.Remind($"{i}", 60 + i);
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(
            first.ToString(),
            (
                await alice.CallAsync(
                    "remind",
                    new
                    {
                        message = "once",
                        delay_seconds = 60,
                        key = "k",
                    }
                )
            ).ToString()
        );
        Assert.Equal(50, (await hive.Reminders()).Length);
        await Talk.Refused(
            () =>
                alice.CallAsync(
                    "send",
                    new
                    {
                        to = "alice",
                        body = "x",
                        key = "k",
                    }
                ),
            "conflict"
        );
    }

    [Fact]
    public async Task A_reminder_references_the_files_that_its_agent_can_open()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        await File.WriteAllTextAsync(Path.Combine(hive.StateOf("alice"), "plan.md"), "mine");
        await File.WriteAllTextAsync(Path.Combine(hive.StateOf("bob"), "plan.md"), "his");
        var alice = await hive.Connect("alice");
        await alice.Remind("read /agents/alice/state/plan.md, not /agents/bob/state/plan.md");
        Assert.Equal(["/agents/alice/state/plan.md"], Assert.Single(await hive.Reminders()).FileRefs);
        Assert.Equal(["/agents/alice/state/plan.md"], Assert.Single(await hive.Await(alice)).FileRefs);
    }
}
