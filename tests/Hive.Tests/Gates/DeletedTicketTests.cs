using Dapper;
using Hive.Common.Storage;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Gates;

/// <summary>The end of a ticket with evidence, a review and a metric, by the real doors.</summary>
public sealed class DeletedTicketTests
{
    [Fact]
    public async Task A_deleted_ticket_takes_its_evidence_its_reviews_and_its_metrics_with_it()
    {
        await using var hive = await HiveFixture.Start();
        using var events = await hive.Events();
        var host = await hive.Operator();
        await host.CallAsync(
            "workflow_load",
            new { text = Cases.Yaml("gate:\n  criteria:\n    - operator: Ship it?") }
        );
        var created = await host.CallAsync(
            "ticket_create",
            new
            {
                title = "Log in",
                workflow = "work",
                tasks = new[]
                {
                    new
                    {
                        task_type = "write",
                        title = "Write",
                        phase_id = "PHASE_OPEN",
                    },
                },
            }
        );
        var id = created.GetProperty("ticket").GetProperty("id").GetInt64();
        var first = (await events.Next("review_changed")).GetProperty("review").GetProperty("id").GetInt64();
        var metric = new
        {
            task = 1,
            name = "lint_errors",
            value = 1,
        };
        await host.CallAsync("metric_record", metric);
        await host.CallAsync(
            "artifact_add",
            new
            {
                ticket = id,
                type = "report",
                content = new { },
            }
        );
        // The review is void, and the operator is asked again.
        var asked = first;
        while (asked == first)
            asked = (await events.Next("review_changed")).GetProperty("review").GetProperty("id").GetInt64();

        await host.CallAsync("ticket_delete", new { id });
        foreach (var table in new[] { "metrics", "artifacts", "artifact_contents" })
            Assert.Equal(
                0,
                await hive
                    .Services.GetRequiredService<IStore>()
                    .Read(db => db.ExecuteScalar<int>($"SELECT count(*) FROM {table}"))
            );
        Assert.Equal(
            "cancelled",
            (await events.Next("review_changed")).GetProperty("review").GetProperty("verdict").GetString()
        );
        Assert.Empty((await host.CallAsync("reviews")).GetProperty("reviews").EnumerateArray());
        await Talk.Refused(() => host.CallAsync("gate", new { ticket = id }), "not_found");
        await Talk.Refused(() => host.CallAsync("metric_record", metric), "not_found");
    }
}
