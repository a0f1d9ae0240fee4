using System.ComponentModel;
using System.Globalization;
using System.Text;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>
/// Compares a proposal with the deployed configuration, the one approved last, or the one proposed before it.
/// </summary>
internal static class DiffApproval
{
    // The most of one file's patch, and of all patches together, in characters: more would be too much to read and for
    // a page to show.
    private const int MaxPatch = 128 << 10;
    private const int MaxPatches = 1 << 20;

    // How many files are listed, and how many are read one by one when together they are too large.
    private const int MaxFiles = 1000;
    private const int MaxSingle = 100;
    private const int MaxListBytes = 8 << 20;

    // This file is always shown.
    private const string ShownFirst = "agent.yaml";

    internal sealed record Query(
        long Id,
        [property: Description(
            "The commit to compare with: 'applied' (the deployed one, the default), 'approved' (the one "
                + "approved last) or 'previous' (the one proposed before)."
        )]
            string? Base = null
    ) : IRequest<ApprovalDiff>;

    internal sealed class Handler(IStore store, AppliedRepository applied) : IRequestHandler<Query, ApprovalDiff>
    {
        public async Task<ApprovalDiff> Handle(Query request, CancellationToken cancellationToken)
        {
            var approval = await store.Read(db => ApprovalQueue.Require(db, request.Id), cancellationToken);
            if (approval.Kind != ApprovalKind.ApplyCommit)
                throw Problem.Invalid(
                    $"approval {approval.Id} is of kind '{approval.Kind}' and has no diff; only "
                        + $"'{ApprovalKind.ApplyCommit}' has one"
                );
            if (
                approval.FetchedSha is not { } sha
                || await applied.CommitOfTag(approval.Agent, $"proposal/{approval.Id}", cancellationToken) is null
            )
                throw Problem.NotFound(
                    $"the proposed commit of approval {approval.Id} was not found; it may have been purged"
                );
            var name = string.IsNullOrEmpty(request.Base) ? "applied" : request.Base;
            var from = name switch
            {
                "applied" => await applied.DeployedCommit(approval.Agent, cancellationToken),
                "approved" => await LastApproved(approval, cancellationToken),
                "previous" => await Previous(approval, cancellationToken),
                _ => throw Problem.Invalid("'base' must be 'applied', 'approved' or 'previous'"),
            };
            return await Read(approval, name, from, sha, cancellationToken);
        }

        private async Task<string> LastApproved(ApprovalRow approval, CancellationToken ct)
        {
            var last = (await applied.TagNumbers(approval.Agent, "approved", ct)).LastOrDefault(
                n => n < approval.Id,
                -1
            );
            return await applied.CommitOfTag(
                    approval.Agent,
                    last < 0 ? "deployed/0" : string.Create(CultureInfo.InvariantCulture, $"approved/{last}"),
                    ct
                )
                ?? throw Problem.NotFound(
                    $"no commit was approved for {approval.Agent} before approval "
                        + $"{approval.Id}; compare with 'applied'"
                );
        }

        private async Task<string> Previous(ApprovalRow approval, CancellationToken ct)
        {
            // Requests that were refused at once have no commit in their row.
            var earlier = await store.Read(
                db => db.Query<long>(PreviousSql, new { approval.Agent, approval.Id }).ToArray(),
                ct
            );
            foreach (var id in earlier)
            {
                // The tag is missing if an earlier agent of that name was purged.
                if (
                    await applied.CommitOfTag(
                        approval.Agent,
                        string.Create(CultureInfo.InvariantCulture, $"proposal/{id}"),
                        ct
                    ) is
                    { } sha
                )
                    return sha;
            }

            throw Problem.NotFound(
                $"no commit was proposed for {approval.Agent} before approval {approval.Id}; compare with 'applied'"
            );
        }

        private const string PreviousSql = $"""
            SELECT id
              FROM approvals
             WHERE agent = @Agent AND id < @Id AND kind = '{ApprovalKind.ApplyCommit}' AND fetched_sha IS NOT NULL
             ORDER BY id DESC
             LIMIT 100
            """;

        private async Task<ApprovalDiff> Read(
            ApprovalRow approval,
            string name,
            string from,
            string to,
            CancellationToken ct
        )
        {
            var list = await Git(
                approval.Agent,
                ["--raw", "--numstat", "-z", "--abbrev=40"],
                from,
                to,
                null,
                MaxListBytes,
                ct
            );
            var files = DiffText.Files(Encoding.UTF8.GetString(list.Output.Span), list.Truncated);
            var whole = await Git(approval.Agent, ["--patch"], from, to, null, MaxPatches, ct);
            var patches = whole.Truncated
                ? await ReadOneByOne(approval.Agent, from, to, files, ct)
                : DiffText.Split(Encoding.UTF8.GetString(whole.Output.Span), files);
            var shown = LimitSize([
                .. files.Zip(patches).OrderByDescending(f => f.First.Path == ShownFirst).Take(MaxFiles),
            ]);
            return new ApprovalDiff(
                approval.Id,
                name,
                from,
                to,
                shown,
                files.Count > shown.Length ? files.Count - shown.Length : null,
                list.Truncated ? true : null,
                files.Count > 0 ? null
                    : name == "applied" ? "it matches what is deployed"
                    : $"it matches what was {(name == "approved" ? "approved last" : "proposed before it")}"
            );
        }

        // Small patches first, so that large ones do not use up the limit for all.
        private static DiffFile[] LimitSize((DiffFile File, string? Patch)[] files)
        {
            var shown = new DiffFile[files.Length];
            var left = MaxPatches;
            foreach (
                var index in Enumerable
                    .Range(0, files.Length)
                    .OrderBy(i => files[i].File.Path == ShownFirst ? 0 : files[i].Patch?.Length ?? 0)
            )
            {
                var (file, patch) = files[index];
                var text = patch is null ? null : DiffText.Cut(patch, Math.Min(MaxPatch, left));
                left -= text?.Length ?? 0;
                shown[index] = file with
                {
                    Patch = text is { Length: > 0 } ? text : null,
                    Truncated = text is null || text.Length < patch!.Length ? true : null,
                };
            }

            return shown;
        }

        // One large file must not hide the others.
        private async Task<IReadOnlyList<string?>> ReadOneByOne(
            string agent,
            string from,
            string to,
            IReadOnlyList<DiffFile> files,
            CancellationToken ct
        )
        {
            var patches = new string?[files.Count];
            foreach (
                var index in Enumerable
                    .Range(0, files.Count)
                    .OrderByDescending(i => files[i].Path == ShownFirst)
                    .Take(MaxSingle)
            )
            {
                var one = await Git(agent, ["--patch", "--no-renames"], from, to, files[index].Path, MaxPatch + 1, ct);
                patches[index] = Encoding.UTF8.GetString(one.Output.Span);
            }

            return patches;
        }

        private async Task<GitResult> Git(
            string agent,
            IReadOnlyList<string> options,
            string from,
            string to,
            string? path,
            int maxBytes,
            CancellationToken ct
        )
        {
            var result = await applied.Diff(agent, options, from, to, path, maxBytes, ct);
            return result.ExitCode == 0 || result.Truncated
                ? result
                : throw Problem.Unavailable($"cannot read the diff: {result.Error}");
        }
    }
}
