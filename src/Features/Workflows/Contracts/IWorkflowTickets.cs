using System.Data.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Workflows.Contracts;

/// <summary>The tickets that would lose their place with a workflow. Filled by the slice that owns tickets; called
/// inside the write that replaces or removes a workflow.</summary>
internal interface IWorkflowTickets
{
    /// <summary>The phases in which tickets of a workflow are, also those that have ended.</summary>
    IReadOnlyList<TicketPlace> In(DbConnection db, string workflow);

    /// <summary>Moves a workflow's tickets out of phases that go.</summary>
    /// <param name="write">The write that replaces the workflow, whose memory already has the new one.</param>
    /// <param name="before">The workflow as it was.</param>
    /// <param name="phases">The phases that go, and the phase that takes each one's tickets.</param>
    /// <returns>The number of tickets that were moved.</returns>
    /// <exception cref="Problem">Code <c>invalid</c>: tickets that have ended would be in a phase that is not an
    /// end. Code <c>conflict</c>: a column would have more than before and than its limit allows.</exception>
    int Move(IWrite write, Workflow before, IReadOnlyDictionary<string, string> phases);

    /// <summary>Marks the gates of a replaced workflow's open tickets for judging: they may ask for something
    /// else.</summary>
    void MarkGates(IWrite write, string workflow);
}

/// <summary>A phase with tickets.</summary>
/// <param name="PhaseId">The phase.</param>
/// <param name="Count">How many tickets are in it.</param>
/// <param name="First">The first ten of them.</param>
internal sealed record TicketPlace(string PhaseId, int Count, IReadOnlyList<long> First);
