using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>Agrees to what an approval asks for, and says what came of it.</summary>
internal static class ApproveVerb
{
    public static Command Create()
    {
        var id = new Argument<long>("ID") { Description = "The approval's number, from hive pending" };
        var noWait = new Option<bool>("--no-wait") { Description = "Return once it is approved, not when it is built" };
        return HostVerb.Create(
            "approve",
            "Approve what is asked for, and wait until it is built; what fails is rolled back, and is exit code 1.",
            async (verb, parsed) =>
            {
                var approval = parsed.GetRequiredValue(id);
                var answer = await verb.CallAsync("approve", new { id = approval });
                if (parsed.GetValue(noWait))
                {
                    verb.Report(
                        answer,
                        string.Create(CultureInfo.InvariantCulture, $"approval {approval} is approved and builds")
                    );
                    return;
                }

                var end = await EndOf(verb, approval);
                if (end.Status != ApprovalStatus.Approved)
                    throw new HiveException(
                        "conflict",
                        string.Create(CultureInfo.InvariantCulture, $"approval {approval} {end.Status}: {end.Note}")
                    );
                if (verb.Json)
                    HostVerb.Print(
                        new JsonObject { ["approval"] = JsonSerializer.SerializeToNode(end, WireJson.Options) }
                    );
                else
                    verb.Screen.Line(
                        string.Create(CultureInfo.InvariantCulture, $"approval {approval} is approved: {Done(end)}")
                    );
            },
            id,
            noWait
        );
    }

    private static async Task<Approval> EndOf(HostVerb verb, long id)
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

    private static string Done(Approval approval) =>
        approval.Kind switch
        {
            ApprovalKind.Spawn => $"{approval.Agent} exists",
            ApprovalKind.ApplyCommit => $"{approval.FetchedSha?[..12]} is deployed for {approval.Agent}",
            _ => "the inputs are pinned anew",
        };
}
