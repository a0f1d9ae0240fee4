using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Messages;

namespace Hive.Tests.Gates;

/// <summary>Gates, artifacts, metrics and contexts through the host's socket and REST.</summary>
public sealed class GateDoorTests
{
    private const string Keys = """
        gate:
          criteria:
            - tasks_complete: true
            - artifact: report
              min_length: 5
        """;

    [Fact]
    public async Task The_routes_of_a_gate_have_the_flat_names()
    {
        await using var rig = await GateRig.Start(Keys);
        var ticket = await rig.Ticket("write");
        var http = rig.Hive.Http();
        var status = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/gate-status");
        Assert.Equal(
            (ticket, "PHASE_WORK", "open", "waiting_tasks", false),
            (
                status.GetProperty("ticket_id").GetInt64(),
                status.GetProperty("phase_id").GetString(),
                status.GetProperty("gate_status").GetString(),
                status.GetProperty("validation_status").GetString(),
                status.GetProperty("requirements_met").GetBoolean()
            )
        );
        Assert.Equal("report", status.GetProperty("missing_artifacts")[0].GetString());
        await rig.Do(write => rig.Tasks.End(write, 1, "failed"));
        status = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/gate-status");
        Assert.Equal("blocked", status.GetProperty("validation_status").GetString());

        await rig.Do(write => rig.Tasks.Retry(write, 1, "operator"));
        var added = await http.PostAsJsonAsync(
            $"/api/v1/tickets/{ticket}/artifacts",
            new
            {
                phase_id = "PHASE_WORK",
                artifact_type = "report",
                artifact_content = new { content = "12345" },
                collected_by = "operator",
            }
        );
        Assert.Equal(HttpStatusCode.OK, added.StatusCode);
        var artifact = await added.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("12345", artifact.GetProperty("artifact_content").GetProperty("content").GetString());
        // The names of the sockets stand beside those of the contract.
        foreach (var name in new[] { "collected_by", "by" })
            Assert.Equal("operator", artifact.GetProperty(name).GetString());
        Assert.Equal("report", artifact.GetProperty("type").GetString());
        await rig.Do(write => rig.Tasks.End(write, 1, "completed"));
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);

        // The gate of a phase that the ticket has left shows its verdict.
        status = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/gate-status?phase_id=PHASE_WORK");
        Assert.Equal("passed", status.GetProperty("gate_status").GetString());
        Assert.Equal("ready", status.GetProperty("validation_status").GetString());
        status = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/gate-status");
        Assert.Equal("not_configured", status.GetProperty("validation_status").GetString());

        var list = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/artifacts");
        Assert.Equal(1, list.GetArrayLength());
        Assert.False(list[0].TryGetProperty("artifact_content", out _));
        var one = await http.GetFromJsonAsync<JsonElement>("/api/v1/artifacts/1");
        Assert.Equal("12345", one.GetProperty("artifact_content").GetProperty("content").GetString());
    }

    [Fact]
    public async Task Validating_a_gate_judges_it_and_answers_as_the_socket_does()
    {
        await using var rig = await GateRig.Start(
            "gate:\n  criteria:\n    - artifact: report\n    - operator: Ship it?"
        );
        var ticket = await rig.Ticket("write");
        await rig.HandIn(1, GateRig.Data("report", 1));
        var http = rig.Hive.Http();
        var answer = await http.PostAsync($"/api/v1/tickets/{ticket}/validate-gate", null);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.False(
            (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("requirements_met").GetBoolean()
        );
        await rig.Complete(1);
        var gate = await rig.Gate(ticket, judge: true);
        Assert.Equal(("operator", "waiting"), (gate.Criteria[1].Kind, gate.Criteria[1].State));
        Assert.Equal(1, gate.Criteria[1].Review);

        var reviews = await http.GetFromJsonAsync<JsonElement>("/api/v1/reviews");
        Assert.Equal(ticket, reviews[0].GetProperty("ticket_id").GetInt64());
        var decided = await http.PostAsJsonAsync("/api/v1/reviews/1/decide", new { verdict = "passed" });
        Assert.Equal(
            "operator",
            (await decided.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reviewer_id").GetString()
        );
        await rig.Judged();
        Assert.Equal("PHASE_END", (await rig.Find(ticket)).PhaseId);
        reviews = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/reviews");
        Assert.Equal("passed", reviews[0].GetProperty("verdict").GetString());
        Assert.Contains(
            "only the gate there",
            (await Talk.Refused(() => rig.Gate(ticket, judge: true, phase: "PHASE_WORK"), "conflict")).Message
        );
    }

    [Fact]
    public async Task An_artifact_of_the_operator_is_a_file_of_any_agent_or_data()
    {
        await using var rig = await GateRig.Start(Keys);
        var ticket = await rig.Ticket("write");
        await rig.Hive.Spawn("alice");
        var path = "/agents/alice/state/report.md";
        File.WriteAllText(rig.Hive.DataDir + path, "12345");
        var added = (
            await rig.Call(
                "artifact_add",
                new
                {
                    ticket,
                    type = "report",
                    path,
                }
            )
        ).GetProperty("artifact");
        Assert.Equal(
            (path, "file", "operator", 5),
            (
                added.GetProperty("path").GetString(),
                added.GetProperty("kind").GetString(),
                added.GetProperty("by").GetString(),
                added.GetProperty("size").GetInt32()
            )
        );
        // The content is that of the moment, whatever lies there now.
        File.WriteAllText(rig.Hive.DataDir + path, "1");
        var shown = await rig.Call("artifact", new { id = 1 });
        Assert.Equal("12345", shown.GetProperty("content").GetString());
        File.WriteAllBytes(rig.Hive.DataDir + path, [0xff, 0x00]);
        await rig.Call(
            "artifact_add",
            new
            {
                ticket,
                type = "binary",
                path = rig.Hive.DataDir + path,
            }
        );
        Assert.Equal("/wA=", (await rig.Call("artifact", new { id = 2 })).GetProperty("base64").GetString());

        foreach (
            var (fields, code) in new (object, string)[]
            {
                (
                    new
                    {
                        ticket = 9,
                        type = "report",
                        path,
                    },
                    "not_found"
                ),
                (
                    new
                    {
                        ticket,
                        type = "report",
                        path,
                        phase_id = "PHASE_NOWHERE",
                    },
                    "invalid"
                ),
                (new { ticket, type = "report" }, "invalid"),
                (
                    new
                    {
                        ticket,
                        type = "",
                        path,
                    },
                    "invalid"
                ),
                (
                    new
                    {
                        ticket,
                        type = "report",
                        path = "/etc/passwd",
                    },
                    "forbidden"
                ),
                (
                    new
                    {
                        ticket,
                        type = "report",
                        path = "/agents/alice/state/none",
                    },
                    "not_found"
                ),
            }
        )
            await Talk.Refused(() => rig.Call("artifact_add", fields), code);
        await Talk.Refused(() => rig.Call("artifact", new { id = 9 }), "not_found");
        Assert.Equal(2, (await rig.Call("artifacts", new { ticket })).GetProperty("artifacts").GetArrayLength());
    }

    [Fact]
    public async Task A_request_that_says_it_is_from_somebody_else_is_forbidden()
    {
        await using var rig = await GateRig.Start(Keys);
        var ticket = await rig.Ticket("write");
        var http = rig.Hive.Http();
        foreach (
            var (member, value, status) in new (string, object?, HttpStatusCode)[]
            {
                ("collected_by", "alice", HttpStatusCode.Forbidden),
                ("initiated_by", "root", HttpStatusCode.Forbidden),
                ("from_agent_id", "alice", HttpStatusCode.Forbidden),
                ("accepting_agent_id", new { }, HttpStatusCode.Forbidden),
                ("authority", 5, HttpStatusCode.Forbidden),
                ("authority", "SYSTEM", HttpStatusCode.Forbidden),
                ("authority", 4, HttpStatusCode.Created),
                ("authority", "GUARDIAN", HttpStatusCode.Created),
                ("initiated_by", "operator", HttpStatusCode.Created),
                ("initiated_by", null, HttpStatusCode.Created),
            }
        )
        {
            var body = new Dictionary<string, object?>
            {
                ["task_id"] = 1,
                ["metric_name"] = "lint_errors",
                ["value"] = 1,
                [member] = value,
            };
            var answer = await http.PostAsJsonAsync("/api/v1/quality/metrics/record", body);
            Assert.True(status == answer.StatusCode, $"{member} {value}: {answer.StatusCode}");
        }

        Assert.Equal(4, (await http.GetFromJsonAsync<JsonElement>("/api/v1/quality/metrics/1")).GetArrayLength());
        // Wherever it stands; a member inside another one says something else.
        var artifacts = $"/api/v1/tickets/{ticket}/artifacts";
        object artifact = new { artifact_type = "report", artifact_content = new { authority = 5 } };
        var queried = await http.PostAsJsonAsync($"{artifacts}?initiated_by=root", artifact);
        Assert.Equal(HttpStatusCode.Forbidden, queried.StatusCode);
        using var form = new FormUrlEncodedContent([new("artifact_type", "report"), new("authority", "5")]);
        Assert.Equal(HttpStatusCode.Forbidden, (await http.PostAsync(artifacts, form)).StatusCode);
        Assert.Empty((await rig.Call("artifacts", new { ticket })).GetProperty("artifacts").EnumerateArray());
        (await http.PostAsJsonAsync(artifacts, artifact)).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task Metrics_are_recorded_with_their_threshold_and_averaged()
    {
        await using var rig = await GateRig.Start(Keys);
        await rig.Ticket("write");
        var http = rig.Hive.Http();
        Assert.Equal(
            "no_data",
            (await http.GetFromJsonAsync<JsonElement>("/api/v1/quality/trends")).GetProperty("trend").GetString()
        );
        foreach (
            var (name, value, threshold, passed) in new (string, double, double?, bool)[]
            {
                ("lint_errors", 1, 0, false),
                ("lint_errors", 0, 0, true),
                ("cyclomatic_complexity", 11, 10, false),
                ("test_coverage_percentage", 80, 80, true),
                ("test_coverage_percentage", 79, 80, false),
                ("test_coverage_percentage", 1, null, true),
            }
        )
        {
            var answer = await http.PostAsJsonAsync(
                "/api/v1/quality/metrics/record",
                new
                {
                    task_id = 1,
                    metric_name = name,
                    value,
                    threshold,
                }
            );
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            Assert.Equal(
                passed,
                (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("passed").GetBoolean()
            );
        }

        var metrics = await http.GetFromJsonAsync<JsonElement>("/api/v1/quality/metrics/1?limit=2");
        Assert.Equal([1.0, 79.0], metrics.EnumerateArray().Select(m => m.GetProperty("value").GetDouble()));
        metrics = await http.GetFromJsonAsync<JsonElement>(
            $"/api/v1/quality/metrics/1?limit=1&before={metrics[1].GetProperty("id").GetInt64()}"
        );
        Assert.Equal([80.0], metrics.EnumerateArray().Select(m => m.GetProperty("value").GetDouble()));
        var trends = await http.GetFromJsonAsync<JsonElement>("/api/v1/quality/trends?phase_id=PHASE_WORK");
        Assert.Equal(0.5, trends.GetProperty("overall_pass_rate").GetDouble());
        var lint = trends.GetProperty("metrics").GetProperty("lint");
        Assert.Equal((0.5, 2), (lint.GetProperty("average_value").GetDouble(), lint.Int("sample_count")));

        await Talk.Refused(
            () =>
                rig.Call(
                    "metric_record",
                    new
                    {
                        task = 9,
                        name = "x",
                        value = 1,
                    }
                ),
            "not_found"
        );
        await Talk.Refused(
            () =>
                rig.Call(
                    "metric_record",
                    new
                    {
                        task = 1,
                        name = " ",
                        value = 1,
                    }
                ),
            "invalid"
        );
        await Talk.Refused(
            () =>
                rig.Call(
                    "metric_record",
                    new
                    {
                        task = 1,
                        name = "x",
                        value = 1,
                        type = "speed",
                    }
                ),
            "invalid"
        );
    }

    [Fact]
    public async Task A_repeated_call_with_a_key_adds_no_artifact_and_no_metric_again()
    {
        await using var rig = await GateRig.Start(Keys);
        var ticket = await rig.Ticket("write");
        var http = rig.Hive.Http();
        foreach (
            var (path, body) in new (string, object)[]
            {
                (
                    $"tickets/{ticket}/artifacts",
                    new
                    {
                        artifact_type = "report",
                        artifact_content = new { content = "12345" },
                        key = "a",
                    }
                ),
                (
                    "quality/metrics/record",
                    new
                    {
                        task_id = 1,
                        metric_name = "lint_errors",
                        value = 1,
                        key = "m",
                    }
                ),
            }
        )
        {
            var first = await http.PostAsJsonAsync($"/api/v1/{path}", body);
            var again = await http.PostAsJsonAsync($"/api/v1/{path}", body);
            Assert.Equal(await first.Content.ReadAsStringAsync(), await again.Content.ReadAsStringAsync());
        }

        var artifacts = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/artifacts");
        var metrics = await http.GetFromJsonAsync<JsonElement>("/api/v1/quality/metrics/1");
        Assert.Equal((1, 1), (artifacts.GetArrayLength(), metrics.GetArrayLength()));
        await Talk.Refused(
            () =>
                rig.Call(
                    "artifact_add",
                    new
                    {
                        ticket,
                        type = "report",
                        content = new { content = "67890" },
                        key = "m",
                    }
                ),
            "conflict"
        );
    }

    [Fact]
    public async Task A_gate_is_evaluated_without_a_verdict()
    {
        await using var rig = await GateRig.Start($"{Keys}\n    - metric: lint_errors\n      at_most: 0");
        var ticket = await rig.Ticket("write");
        var answer = await rig.Hive.Http().PostAsync($"/api/v1/quality/gates/{ticket}/evaluate", null);
        var result = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.False(result.GetProperty("passed").GetBoolean());
        Assert.Equal(
            ["missing", "fail", "fail"],
            result.GetProperty("requirements_failed").EnumerateArray().Select(r => r.GetProperty("status").GetString())
        );
        Assert.Equal(
            ["all tasks of the phase are completed", "report: at least 5 characters", "at most 0"],
            result
                .GetProperty("requirements_failed")
                .EnumerateArray()
                .Select(r => r.GetProperty("expected").GetString())
        );
        Assert.Null((await rig.Gate(ticket)).JudgedAt);
    }

    [Fact]
    public async Task A_context_is_packed_again_when_asked_for()
    {
        await using var rig = await GateRig.Start(Keys);
        var ticket = await rig.Ticket("write");
        await rig.Do(write => rig.Tasks.End(write, 1, "completed", "alice", new TaskResult("wrote it", ["a"], [], [])));
        var http = rig.Hive.Http();
        var empty = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/context");
        Assert.Empty(empty.GetProperty("full_context").GetProperty("phases").EnumerateObject());
        Assert.False(empty.TryGetProperty("summary", out _));
        var updated = await http.PostAsync($"/api/v1/tickets/{ticket}/update-context?phase_id=PHASE_WORK", null);
        Assert.Equal(
            "updated",
            (await updated.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("status").GetString()
        );
        var context = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/context");
        Assert.Equal(
            "wrote it. Decisions: a",
            context
                .GetProperty("full_context")
                .GetProperty("phases")
                .GetProperty("PHASE_WORK")
                .GetProperty("summary")
                .GetString()
        );
        foreach (
            var path in new[] { "tickets/9/context", "tickets/9/gate-status", "tickets/9/artifacts", "artifacts/9" }
        )
            Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync($"/api/v1/{path}")).StatusCode);
        foreach (
            var path in new[] { "9/update-context", $"{ticket}/update-context?phase_id=PHASE_X", "9/validate-gate" }
        )
            Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync($"/api/v1/tickets/{path}", null)).StatusCode);
    }
}
