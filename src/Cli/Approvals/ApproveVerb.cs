using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Approvals;

/// <summary><c>hive approve</c>: approves a request and waits for the result.</summary>
internal static class ApproveVerb
{
    public static Command Create()
    {
        var id = ApprovalsVerbs.Id();
        var noWait = new Option<bool>("--no-wait") { Description = "Return at once, without waiting for the build" };
        return Verb.Create(
            "approve",
            "Approve a request and wait until it is built; on failure, roll back and exit 1.",
            async (verb, parsed) =>
            {
                var approval = parsed.GetRequiredValue(id);
                var answer = await verb.CallAsync("approve", new { id = approval });
                if (parsed.GetValue(noWait))
                {
                    verb.Report(answer, Invariant($"approval {approval} is approved and building"));
                    return;
                }

                var end = await EndOf(verb, approval);
                if (end.Status != ApprovalStatus.Approved)
                    throw new HiveException("conflict", Invariant($"approval {approval} {end.Status}: {end.Note}"));
                if (verb.Json)
                    JsonOutput.Print(
                        new JsonObject { ["approval"] = JsonSerializer.SerializeToNode(end, WireJson.Options) }
                    );
                else
                    verb.Screen.Line(Invariant($"approval {approval} is approved: {ResultOf(end)}"));
            },
            id,
            noWait
        );
    }

    private static async Task<Approval> EndOf(VerbContext verb, long id)
    {
        while (true)
        {
            var now = (await verb.CallAsync("approval", new { id, wait_seconds = Limits.MaxWaitSeconds }))
                .GetProperty("approval")
                .Deserialize<Approval>(WireJson.Options)!;
            if (now.ResolvedAt is not null)
                return now;
        }
    }

    private static string ResultOf(Approval approval) =>
        approval.Kind switch
        {
            ApprovalKind.Spawn => $"{approval.Agent} exists",
            ApprovalKind.ApplyCommit => $"{approval.FetchedSha?[..12]} is deployed for {approval.Agent}",
            _ => "the input pins are updated",
        };
}
