using Hive.Common;
using Hive.Common.Storage;

namespace Hive.Features.Tickets;

/// <summary>The deadlines of tickets that wait for their approval.</summary>
internal sealed class ApprovalDeadlines(TimeProvider clock) : IDisposable
{
    // Not shared: the keys are tickets.
    private readonly Deadlines<long> deadlines = new(clock);

    /// <summary>Adds a deadline once the write is stored.</summary>
    public void Add(IWrite write, long ticket, TimeSpan left) => write.AfterCommit(() => deadlines.Add(ticket, left));

    /// <summary>Adds a deadline.</summary>
    public void Add(long ticket, TimeSpan left) => deadlines.Add(ticket, left);

    /// <summary>Removes a deadline once the write is stored.</summary>
    public void Remove(IWrite write, long ticket) => write.AfterCommit(() => deadlines.Remove(ticket));

    /// <summary>Removes and returns the tickets that are due.</summary>
    public long[] TakeDue() => deadlines.TakeDue(100);

    /// <summary>Waits for the next deadline.</summary>
    public Task WaitForDue(CancellationToken ct) => deadlines.WaitForDue(ct);

    public void Dispose() => deadlines.Dispose();
}
