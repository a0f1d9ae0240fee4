using Hive.Common;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;

namespace Hive.Features.Gates;

/// <summary>Wakes the judging of marked gates.</summary>
internal sealed class GateBell : Bell
{
    // Rung at first, for the gates that an earlier host marked and did not judge.
    public GateBell() => Ring();
}

/// <summary>Marks gates for judging.</summary>
internal sealed class GateMarks(ITickets tickets, GateBell bell)
{
    /// <summary>Marks the gate that a ticket stands at; it is judged after the commit.</summary>
    public void Mark(IWrite write, long ticket)
    {
        tickets.MarkGate(write, ticket);
        write.AfterCommit(bell.Ring);
    }
}
