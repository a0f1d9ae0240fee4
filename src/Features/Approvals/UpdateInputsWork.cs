using Hive.Common.Errors;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>Pins inputs anew, as was approved, and rebuilds who uses them. Several agents may be meant: what was interrupted is taken up again, which does what is missing.</summary>
internal sealed class UpdateInputsWork(IMetaInputs inputs) : IApprovedWork
{
    public string Kind => ApprovalKind.UpdateInputs;

    public async Task<Deployed> Do(ApprovalRow approval, CancellationToken stopping)
    {
        var done = await inputs.Repin([.. approval.InputNames!], $"Approval: {approval.Id}", stopping);
        var left = string.Join("; ", done.Failed.Select(f => $"{f.Key}: {f.Value}"));
        if (done.Failed.Count > 0 && done.Updated.Count == 0)
            throw Problem.Unavailable($"no agent could be rebuilt, and each is where it was. {left}");
        return new Deployed(Note: (done.Moved.Count, left.Length) switch
        {
            (0, _) => "there was nothing new",
            (_, > 0) => $"these are where they were. {left}",
            _ => null,
        });
    }

    public Task BeforeAgents(ApprovalRow approval) => Task.CompletedTask;

    public async Task<Deployed?> Settle(ApprovalRow approval, CancellationToken stopping) => await Do(approval, stopping);
}
