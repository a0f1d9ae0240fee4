using System.Data.Common;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Follows tickets within their writes. A ticket that moves or goes on is judged; its open reviews are
/// cancelled when it moves, and its evidence is out of date when it is sent back; all that belongs to its gates is
/// removed with it.</summary>
internal sealed class TicketSeams(
    GateBell bell,
    GateMarks marks,
    Returns returns,
    Reviews reviews,
    ITasks tasks,
    CommitEvidence commits
) : IPhaseEntered, ITicketHeld, ITicketRemoved, ITicketEvidence
{
    public void Entered(IWrite write, TicketEntry ticket, Phase phase, string actor)
    {
        reviews.Left(write, ticket);
        returns.Note(write, ticket, phase, actor);
        write.AfterCommit(bell.Ring);
    }

    public void Changed(IWrite write, TicketEntry ticket)
    {
        // A failed gate that went to a person is judged again once the ticket runs again, so that it never rests.
        if (ticket.Runs && ticket.Gate == ReviewTable.Failed)
            marks.Mark(write, ticket.Id);
        write.AfterCommit(bell.Ring);
    }

    public IReadOnlyList<string> Commits(DbConnection db, long ticket) => ArtifactTable.Commits(db, ticket);

    public void Removed(IWrite write, TicketEntry ticket, string actor)
    {
        // Told as cancelled first, so that no list keeps them.
        reviews.CancelAll(write, ticket.Id);
        ReviewTable.RemoveOf(write, ticket.Id);
        ArtifactTable.RemoveOf(write, ticket.Id);
        VerdictTable.RemoveOf(write, ticket.Id);
        PhaseContexts.RemoveOf(write, ticket.Id);
        Returns.RemoveOf(write, ticket.Id);
        MergeLooks.RemoveOf(write, ticket.Id);
        // Not on the writer's thread. The next start removes a folder that a stop has left behind.
        write.AfterCommit(() => Task.Run(() => commits.CleanUp(ticket.Id)));
        // Told before the tasks are removed.
        MetricTable.RemoveOf(write, [.. tasks.Of(write.Db, ticket.Id).Select(t => t.Id)]);
    }
}
