using System.Threading.Channels;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;

namespace Hive.Features.Gates;

/// <summary>Wakes the judging of marked gates. It holds nothing to dispose of: a commit may ring it while the host
/// stops, after the judging has ended.</summary>
internal sealed class GateBell
{
    private readonly Channel<bool> rung = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    // Rung at first, for the gates that an earlier host marked and did not judge.
    public GateBell() => Ring();

    /// <summary>Rings; from any thread, and at any time. It does nothing when it rings already.</summary>
    public void Ring() => rung.Writer.TryWrite(true);

    /// <summary>Waits until it has rung since the last wait.</summary>
    public async Task Wait(CancellationToken ct) => await rung.Reader.ReadAsync(ct);
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
