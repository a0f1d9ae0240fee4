using System.Globalization;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Judges a criterion about an artifact, with the pattern and the rule of the expected outputs of its
/// type.</summary>
internal static class ArtifactJudge
{
    private const string Kind = "artifact";

    public static GateJudge.Judged Judge(GateCase gate, Criterion criterion)
    {
        var type = criterion.Artifact!;
        var outputs = Outputs(gate, type);
        var all = Counted(gate, type);
        var text = Asks(criterion, outputs);
        if (all.Length == 0)
            return new(
                new CriterionView(
                    Kind,
                    text,
                    CriterionStates.Unmet,
                    gate.Return is { } sent
                        ? $"an artifact of type {type} was not handed in {GateJudge.Since(sent)}; hand it in again"
                        : $"an artifact of type {type} is missing; hand one in"
                ),
                Producer(gate, type),
                type
            );
        var commit = criterion.Commit is { } wanted ? Commit(gate, type, wanted, all[0].Artifact) : null;
        // What nobody could look at yet is not cured by work.
        string[] faults = commit is { IsUnknown: true }
            ? [commit.Value.Reason]
            : [.. Faults(criterion, type, all).Concat(outputs.SelectMany(o => Faults(o, all))).Distinct()];
        if (commit is { IsUnknown: false } missing)
            faults = [missing.Reason, .. faults];
        var state =
            faults.Length == 0 ? CriterionStates.Met
            : commit is { IsUnknown: true } ? CriterionStates.Waiting
            : CriterionStates.Unmet;
        var reason = faults.Length == 0 ? null : string.Join("; ", faults);
        var judged = all[0].Artifact;
        return new(
            new CriterionView(Kind, text, state, reason, Artifact: judged.Id, Task: judged.Task, By: judged.By),
            gate.Tasks.FirstOrDefault(t => t.Id == judged.Task) ?? Producer(gate, type)
        );
    }

    /// <summary>The artifacts of a type that count at a gate, the newest first.</summary>
    public static StoredArtifact[] Counted(GateCase gate, string type)
    {
        var all = gate.Artifacts.Where(a => a.Artifact.Type == type).ToArray();
        var own = all.Where(a => a.Artifact.PhaseId == gate.Phase.Id).ToArray();
        // An expected output of a phase must come from that phase.
        return own.Length > 0 || Outputs(gate, type).Length > 0 ? own : all;
    }

    private static ExpectedOutput[] Outputs(GateCase gate, string type) =>
        [
            .. gate
                .Phase.ExpectedOutputs.Concat(gate.Phase.Tasks.SelectMany(t => t.ExpectedOutputs))
                .Where(o => o.Type == type && o.Required)
                .Distinct(),
        ];

    // Why a commit does not hold; null when it does.
    private static (string Reason, bool IsUnknown)? Commit(
        GateCase gate,
        string type,
        CommitCriterion asked,
        Artifact artifact
    )
    {
        if (artifact.Sha is not { } sha)
            return ($"{type} is not a commit; hand in its 'commit' and 'repository'", false);
        if (asked.MergedInto is not { } branch)
            return null;
        var look = gate.Merges?.FirstOrDefault(m => m.Sha == sha && m.Branch == branch);
        return look switch
        {
            { IsMerged: true } => null,
            { IsMerged: false, Fault: { } missing } => (missing, false),
            { IsMerged: false } => (
                $"{branch} of {gate.Ticket.Repository} does not contain commit {sha[..12]}; merge it",
                false
            ),
            { Fault: { } fault } => (fault, true),
            _ => ($"{branch} of {gate.Ticket.Repository} is looked at when the gate is judged", true),
        };
    }

    /// <summary>A criterion and its outputs in words.</summary>
    public static string Asks(Criterion criterion, IEnumerable<ExpectedOutput> outputs)
    {
        List<string> parts = [];
        if (criterion.MinCount is { } count)
            parts.Add($"at least {count} of them");
        if (criterion.MinLength is { } length)
            parts.Add($"at least {length} characters");
        if (criterion.Sections is { } sections)
            parts.Add($"the sections {string.Join(", ", sections)}");
        if (criterion.Field is { } field)
            parts.Add($"{field} {GateJudge.Bounds(criterion)}");
        if (criterion.Flag is { } flag)
            parts.Add($"{flag} true");
        if (criterion.Commit is { } commit)
            parts.Add(commit.MergedInto is { } branch ? $"a commit merged into {branch}" : "a commit");
        foreach (var output in outputs)
        {
            if (output.Pattern is { } pattern)
                parts.Add($"path {pattern}");
            // The shipped workflow has the length both as a criterion and as a rule of the output.
            if (output.ValidationRule is { } rule && rule != $"min_length: {criterion.MinLength}")
                parts.Add(rule);
        }

        return criterion.Artifact + (parts.Count == 0 ? "" : $": {string.Join("; ", parts)}");
    }

    // The task of the phase that is expected to hand in the type, else the one that ended last.
    private static TaskEntry? Producer(GateCase gate, string type) =>
        gate.Own.LastOrDefault(t => t.Expected.Any(o => o.Type == type)) ?? GateJudge.LastOf(gate);

    private static IEnumerable<string> Faults(Criterion criterion, string type, StoredArtifact[] all)
    {
        if (criterion.MinCount is { } count && all.Length < count)
            yield return $"there {(all.Length == 1 ? "is 1 artifact" : $"are {all.Length} artifacts")} of type {type}; "
                + $"at least {count} are needed, handed in together";
        if (criterion is { MinLength: null, Sections: null, Field: null, Flag: null })
            yield break;
        if (Content(all[0], out var fault) is not { } content)
        {
            yield return fault!;
            yield break;
        }

        if (criterion.MinLength is { } length && TooShort(type, content, length) is { } isShort)
            yield return isShort;
        if (criterion.Sections is { } sections)
        {
            var has = content.Sections();
            var missing = sections.Where(s => !has.Contains(ArtifactContent.Fold(s))).ToArray();
            if (missing.Length > 0)
                yield return $"{type} lacks the sections {string.Join(", ", missing)}; add a heading for each";
        }

        if (criterion.Field is { } field)
        {
            if (content.Number(field) is not { } value)
                yield return $"{type} does not have a number '{field}'; hand in a JSON object with it";
            else if (value < criterion.AtLeast || value > criterion.AtMost)
                yield return $"{field} of {type} is {GateJudge.Number(value)}; it must be "
                    + GateJudge.Bounds(criterion);
        }

        if (criterion.Flag is { } flag && !content.IsTrue(flag))
            yield return $"'{flag}' of {type} is not true; hand in a JSON object where it is";
    }

    private static IEnumerable<string> Faults(ExpectedOutput output, StoredArtifact[] all)
    {
        var fitting = all;
        if (output.Pattern is { } pattern && PathPattern.IsChecked(pattern))
        {
            fitting =
            [
                // A commit is of many files, and has no path of its own.
                .. all.Where(a =>
                    a.Artifact.Kind == ArtifactTable.Commit
                    || (a.Artifact.Path is { } path && PathPattern.Matches(pattern, PathPattern.BelowRoot(path)))
                ),
            ];
            if (fitting.Length == 0)
                yield return $"{output.Type} is not a file that matches {pattern} below its folder; hand in one that "
                    + "does";
        }

        if (
            output.ValidationRule?.Split(':', 2, StringSplitOptions.TrimEntries) is not [var rule, var number]
            || rule is not ("min_length" or "min_passing")
            || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var least)
        )
            yield break;
        var judged = fitting.Length > 0 ? fitting[0] : all[0];
        if (Content(judged, out var fault) is not { } content)
        {
            yield return fault!;
            yield break;
        }

        if (rule == "min_length")
        {
            if (TooShort(output.Type, content, least) is { } isShort)
                yield return isShort;
            yield break;
        }

        var passing = content.Number("passing") ?? content.Number("passed");
        if (!(passing >= least))
            yield return $"{output.Type} has {(passing is { } n ? GateJudge.Number(n) : "no number")} 'passing'; at "
                + $"least {least} are needed, in a JSON object";
    }

    private static string? TooShort(string type, ArtifactContent content, int least) =>
        content.Length >= least
            ? null
            : $"{type} has a length of {GateJudge.Number(content.Length)} characters; at least {least} are needed";

    private static ArtifactContent? Content(StoredArtifact artifact, out string? fault)
    {
        var (type, size) = (artifact.Artifact.Type, artifact.Artifact.Size);
        var content = artifact.Content is { } bytes
            ? ArtifactContent.Read(bytes, artifact.Artifact.Kind == ArtifactTable.Data)
            : null;
        fault =
            content is not null ? null
            : artifact.Content is null
                ? $"{type} has {size} bytes; only the content of files up to {ArtifactTable.KeptBytes} bytes is "
                    + "looked at; hand in a shorter one"
            : $"{type} is not UTF-8 text; hand in a text";
        return content;
    }
}
