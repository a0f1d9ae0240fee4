using Hive.Common.Errors;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>Pins inputs anew, as was approved, and rebuilds who uses them. Several agents may be meant: what was
/// interrupted is taken up again, which does what is missing.</summary>
internal sealed class UpdateInputsWork(IMetaInputs inputs, IAgentLifecycle lifecycle) : IApprovedWork
{
    public string Kind => ApprovalKind.UpdateInputs;

    public async Task<Deployed> Do(ApprovalRow approval, CancellationToken stopping)
    {
        var done = await inputs.Repin([.. approval.InputNames!], $"Approval: {approval.Id}", stopping);
        var left = string.Join("; ", done.Failed.Select(f => $"{f.Key}: {f.Value}"));
        if (done.Failed.Count > 0 && done.Updated.Count == 0)
            throw Problem.Unavailable($"no agent could be rebuilt, and each is where it was. {left}");
        return new Deployed(
            Note: (done.Moved.Count, left.Length) switch
            {
                (0, _) => "there was nothing new",
                (_, > 0) => $"some agents are where they were. {left}",
                _ => null,
            }
        );
    }

    public Task BeforeAgents(ApprovalRow approval) => Task.CompletedTask;

    public async Task<Deployed?> Settle(ApprovalRow approval, Func<Task> agentsAreThere, CancellationToken stopping)
    {
        await agentsAreThere();
        try
        {
            return await Do(approval, stopping);
        }
        finally
        {
            // Whoever was being rebuilt when the host ended, and has not been moved now.
            var names = approval.InputNames!;
            foreach (var agent in inputs.All.Where(i => names.Contains(i.Name)).SelectMany(i => i.Agents).Distinct())
            {
                if (!stopping.IsCancellationRequested)
                    await lifecycle.Hold(agent, held => Mend(agent, held), stopping);
            }
        }
    }

    private async Task Mend(string agent, IHeldAgent held)
    {
        if (!await lifecycle.RunsOnApplied(agent))
            await held.RebuildAfterwards();
    }
}
