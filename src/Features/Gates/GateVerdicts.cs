using System.Data.Common;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Tells whether a gate has passed: its newest verdict says so, and is about the newest evidence.</summary>
internal sealed class GateVerdicts(GateReader reader) : IGateVerdicts
{
    public bool HasPassed(DbConnection db, TicketEntry ticket, Phase phase) =>
        GateRules.Effective(phase).Count == 0
        || Last(db, ticket, phase) is { Passed: true } last && last.Rev == ticket.GateRev;

    public IReadOnlyList<string> Blocking(DbConnection db, TicketEntry ticket, Phase phase)
    {
        if (GateRules.Effective(phase).Count == 0)
            return [];
        if (Last(db, ticket, phase) is { } last && last.Rev == ticket.GateRev)
            return last.Passed ? [] : last.Reasons;
        if (reader.Read(db, ticket, phase.Id) is not { } gate)
            return [];
        var judgement = GateJudge.Judge(gate);
        string[] reasons = [.. judgement.Waiting.Concat(judgement.Reasons).Distinct()];
        return reasons.Length > 0 ? reasons : [$"the gate of {phase.Id} is being judged; try again"];
    }

    private static Verdict? Last(DbConnection db, TicketEntry ticket, Phase phase) =>
        VerdictTable.Of(db, ticket.Id, phase.Id, limit: 1) is [var verdict] ? verdict : null;
}
