using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>
/// Re-pins inputs and rebuilds the agents that use them. Interrupted work is run again, which rebuilds the agents that
/// are left.
/// </summary>
internal sealed class UpdateInputsWork(IMetaInputs inputs, IAgentLifecycle lifecycle, Builds builds) : IApprovedWork
{
    public string Kind => ApprovalKind.UpdateInputs;

    public async Task<ApprovalOutcome> Run(ApprovalRow approval, CancellationToken stopping)
    {
        var build = builds.Of(approval.Id);
        build.Begin(BuildStepName.Inputs);
        var repinned = await inputs.Repin([.. approval.InputNames!], Trailers(approval), stopping, build.Rebuilding);
        var failures = string.Join("; ", repinned.Failed.Select(f => $"{f.Key}: {f.Value}"));
        if (repinned.Failed.Count > 0 && repinned.Updated.Count == 0)
            throw Problem.Unavailable($"no agent could be rebuilt; all were rolled back. {failures}");
        return new ApprovalOutcome(
            Note: (repinned.Moved.Count, failures.Length) switch
            {
                (0, _) => "the inputs have no newer revisions",
                (_, > 0) => $"some agents were rolled back. {failures}",
                _ => null,
            }
        );
    }

    public Task PrepareRecovery(ApprovalRow approval) => Task.CompletedTask;

    public async Task<ApprovalOutcome?> Recover(
        ApprovalRow approval,
        Func<Task> agentsStarted,
        CancellationToken stopping
    )
    {
        await agentsStarted();
        try
        {
            return await Run(approval, stopping);
        }
        finally
        {
            // Agents whose rebuild was interrupted, and that the new run has not rebuilt.
            var names = approval.InputNames!;
            foreach (var agent in inputs.All.Where(i => names.Contains(i.Name)).SelectMany(i => i.Agents).Distinct())
            {
                if (!stopping.IsCancellationRequested)
                    await lifecycle.Hold(agent, held => RebuildIfOutdated(agent, held), stopping);
            }
        }
    }

    public void Resolved(IWrite write, ApprovalRow approval) => inputs.Resolved(write, Trailers(approval));

    private static string Trailers(ApprovalRow approval) => $"Approval: {approval.Id}";

    private async Task RebuildIfOutdated(string agent, IHeldAgent held)
    {
        if (!await lifecycle.RunsOnApplied(agent))
            await held.RebuildAfterwards();
    }
}
