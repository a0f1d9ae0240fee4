using Hive.Common.Notifications;
using Hive.Features.Doctor;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Hive.Tests.Reminders;
using Hive.Tests.Turns;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Waiting;

public sealed class WaitingKindsTests
{
    [Fact]
    public async Task Failures_and_expired_questions_wait_until_they_are_put_aside_or_over()
    {
        await using var hive = await HiveFixture.Start();
        var (manager, host) = (await hive.Connect("manager"), await hive.Operator());
        var approval = await manager.RequestSpawn("alice");
        await hive.Spawn("alice");
        await host.Approve(approval);
        var note = (await host.End(approval)).Note;
        var alice = await hive.Connect("alice");
        var question = await alice.Ask("well?", ttl: 60);
        await File.WriteAllTextAsync(Path.Combine(hive.StateOf("alice"), "reminders"), "no folder");
        var reminder = await alice.Remind(new string('x', 5000), 5);
        var events = await hive.Events();
        hive.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal($"+ reminder_failed-{reminder}", await events.NextWaiting());
        var row = await hive.Row($"reminder_failed-{reminder}");
        Assert.Equal(("fyi", "alice", 200), (row.Urgency, row.Agent, row.Title.Length));
        Assert.StartsWith("attempt 1 of 5 failed: ", row.Detail, StringComparison.Ordinal);
        List<string> seen = [];
        while ((await hive.Row($"reminder_failed-{reminder}")).Urgency == "fyi")
            seen.Add(await hive.NextWaiting(events, step: 5));
        Assert.Contains($"+ question_expired-{question}", seen);
        Assert.Contains($"- question-{question}", seen);
        Assert.Equal(
            [$"approval_failed-{approval}", $"reminder_failed-{reminder}", $"question_expired-{question}"],
            await hive.Keys()
        );
        row = await hive.Row($"approval_failed-{approval}");
        Assert.Equal(
            ("spawn alice: failed", note, "soon", $"/changes/{approval}"),
            (row.Title, row.Detail, row.Urgency, row.Url)
        );
        Assert.StartsWith(
            $"conflict: reminder_failed-{reminder} needs a decision",
            await hive.Mark($"reminder_failed-{reminder}", "seen")
        );
        Assert.Null(await hive.Mark($"approval_failed-{approval}", "seen"));
        await hive.Restart();
        Assert.Equal([$"reminder_failed-{reminder}", $"question_expired-{question}"], await hive.Keys());
        Assert.Null(await hive.Http().Post($"/api/reminders/{reminder}/cancel"));
        Assert.Equal([$"question_expired-{question}"], await hive.Keys());
        events = await hive.Events();
        hive.Clock.Advance(TimeSpan.FromHours(24));
        Assert.Equal($"- question_expired-{question}", await events.NextWaiting());
        Assert.Null(await hive.Mark($"approval_failed-{approval}", "unseen"));
        Assert.Equal([$"approval_failed-{approval}"], await hive.Keys());
    }

    [Fact]
    public async Task Logins_missing_drivers_rate_limits_and_silent_turns_wait_as_rows_say()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var (alice, events) = (await hive.Connect("alice"), await hive.Events());
        await Report("needs_login");
        Assert.Equal("+ login-alice", await hive.NextWaiting(events));
        Assert.Equal("now", (await hive.Row("login-alice")).Urgency);

        await alice.CallAsync("send", new { to = "manager", body = "x" });
        await (await hive.Connect("manager")).Send("alice");
        await Report("not_ready", missing: "a script is missing");
        string[] both = [await hive.NextWaiting(events), await hive.NextWaiting(events)];
        if (both.Contains("+ login-alice"))
            both = [both.Single(e => e != "+ login-alice"), await hive.NextWaiting(events)];
        Assert.Equal(["+ idle_agent-alice", "- login-alice"], both.Order());
        var row = await hive.Row("idle_agent-alice");
        Assert.Equal(
            ("1 message and no usable driver", "a script is missing", "soon"),
            (row.Title, row.Detail, row.Urgency)
        );

        await Report("rate_limited", until: hive.Clock.GetUtcNow().AddMinutes(30));
        Assert.Equal("- idle_agent-alice", await hive.NextWaiting(events));
        hive.Clock.Advance(TimeSpan.FromMinutes(58));
        Assert.Empty(await hive.Waiting());
        hive.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("+ rate_limited-alice", await hive.NextWaiting(events));
        Assert.Null(await hive.Mark("rate_limited-alice", "seen"));
        Assert.Equal("- rate_limited-alice", await events.NextWaiting());

        var (turn, _) = await hive.Turn(alice, "alice");
        await Report("thinking", turn);
        while (!(await hive.State()).GetProperty("agents").ToString().Contains("\"working\"", StringComparison.Ordinal))
            await hive.Settled();
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        await hive.Settled();
        hive.Clock.Advance(TimeSpan.FromMinutes(29));
        Assert.StartsWith("not_found: stuck-alice does not wait", await hive.Find("stuck-alice"));
        await Tell();
        // Its turn goes on while it is paused.
        await (await hive.Operator()).CallAsync("set_paused", new { name = "alice", paused = true });
        while (!(await hive.State()).GetProperty("agents").ToString().Contains("\"paused\",", StringComparison.Ordinal))
            await hive.Settled();
        hive.Clock.Advance(TimeSpan.FromMinutes(29));
        Assert.Empty(await hive.Waiting());
        hive.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("+ stuck-alice", await events.NextWaiting());
        Assert.Equal("its turn tells nothing", (await hive.Row("stuck-alice")).Title);
        await Tell();
        Assert.Equal("- stuck-alice", await events.NextWaiting());

        Task Tell() =>
            alice.CallAsync(
                "emit",
                new
                {
                    events = new[]
                    {
                        new
                        {
                            kind = "text",
                            at = hive.Clock.GetUtcNow(),
                            turn,
                            text = "still here",
                        },
                    },
                }
            );

        Task Report(string state, long? turn = null, DateTimeOffset? until = null, string? missing = null) =>
            alice.CallAsync(
                "report_harness",
                new
                {
                    state,
                    since_at = hive.Clock.GetUtcNow(),
                    turn,
                    rate_limited_until = until,
                    missing,
                }
            );
    }

    [Fact]
    public async Task A_forge_that_is_down_and_findings_of_the_doctor_wait_until_they_are_gone()
    {
        await using var hive = await HiveFixture.Start(
            "--Forge:Url",
            "http://127.0.0.1:9",
            "--Forge:User",
            "boss",
            "--Forge:Password",
            "secret-of-the-boss"
        );
        using var host = await hive.Operator();
        await host.CallAsync("forge_sync");
        var row = await hive.Row("forge_behind-forge");
        Assert.Equal(("the forge does not answer", "fyi", "/system"), (row.Title, row.Urgency, row.Url));
        Assert.Null(await hive.Mark("forge_behind-forge", "seen"));
        await host.CallAsync("forge_sync");
        Assert.Empty(await hive.Waiting("?kind=forge_behind"));

        await host.CallAsync("doctor");
        var finding = (await hive.Waiting("?kind=doctor")).Single(r => r.Key.StartsWith("doctor-forge."));
        Assert.StartsWith("forge, ", finding.Title, StringComparison.Ordinal);
        Assert.Null(await hive.Mark(finding.Key, "seen"));
        await host.CallAsync("doctor");
        Assert.DoesNotContain(finding.Key, await hive.Keys());
    }

    [Fact]
    public async Task A_mark_of_an_ended_incident_does_not_hide_the_next()
    {
        await using var hive = await HiveFixture.Start(
            "--Forge:Url",
            "http://127.0.0.1:9",
            "--Forge:User",
            "boss",
            "--Forge:Password",
            "secret-of-the-boss"
        );
        List<LineClient> harnesses = [];
        await hive.Spawn("alice");
        var (host, began) = (await hive.Operator(), hive.Clock.GetUtcNow());
        await host.CallAsync("forge_sync");
        await host.CallAsync("doctor");
        var finding = (await hive.Waiting("?kind=doctor"))[0].Key;
        Assert.Null(await hive.Mark("forge_behind-forge", "seen"));
        Assert.Null(await hive.Mark(finding, "seen"));
        await Report("needs_login");
        Assert.Null(await hive.Snooze("login-alice", TimeSpan.FromDays(1)));

        // The host does not see the end of any of them.
        await hive.Restart();
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        host = await hive.Operator();
        await host.CallAsync("doctor");
        Assert.Contains(finding, await hive.Keys());
        Assert.Null(await hive.Mark(finding, "seen"));
        await host.CallAsync("forge_sync");
        Assert.Contains("forge_behind-forge", await hive.Keys());
        // The login that was snoozed still is; a later one is not.
        await Report("needs_login");
        Assert.NotNull((await hive.Row("login-alice")).SnoozedUntilAt);
        await hive.Restart();
        began = hive.Clock.GetUtcNow();
        await Report("needs_login");
        Assert.Null((await hive.Row("login-alice")).SnoozedUntilAt);
        harnesses.ForEach(harness => harness.Dispose());

        async Task Report(string state)
        {
            // It stays connected until the host has ended.
            var alice = await LineClient.ConnectAsync(hive.AgentSocket("alice"));
            harnesses.Add(alice);
            var events = await hive.Events(await hive.Cursor());
            await alice.CallAsync("report_harness", new { state, since_at = began });
            while (await hive.NextWaiting(events) != "+ login-alice") { }
        }
    }

    [Fact]
    public void A_disk_with_little_space_waits()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        Assert.Null(new WaitingDisk(HivePaths.Find("/dev/shm", "/dev/shm"), clock).Check());
        // This file system never has a free byte.
        var row = new WaitingDisk(HivePaths.Find("/proc", "/proc"), clock).Check();
        Assert.Equal("less than 512 MiB are free on the disk of the data folder", row!.Title);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(new WaitingDisk(HivePaths.Find("/proc", "/proc"), clock).Check()!.Version > row.Version);
    }

    [Fact]
    public async Task A_disk_is_checked_again_at_once_for_the_operator()
    {
        await using var hive = await HiveFixture.Start();
        var reports = hive.Services.GetRequiredService<IWaitingReports>();
        var full = new WaitingDisk(HivePaths.Find("/proc", "/proc"), hive.Clock);
        var refused = await new CheckDisk.Handler(full, reports).Handle(new(), CancellationToken.None);
        Assert.Equal((false, full.Check()!.Detail), (refused.Enough, refused.Detail));
        Assert.Equal(["disk-data"], await hive.Keys());
        using var events = await hive.Events();
        Assert.True((await (await hive.Operator()).CallAsync("check_disk")).GetProperty("enough").GetBoolean());
        Assert.Equal("- disk-data", await events.NextWaiting());

        full.Show(reports);
        Assert.Equal("+ disk-data", await events.NextWaiting());
        Assert.Null(await hive.Http().Post("/api/disk/check"));
        Assert.Equal("- disk-data", await events.NextWaiting());

        full.Show(reports);
        await (await hive.Operator()).CallAsync("doctor");
        Assert.DoesNotContain("disk-data", await hive.Keys());
    }
}
