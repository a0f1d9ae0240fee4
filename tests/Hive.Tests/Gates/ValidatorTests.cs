using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Gates;

/// <summary>Reviews that validators have as tasks.</summary>
public sealed class ValidatorTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    private const string OfGate = """
        tasks:
          - type: write
            title: "Write: {ticket_title}"
        gate:
          criteria:
            - tasks_complete: true
            - artifact: report
            - validator: Are the error cases covered?
              capabilities: [review]
        """;

    private const string OfTask = """
        max_active: 1
        tasks:
          - type: write
            title: "Write: {ticket_title}"
            review: validator
          - type: publish
            title: "Publish: {ticket_title}"
            depends_on: [write]
        gate:
          criteria:
            - tasks_complete: true
          max_iterations: 2
        """;

    [Fact]
    public async Task A_validator_sees_the_evidence_sends_it_back_and_lets_the_newer_pass()
    {
        await using var rig = await ReviewRig.Start(OfGate);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator", "capabilities: [review]\n");
        using var events = await rig.Hive.Events();
        var ticket = await rig.Ticket();
        await rig.Complete(await rig.Next("alice"), ReviewRig.Report("draft"));

        var work = await rig.Next("vera");
        var told = work.Message.GetProperty("review");
        Assert.Equal((1, "[1]"), (told.Number("id"), told.GetProperty("artifacts").ToString()));
        var asked = Assert.Single(await rig.Reviews(ticket));
        Assert.Equal((work.Task, (string?)null), (asked.ReviewTask, asked.Verdict));
        Assert.Equal("review", (await rig.Task(work.Task)).Text("kind"));
        Assert.Equal("waits for a validator (vera)", Assert.Single((await rig.Gate(ticket)).BlockingReasons));
        // It owes the review; the operator does not.
        var owed = (await rig.Call("vera", "loose_ends", new { })).GetProperty("items")[0];
        Assert.Equal(("review", work.Task), (owed.Text("kind"), owed.Number("id")));
        Assert.Equal(0, (await rig.Hive.State()).GetProperty("reviews").GetArrayLength());

        var blind = await Talk.Refused(() => rig.Call("vera", "review", new { verdict = "passed" }), "conflict");
        Assert.Contains("call get_work first", blind.Message, Ordinal);
        var shown = (await rig.Look("vera")).GetProperty("review");
        Assert.Equal("Are the error cases covered?", shown.Text("question"));
        Assert.Contains("draft", shown.GetProperty("artifacts")[0].Text("content"), Ordinal);
        await rig.Call(
            "vera",
            "review",
            new
            {
                verdict = "failed",
                feedback = "no error cases",
                evidence = new[] { 1 },
            }
        );
        await rig.End(work);
        Assert.Equal("completed", (await rig.Task(work.Task)).Text("status"));
        var failed = Assert.Single(await rig.Reviews(ticket));
        Assert.Equal(("vera", "failed", "no error cases"), (failed.Reviewer, failed.Verdict, failed.Feedback));
        Assert.Equal([1L], failed.Evidence);

        var rework = await rig.Next("alice");
        Assert.Contains("vera: no error cases", rework.Message.Text("description"), Ordinal);
        await rig.Complete(rework, ReviewRig.Report("with error cases"));
        await rig.Review("vera", "passed");
        await rig.Ended(ticket);
        Assert.Equal(["failed", "passed"], (await rig.Reviews(ticket)).Select(r => r.Verdict));
        Assert.Equal([2L], (await rig.Reviews(ticket))[1].Artifacts);
        Assert.Equal(asked.Id, (await events.Next("review_changed")).GetProperty("review").Number("id"));
    }

    [Fact]
    public async Task A_reviewed_task_is_completed_by_its_verdict_and_goes_back_with_feedback()
    {
        await using var rig = await ReviewRig.Start(OfTask);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        await rig.Complete(work, ReviewRig.Report("draft"));
        Assert.Equal("reviewing", (await rig.Task(work.Task)).Text("status"));
        Assert.Equal(["dependency"], (await rig.Tasks(ticket))[1].Holds());
        var late = await Talk.Refused(() => rig.Call("alice", "complete_task", new { summary = "again" }), "conflict");
        Assert.Contains("alice has no task now", late.Message, Ordinal);

        // It takes the only place of the phase, and its review needs none.
        var review = await rig.Next("vera");
        var shown = (await rig.Look("vera")).GetProperty("review");
        Assert.Equal((work.Task, $"did {work.Task}"), (shown.Number("task"), shown.Text("summary")));
        await rig.Call("vera", "review", new { verdict = "failed", feedback = "too short" });
        await rig.End(review);

        var again = await rig.Next("alice");
        Assert.Equal((work.Task, work.Run + 2), (again.Task, again.Run));
        Assert.Equal(("vera: too short", 1), (again.Message.Text("feedback"), again.Message.Number("iteration")));
        var (_, rejected) = Assert.Single(rig.News);
        Assert.Equal(
            ("task_rejected", work.Task, "vera: too short", 1, 2),
            (
                rejected.Text("event"),
                rejected.Number("id"),
                rejected.Text("feedback"),
                rejected.Number("iteration"),
                rejected.Number("max_iterations")
            )
        );
        await rig.Complete(again, ReviewRig.Report("long enough"));
        await rig.Review("vera", "passed");
        Assert.Equal("rejected completed", string.Join(' ', await rig.Ends(work.Task)));
        Assert.Equal("completed", (await rig.Task(work.Task)).Text("status"));
        await rig.Complete(await rig.Next("alice"));
        await rig.Ended(ticket);
    }

    [Fact]
    public async Task A_task_whose_reviews_fail_too_often_fails_and_can_be_retried()
    {
        await using var rig = await ReviewRig.Start(OfTask);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        await rig.Complete(work, ReviewRig.Report("1"));
        await rig.Review("vera", "failed", "no");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Report("2"));
        await rig.Review("vera", "failed", "still no");
        var failed = await rig.Task(work.Task);
        Assert.Equal(("failed", "review_loop"), (failed.Text("status"), failed.Text("error_kind")));
        Assert.Equal("2 reviews of its result failed; the last: vera: still no", failed.Text("error_message"));
        var waiting = (await rig.Host.CallAsync("waiting", new { kind = "task_failed" })).GetProperty("waiting");
        Assert.Contains("still no", waiting[0].Text("detail"), Ordinal);

        await rig.Host.CallAsync("change_task", new { id = work.Task, action = "retry" });
        await rig.Complete(await rig.Next("alice"), ReviewRig.Report("3"));
        await rig.Review("vera", "passed");
        await rig.Complete(await rig.Next("alice"));
        await rig.Ended(ticket);
    }

    [Fact]
    public async Task Nobody_reviews_their_own_work_and_the_operator_hears_when_nobody_else_can()
    {
        await using var rig = await ReviewRig.Start(OfGate);
        await rig.Agent("alice", "worker", "capabilities: [review]\n");
        var ticket = await rig.Ticket();
        await rig.Complete(await rig.Next("alice"), ReviewRig.Report("mine"));
        using (var changed = await rig.Hive.Http().PatchAsJsonAsync("/api/v1/agents/alice", new { duty = "validator" }))
            changed.EnsureSuccessStatusCode();
        await Patience.Until(
            async () => (await Unservable()).GetArrayLength() == 1,
            "the operator hears of the review"
        );
        Assert.Contains("not alice, whose own work it is about", (await Unservable())[0].Text("detail"), Ordinal);
        await rig.Hear("alice");
        Assert.Empty(rig.News);
        var review = Assert.Single(await rig.Tasks(ticket), t => t.Text("kind") == "review").Number("id");
        var own = await Talk.Refused(
            () =>
                rig.Host.CallAsync(
                    "change_task",
                    new
                    {
                        id = review,
                        action = "assign",
                        agent = "alice",
                    }
                ),
            "conflict"
        );
        Assert.Contains("a review of alice's own work", own.Message, Ordinal);

        await rig.Agent("vera", "validator", "capabilities: [review]\n");
        await rig.Review("vera", "passed");
        await rig.Ended(ticket);
        Assert.Equal("vera", Assert.Single(await rig.Reviews(ticket)).Reviewer);
        await Patience.Until(
            async () => (await Unservable()).GetArrayLength() == 0,
            "the review leaves the operator's list"
        );

        async Task<JsonElement> Unservable() =>
            (await rig.Host.CallAsync("waiting", new { kind = "task_unservable" })).GetProperty("waiting");
    }

    [Fact]
    public async Task Newer_evidence_ends_a_review_under_way_and_asks_again()
    {
        await using var rig = await ReviewRig.Start(OfGate);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator", "capabilities: [review]\n");
        var ticket = await rig.Ticket();
        await rig.Complete(await rig.Next("alice"), ReviewRig.Report("1"));
        var work = await rig.Next("vera");
        await rig.Look("vera");
        await rig.Host.CallAsync(
            "artifact_add",
            new
            {
                ticket,
                type = "report",
                content = new { content = "2" },
            }
        );
        var refused = await Talk.Refused(
            () => rig.Call("vera", "review", new { verdict = "passed", review = 1 }),
            "conflict"
        );
        Assert.Contains("newer evidence has replaced", refused.Message, Ordinal);
        Assert.Equal("cancelled", (await rig.Task(work.Task)).Text("status"));
        await rig.End(work);

        var next = await rig.Next("vera");
        Assert.Contains(rig.News, n => n.Body.Text("event") == "task_cancelled" && n.Body.Number("id") == work.Task);
        Assert.Contains("2", (await rig.Look("vera")).GetProperty("review").ToString(), Ordinal);
        await rig.Call("vera", "review", new { verdict = "passed" });
        await rig.End(next);
        await rig.Ended(ticket);
        var reviews = await rig.Reviews(ticket);
        Assert.Equal(
            [(true, "1", null), (false, "2", "passed")],
            reviews.Select(r => (r.Stale, $"{r.Artifacts[0]}", r.Verdict))
        );
    }

    [Fact]
    public async Task Newer_evidence_of_a_reviewed_task_is_reviewed_in_place_of_the_old()
    {
        await using var rig = await ReviewRig.Start(OfTask);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        await rig.Complete(work, ReviewRig.Report("1"));
        var old = await rig.Next("vera");
        await rig.Host.CallAsync(
            "artifact_add",
            new
            {
                ticket,
                type = "report",
                content = new { content = "2" },
            }
        );
        await rig.End(old);
        await rig.Review("vera", "passed");
        Assert.Equal("completed", (await rig.Task(work.Task)).Text("status"));
        Assert.Equal([true, false], (await rig.Reviews(ticket)).Select(r => r.Stale));
        Assert.Equal([2L], (await rig.Reviews(ticket))[1].Artifacts);
    }

    [Fact]
    public async Task Each_of_two_reviewed_tasks_is_judged_by_its_own_artifact()
    {
        await using var rig = await ReviewRig.Start(
            """
            tasks:
              - type: write
                title: Write
                review: validator
              - type: check
                title: Check
                review: validator
            gate:
              criteria:
                - tasks_complete: true
                - artifact: report
                  min_length: 1
            """
        );
        await rig.Agent("alice", "worker");
        await rig.Agent("bob", "worker");
        await rig.Agent("vera", "validator", "capacity: 2\n");
        var ticket = await rig.Ticket();
        var (first, second) = (await rig.Next("alice"), await rig.Next("bob"));
        await rig.Complete(first, ReviewRig.Report("by alice"));
        var work = await rig.Next("vera");
        await rig.Call("bob", "report_progress", new { text = "half", artifacts = new[] { ReviewRig.Report("half") } });
        await rig.Complete(second, ReviewRig.Report("by bob"));
        Assert.Equal(
            [(first.Task, "1", false), (second.Task, "3", false)],
            (await rig.Reviews(ticket)).Select(r => (r.Task!.Value, string.Join(' ', r.Artifacts), r.Stale))
        );
        var brief = (await rig.Call("vera", "get_work", new { task = work.Task })).GetProperty("brief");
        var shown = brief.GetProperty("review").GetProperty("artifacts");
        Assert.Equal(1, shown.GetArrayLength());
        Assert.Contains("by alice", shown[0].Text("content"), Ordinal);
        // The gate looks at the newest, and says whose that is.
        var judged = (await rig.Host.CallAsync("gate", new { ticket })).GetProperty("gate").GetProperty("criteria")[1];
        Assert.Equal((3, second.Task, "bob"), (judged.Number("artifact"), judged.Number("task"), judged.Text("by")));

        // What the operator adds takes the place of both.
        await rig.Host.CallAsync(
            "artifact_add",
            new
            {
                ticket,
                type = "report",
                content = new { content = "by the operator" },
            }
        );
        Assert.Equal(
            [("1", true), ("3", true), ("4", false), ("4", false)],
            (await rig.Reviews(ticket)).Select(r => (string.Join(' ', r.Artifacts), r.Stale))
        );
        await rig.End(work);
    }

    [Fact]
    public async Task The_operator_can_decide_in_place_of_a_validator()
    {
        await using var rig = await ReviewRig.Start(OfTask);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        await rig.Complete(work, ReviewRig.Report("1"));
        var review = await rig.Next("vera");
        var asked = Assert.Single(
            (await rig.Host.CallAsync("reviews", new { })).GetProperty("reviews").EnumerateArray()
        );
        await rig.Host.CallAsync("review_decide", new { id = asked.Number("id"), verdict = "passed" });
        Assert.Equal("completed", (await rig.Task(work.Task)).Text("status"));
        Assert.Equal("cancelled", (await rig.Task(review.Task)).Text("status"));
        var late = await Talk.Refused(
            () =>
                rig.Call(
                    "vera",
                    "review",
                    new
                    {
                        verdict = "failed",
                        feedback = "no",
                        review = asked.Number("id"),
                    }
                ),
            "conflict"
        );
        Assert.Contains("was decided 'passed' by operator", late.Message, Ordinal);
        // Its validator could not end it any more.
        await Talk.Refused(
            () => rig.Host.CallAsync("change_task", new { id = review.Task, action = "retry" }),
            "conflict"
        );
        Assert.Equal("operator", Assert.Single(await rig.Reviews(ticket)).Reviewer);
    }

    [Fact]
    public async Task A_verdict_is_given_once_by_the_agent_that_has_the_review()
    {
        await using var rig = await ReviewRig.Start(OfGate);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator", "capabilities: [review]\n");
        await rig.Agent("otto", "validator");
        var ticket = await rig.Ticket();
        var written = await rig.Next("alice");
        await Talk.Refused(() => rig.Call("alice", "review", new { verdict = "passed" }), "unknown_command");
        await rig.Complete(written, ReviewRig.Report("1"));
        var work = await rig.Next("vera");
        await Talk.Refused(() => rig.Call("vera", "complete_task", new { summary = "x" }), "unknown_command");
        var other = await Talk.Refused(
            () =>
                rig.Call(
                    "otto",
                    "review",
                    new
                    {
                        verdict = "failed",
                        feedback = "no",
                        review = 1,
                    }
                ),
            "conflict"
        );
        Assert.Contains("is vera's since", other.Message, Ordinal);
        await rig.Look("vera");
        foreach (
            var (fields, code) in new (object, string)[]
            {
                (new { verdict = "maybe" }, "invalid"),
                (new { verdict = "failed", feedback = " " }, "invalid"),
                (new { verdict = "failed", feedback = new string('x', 4097) }, "too_large"),
                (new { verdict = "passed", evidence = new[] { 99 } }, "invalid"),
                (new { verdict = "passed", review = 99 }, "not_found"),
                (new { verdict = "passed", run = 99 }, "conflict"),
            }
        )
            await Talk.Refused(() => rig.Call("vera", "review", fields), code);
        // An artifact of the review would be newer than those it reviews, and void it.
        await Talk.Refused(
            () => rig.Call("vera", "report_progress", new { text = "x", artifacts = new[] { ReviewRig.Report("3") } }),
            "conflict"
        );
        var first = await rig.Call("vera", "review", new { verdict = "passed", key = "k" });
        var second = await rig.Call("vera", "review", new { verdict = "passed", key = "k" });
        Assert.Equal(first.GetProperty("review").ToString(), second.GetProperty("review").ToString());
        await Talk.Refused(() => rig.Call("vera", "review", new { verdict = "passed", review = 1 }), "conflict");
        await rig.End(work);
        await rig.Ended(ticket);
    }

    [Fact]
    public async Task A_review_ends_with_its_task_and_with_the_phase_of_its_gate()
    {
        await using var rig = await ReviewRig.Start(OfTask);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        await rig.Complete(work, ReviewRig.Report("1"));
        var review = await rig.Next("vera");
        await rig.Host.CallAsync("change_task", new { id = work.Task, action = "cancel" });
        Assert.Equal("cancelled", Assert.Single(await rig.Reviews(ticket)).Verdict);
        Assert.Equal("cancelled", (await rig.Task(review.Task)).Text("status"));
        await rig.End(review);

        await rig.Host.CallAsync("workflow_load", new { text = ReviewRig.Yaml(OfGate), replace = true });
        var second = await rig.Ticket("Second");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Report("2"));
        await Patience.Until(async () => (await rig.Reviews(second)).Length == 1, "a validator is asked");
        var waiting = Assert.Single(await rig.Reviews(second));
        await rig.Host.CallAsync(
            "ticket_move",
            new
            {
                id = second,
                to_phase = "PHASE_END",
                force = true,
                reason = "enough",
            }
        );
        Assert.Equal("cancelled", Assert.Single(await rig.Reviews(second)).Verdict);
        Assert.Equal("cancelled", (await rig.Task(waiting.ReviewTask!.Value)).Text("status"));
    }

    [Fact]
    public async Task The_operator_decides_a_review_whose_task_was_cancelled()
    {
        await using var rig = await ReviewRig.Start(OfTask);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        await rig.Complete(work, ReviewRig.Report("1"));
        var review = await rig.Next("vera");
        // It cannot be handed to its author instead.
        var handoff = await Talk.Refused(
            () =>
                rig.Host.CallAsync(
                    "handoff",
                    new
                    {
                        action = "request",
                        task = review.Task,
                        to = "alice",
                        reason = "you do it",
                    }
                ),
            "conflict"
        );
        Assert.Contains("only work is handed off", handoff.Message, Ordinal);
        await rig.Host.CallAsync("change_task", new { id = review.Task, action = "cancel" });
        await rig.End(review);
        var waits = (await rig.Host.CallAsync("waiting", new { kind = "gate_review" })).GetProperty("waiting");
        Assert.Equal($"the result of task {work.Task}, ticket {ticket}", waits[0].Text("detail"));
        await Talk.Refused(
            () => rig.Host.CallAsync("change_task", new { id = review.Task, action = "retry" }),
            "conflict"
        );
        var asked = Assert.Single(await rig.Reviews(ticket));
        await rig.Host.CallAsync("review_decide", new { id = asked.Id, verdict = "passed" });
        Assert.Equal("completed", (await rig.Task(work.Task)).Text("status"));

        await rig.Complete(await rig.Next("alice"));
        await rig.Ended(ticket);
        await rig.Host.CallAsync("workflow_load", new { text = ReviewRig.Yaml(OfGate), replace = true });
        var second = await rig.Ticket("Second");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Report("2"));
        await Patience.Until(async () => (await rig.Reviews(second)).Length == 1, "a validator is asked");
        asked = Assert.Single(await rig.Reviews(second));
        await rig.Host.CallAsync("change_task", new { id = asked.ReviewTask, action = "cancel" });
        Assert.Equal("waits for the operator", Assert.Single((await rig.Gate(second, judge: true)).BlockingReasons));
        Assert.Null(Assert.Single(await rig.Reviews(second)).ReviewTask);
        await rig.Host.CallAsync("review_decide", new { id = asked.Id, verdict = "passed" });
        await rig.Ended(second);
    }

    [Fact]
    public async Task An_agent_with_several_reviews_is_told_to_name_one()
    {
        await using var rig = await ReviewRig.Start(OfTask.Replace("max_active: 1\n", "", Ordinal));
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator", "capacity: 2\n");
        foreach (var title in new[] { "One", "Two" })
        {
            await rig.Ticket(title);
            await rig.Complete(await rig.Next("alice"), ReviewRig.Report(title));
        }

        await Patience.Until(
            async () => (await rig.Call("vera", "loose_ends", new { })).GetProperty("items").GetArrayLength() == 2,
            "both reviews are given"
        );
        var refused = await Talk.Refused(
            () => rig.Call("vera", "review", new { verdict = "failed", feedback = "no" }),
            "invalid"
        );
        Assert.Contains("name one with 'review': ", refused.Message, Ordinal);
    }

    [Fact]
    public async Task A_gate_that_asks_the_same_question_twice_is_refused()
    {
        await using var rig = await ReviewRig.Start(OfGate);
        var refused = await Talk.Refused(
            () =>
                rig.Host.CallAsync(
                    "workflow_load",
                    new
                    {
                        text = ReviewRig.Yaml($"{OfGate}\n    - operator: Are the error cases covered?"),
                        replace = true,
                    }
                ),
            "invalid"
        );
        Assert.Contains("asks the same question", refused.Message, Ordinal);
    }

    [Fact]
    public async Task A_task_that_goes_on_after_its_ticket_has_ended_is_still_reviewed()
    {
        await using var rig = await ReviewRig.Start(OfTask);
        var goesOn = ReviewRig
            .Yaml(OfTask)
            .Replace("phases:\n", "on_result_found: do_nothing\nphases:\n", StringComparison.Ordinal);
        await rig.Host.CallAsync("workflow_load", new { text = goesOn, replace = true });
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var ticket = await rig.Ticket();
        var work = await rig.Next("alice");
        await rig.Host.CallAsync(
            "ticket_move",
            new
            {
                id = ticket,
                to_phase = "PHASE_END",
                force = true,
                reason = "enough",
            }
        );
        await rig.Complete(work, ReviewRig.Report("1"));
        await rig.Review("vera", "failed", "too short");
        await rig.Complete(await rig.Next("alice"), ReviewRig.Report("2"));
        await rig.Review("vera", "passed");
        Assert.Equal("completed", (await rig.Task(work.Task)).Text("status"));
    }

    [Fact]
    public async Task A_review_that_nobody_ends_is_tried_again_and_then_waits_for_a_person()
    {
        await using var rig = await ReviewRig.Start(OfTask);
        await rig.Agent("alice", "worker");
        await rig.Agent("vera", "validator");
        var ticket = await rig.Ticket();
        var (work, task) = await Fail();
        var skip = await Talk.Refused(
            () => rig.Host.CallAsync("change_task", new { id = task, action = "skip" }),
            "conflict"
        );
        Assert.Contains("decide the review instead", skip.Message, Ordinal);
        await rig.Host.CallAsync("change_task", new { id = task, action = "retry" });
        await rig.Review("vera", "passed");
        Assert.Equal("completed", (await rig.Task(work)).Text("status"));
        Assert.Single(await rig.Reviews(ticket));
        await rig.Complete(await rig.Next("alice"));

        // A person decides another one, whose task then waits for nobody.
        var second = await rig.Ticket("Second");
        (work, task) = await Fail();
        await rig.Host.CallAsync(
            "review_decide",
            new { id = Assert.Single(await rig.Reviews(second)).Id, verdict = "passed" }
        );
        Assert.Equal("completed", (await rig.Task(work)).Text("status"));
        Assert.Equal("cancelled", (await rig.Task(task)).Text("status"));
        var waiting = (await rig.Host.CallAsync("waiting", new { kind = "task_failed" })).GetProperty("waiting");
        Assert.Equal(0, waiting.GetArrayLength());

        async Task<(long Work, long Review)> Fail()
        {
            var given = await rig.Next("alice");
            await rig.Complete(given, ReviewRig.Report("1"));
            long review = 0;
            for (var run = 0; run <= 3; run++)
            {
                var begun = await rig.Next("vera");
                review = begun.Task;
                await rig.Call("vera", "end_turn", new { turn = begun.Turn, result = "failed" });
                rig.Hive.Clock.Advance(TimeSpan.FromSeconds(700));
            }

            await Patience.Until(async () => (await rig.Task(review)).Text("status") == "failed", "the review ends");
            Assert.Equal("reviewing", (await rig.Task(given.Task)).Text("status"));
            return (given.Task, review);
        }
    }
}
