using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>What waits for the operator's decision.</summary>
internal static class PendingVerb
{
    public static Command Create()
    {
        var all = new Option<bool>("--all") { Description = "Also what is building, and the newest that were decided" };
        return HostVerb.Create("pending", "Show what waits for your approval.", async (verb, parsed) =>
        {
            var history = parsed.GetValue(all);
            var answer = await verb.CallAsync("pending", new { all = history });
            var approvals = answer.GetProperty("approvals").Deserialize<Approval[]>(WireJson.Options)!;
            if (verb.Json)
                HostVerb.Print(answer);
            else if (approvals.Length == 0)
                verb.Screen.Line(history ? "Nothing has been asked for yet." : "Nothing waits for your approval.");
            else
                verb.Screen.Table([.. Heads, .. history ? ["status", "note"] : Array.Empty<string>()], [.. approvals.Select(a => Cells(a, history))]);
        }, all);
    }

    private static readonly string[] Heads = ["id", "kind", "agent", "commit", "by", "age", "description"];

    private static Screen.Cell[] Cells(Approval approval, bool history)
    {
        var pending = approval.Status == ApprovalStatus.Pending;
        Screen.Cell[] cells =
        [
            new(approval.Id.ToString(CultureInfo.InvariantCulture), pending ? "bold yellow" : "grey"),
            approval.Kind,
            approval.Kind == ApprovalKind.UpdateInputs ? string.Join(", ", approval.Inputs ?? []) : approval.Agent,
            (approval.FetchedSha ?? approval.CommitRef) is { Length: > 12 } long_ ? long_[..12] : approval.FetchedSha ?? approval.CommitRef,
            approval.Requester,
            new(Screen.Age(approval.RequestedAt), "grey"),
            approval.Description,
        ];
        return history ? [.. cells, new(approval.Status, Style(approval.Status)), approval.Note] : cells;
    }

    private static string Style(string status) => status switch
    {
        ApprovalStatus.Pending => "yellow",
        ApprovalStatus.Building => "cyan",
        ApprovalStatus.Approved => "green",
        _ => "red",
    };
}
