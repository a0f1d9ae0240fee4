using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Approvals;

/// <summary><c>hive pending</c>: lists approvals and shows what they would change.</summary>
internal static class PendingVerb
{
    public static Command Create()
    {
        var ids = new Argument<long[]>("ID")
        {
            Description = "Show these approvals with their changes, decided or not",
            Arity = ArgumentArity.ZeroOrMore,
        }.CompletedBy(Known.ApprovalsAsync);
        var all = new Option<bool>("--all")
        {
            Description = "Include what is building, and the newest decided approvals",
        };
        var diff = new Option<bool>("--diff") { Description = "Show every pending approval with its changes" };
        var against = new Option<string>("--base")
        {
            Description =
                "Compare a change with: applied (deployed), approved (approved last) or previous (proposed before it)",
            HelpName = "BASE",
            DefaultValueFactory = _ => "applied",
        }.CompletedBy("applied", "approved", "previous");
        return Verb.Create(
            "pending",
            "List what waits for your approval; with an ID, show its changes.",
            async (verb, parsed) =>
            {
                var (wanted, history) = (parsed.GetValue(ids)!, parsed.GetValue(all));
                if (wanted.Length == 0 && !parsed.GetValue(diff))
                {
                    List(verb, await verb.CallAsync("pending", new { all = history }), history);
                    return;
                }

                List<Approval> approvals = [];
                foreach (var id in wanted)
                    approvals.Add(await ApprovalAsync(verb, id));
                if (wanted.Length == 0)
                    approvals.AddRange(
                        Read<Approval[]>(await verb.CallAsync("pending", new { all = history }), "approvals")
                    );
                JsonArray documents = [];
                foreach (var approval in approvals)
                {
                    var changes = await ChangesAsync(verb, approval, parsed.GetValue(against)!);
                    if (verb.Json)
                        documents.Add(
                            new JsonObject
                            {
                                ["approval"] = JsonSerializer.SerializeToNode(approval, WireJson.Options),
                                ["diff"] = JsonSerializer.SerializeToNode(changes, WireJson.Options),
                            }
                        );
                    else
                        Show(verb.Screen, approval, changes);
                }

                if (verb.Json)
                    JsonOutput.Print(new JsonObject { ["approvals"] = documents });
                else if (approvals.Count == 0)
                    verb.Screen.Line(Nothing);
            },
            ids,
            all,
            diff,
            against,
            CommonOptions.Wide()
        );
    }

    // So many lines fit a terminal together with the keys.
    private const int MostInSum = 12;

    private const string Nothing = "Nothing waits for your approval.";

    private static Screen.Column[] Heads(bool history) =>
        [
            "id",
            "kind",
            Screen.Column.Name("agent"),
            .. history ? ["status"] : Array.Empty<Screen.Column>(),
            "age",
            "by",
            "commit",
            Screen.Column.Text("description"),
            .. history ? [Screen.Column.Text("note")] : Array.Empty<Screen.Column>(),
        ];

    private static void List(VerbContext verb, JsonElement answer, bool history)
    {
        var approvals = Read<Approval[]>(answer, "approvals");
        if (verb.Json)
            JsonOutput.Print(answer);
        else if (approvals.Length == 0)
            verb.Screen.Line(history ? "No approvals yet." : Nothing);
        else
            verb.Screen.Table(Heads(history), [.. approvals.Select(a => Cells(a, history))]);
    }

    private static Screen.Cell[] Cells(Approval approval, bool history) =>
        [
            new(
                approval.Id.ToString(CultureInfo.InvariantCulture),
                approval.Status == ApprovalStatus.Pending ? "bold yellow" : "grey"
            ),
            approval.Kind,
            About(approval),
            .. history ? [new(approval.Status, Style(approval.Status))] : Array.Empty<Screen.Cell>(),
            new(Screen.Age(approval.RequestedAt), "grey"),
            approval.Requester,
            Short(approval.FetchedSha ?? approval.CommitRef),
            approval.Description,
            .. history ? [approval.Note] : Array.Empty<Screen.Cell>(),
        ];

    /// <summary>Reads an approval and its changes; without changes when it has none, or none yet.</summary>
    public static async Task<(Approval Approval, ApprovalDiff? Changes)> ReadAsync(
        VerbContext verb,
        long id,
        string against
    )
    {
        var approval = await ApprovalAsync(verb, id);
        return (approval, await ChangesAsync(verb, approval, against));
    }

    private static async Task<Approval> ApprovalAsync(VerbContext verb, long id) =>
        Read<Approval>(await verb.CallAsync("approval", new { id }), "approval");

    private static async Task<ApprovalDiff?> ChangesAsync(VerbContext verb, Approval approval, string against) =>
        approval is { Kind: ApprovalKind.ApplyCommit, FetchedSha: not null }
            ? (
                await verb.CallAsync("approval_diff", new { id = approval.Id, @base = against })
            ).Deserialize<ApprovalDiff>(WireJson.Options)
            : null;

    /// <summary>Shows which files a change touches, and how much of each.</summary>
    public static void ShowSum(Screen screen, ApprovalDiff diff)
    {
        if (diff.Note is { } same)
        {
            screen.Line($"  {same}");
            return;
        }

        foreach (var file in diff.Files.Take(MostInSum))
        {
            var lines = file.Binary ? "binary" : Invariant($"+{file.Additions ?? 0} -{file.Deletions ?? 0}");
            var name = file.OldPath is { } before ? $"{before} → {file.Path}" : file.Path;
            screen.Row($"  {file.Status.Replace('_', ' ')} {name}  {lines}", "default");
        }

        var more = Math.Max(diff.Files.Count - MostInSum, 0) + (diff.FilesLeftOut ?? 0);
        if (more > 0)
            screen.Line(Invariant($"  … {more} more files{(diff.Truncated == true ? " or even more" : "")}"));
        var (added, deleted) = (diff.Files.Sum(f => f.Additions ?? 0), diff.Files.Sum(f => f.Deletions ?? 0));
        if (diff.Files.Count > 1)
            screen.Line(Invariant($"  {diff.Files.Count + (diff.FilesLeftOut ?? 0)} files, +{added} -{deleted}"));
    }

    /// <summary>Shows an approval and all of its changes.</summary>
    public static void Show(Screen screen, Approval approval, ApprovalDiff? diff)
    {
        var commit = Short(approval.FetchedSha ?? approval.CommitRef);
        var what = Invariant($"approval {approval.Id}: {approval.Kind} {About(approval)} {commit}");
        screen.Styled(what.TrimEnd(), "bold yellow");
        var at = approval.RequestedAt.ToLocalTime();
        screen.Line(Invariant($"{approval.Status}, requested by {approval.Requester} at {at:yyyy-MM-dd HH:mm:ss}"));
        if (approval.Note is { } note)
            screen.Styled(Plain.OneLine(note), Style(approval.Status));
        if (approval.Description is { } description)
            screen.Indented(description);
        screen.Line();
        if (diff is null)
            return;
        if (diff.Note is { } same)
            screen.Line($"{char.ToUpperInvariant(same[0])}{same[1..]}.");
        foreach (var file in diff.Files)
            Show(screen, file);
        if (diff.FilesLeftOut is { } left)
            screen.Styled(Invariant($"… {left} more files are not shown"), "yellow");
        if (diff.Truncated == true)
            screen.Styled("… even more files were not counted", "yellow");
        screen.Line();
    }

    private static void Show(Screen screen, DiffFile file)
    {
        var modes = (file.OldMode, file.NewMode) switch
        {
            (null, null) => "",
            (null, var now) => $", mode {now}",
            var (old, now) => $", mode {old} to {now ?? "none"}",
        };
        var name = file.OldPath is { } before ? $"{before} → {file.Path}" : file.Path;
        var kind = file.Binary ? ", binary" : "";
        screen.Styled(Plain.OneLine($"{file.Status.Replace('_', ' ')}: {name}{modes}{kind}"), "bold");
        foreach (var line in file.Patch?.TrimEnd('\n').Split('\n') ?? [])
            screen.Styled(line, line.Length == 0 ? "default" : Style(line[0]));
        if (file.Truncated == true)
            screen.Styled($"… truncated; git shows the rest of {Plain.OneLine(file.Path)} in applied/", "yellow");
    }

    private static string Style(char first) =>
        first switch
        {
            '+' => "green",
            '-' => "red",
            '@' => "cyan",
            ' ' => "default",
            _ => "grey",
        };

    private static string Style(string status) =>
        status switch
        {
            ApprovalStatus.Pending => "yellow",
            ApprovalStatus.Building => "cyan",
            ApprovalStatus.Approved => "green",
            _ => "red",
        };

    private static string About(Approval approval) =>
        approval.Kind == ApprovalKind.UpdateInputs ? string.Join(", ", approval.Inputs ?? []) : approval.Agent;

    private static string Short(string commit) => commit.Length <= 12 ? commit : commit[..12];

    private static T Read<T>(JsonElement answer, string member) =>
        answer.GetProperty(member).Deserialize<T>(WireJson.Options)!;
}
