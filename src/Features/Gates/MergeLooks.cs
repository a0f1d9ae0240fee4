using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>The result of a look whether a branch of a ticket's repository contains a commit.</summary>
/// <param name="Sha">The commit.</param>
/// <param name="Branch">The branch.</param>
/// <param name="IsMerged">Whether it does; null when that could not be found out.</param>
/// <param name="Fault">Why that could not be found out, or why the branch does not: it is missing.</param>
internal sealed record MergeLook(string Sha, string Branch, bool? IsMerged, string? Fault = null)
{
    /// <summary>The fault may pass by itself.</summary>
    public bool IsPassing { get; init; }

    /// <summary>The fault stays until a person corrects it. True only right after the look.</summary>
    public bool IsForPerson => IsMerged is null && !IsPassing;
}

/// <summary>Looks whether branches contain the commits that a gate asks for. The answer is looked up at every judging,
/// and kept for those who look at the gate.</summary>
internal sealed class MergeLooks(CommitEvidence commits)
{
    /// <summary>True when a gate can only be judged after a look at a repository.</summary>
    public static bool Needs(GateCase gate) => gate.Own.All(t => t.HasEnded) && Asked(gate).Any();

    /// <summary>The same case, with what the repository has now.</summary>
    public async Task<GateCase> Look(GateCase gate, CancellationToken ct)
    {
        List<MergeLook> looks = [];
        foreach (var (sha, branch) in Asked(gate))
            looks.Add(await Look(gate, sha, branch, ct));
        return gate with { Merges = looks, HasLooked = true };
    }

    /// <summary>The last looks at the commits of a ticket.</summary>
    public static IReadOnlyList<MergeLook> Of(DbConnection db, long ticket) =>
        [
            .. db.Query<(string Sha, string Branch, long? Merged, string? Fault)>(
                    "SELECT sha, branch, merged, fault FROM merge_looks WHERE ticket = @ticket",
                    new { ticket }
                )
                .Select(l => new MergeLook(l.Sha, l.Branch, l.Merged is { } merged ? merged != 0 : null, l.Fault)),
        ];

    /// <summary>The tickets with a look that found nothing out.</summary>
    public static IReadOnlyList<long> Unknown(DbConnection db) =>
        db.Query<long>("SELECT DISTINCT ticket FROM merge_looks WHERE merged IS NULL").AsList();

    public static void Store(IWrite write, long ticket, IReadOnlyList<MergeLook> looks)
    {
        foreach (var look in looks)
            write.Db.Execute(
                """
                INSERT OR REPLACE INTO merge_looks (ticket, sha, branch, merged, fault)
                VALUES (@ticket, @Sha, @Branch, @IsMerged, @Fault)
                """,
                new
                {
                    ticket,
                    look.Sha,
                    look.Branch,
                    look.IsMerged,
                    look.Fault,
                }
            );
    }

    public static void RemoveOf(IWrite write, long ticket) =>
        write.Db.Execute("DELETE FROM merge_looks WHERE ticket = @ticket", new { ticket });

    // The commits that count, each with a branch that has to contain it.
    private static IEnumerable<(string Sha, string Branch)> Asked(GateCase gate) =>
        GateRules
            .Effective(gate.Phase)
            .Where(c => c.Commit?.MergedInto is not null)
            .Select(c =>
                (ArtifactJudge.Counted(gate, c.Artifact!).FirstOrDefault()?.Artifact.Sha, c.Commit!.MergedInto!)
            )
            .Where(asked => asked.Sha is not null)
            .Select(asked => (asked.Sha!, asked.Item2))
            .Distinct();

    private async Task<MergeLook> Look(GateCase gate, string sha, string branch, CancellationToken ct)
    {
        if (gate.Ticket.Repository is not { } repository)
            return new MergeLook(
                sha,
                branch,
                null,
                $"ticket {gate.Ticket.Id} does not name a repository, so its branch {branch} cannot be looked at; move "
                    + "it, or make a ticket that names one"
            );
        try
        {
            return new MergeLook(sha, branch, await commits.IsMerged(repository, sha, branch, ct));
        }
        catch (Problem e)
        {
            // Work can make a branch.
            bool? isMerged = e.Code == ErrorCode.NotFound ? false : null;
            return new MergeLook(sha, branch, isMerged, $"{branch} of {repository} cannot be looked at: {e.Message}")
            {
                IsPassing = e.Code == ErrorCode.Unavailable,
            };
        }
    }
}
