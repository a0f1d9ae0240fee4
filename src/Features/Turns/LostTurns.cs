using System.Data.Common;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;

namespace Hive.Features.Turns;

/// <summary>Ends turns whose process ended before they did, within the write that requeues their messages.</summary>
internal sealed class LostTurns(TurnLedger ledger, OpenTurns open, TimeProvider clock) : ILeaseHolders
{
    private const string Note = "the agent's process ended during the turn";

    /// <inheritdoc />
    public IReadOnlyList<(string Agent, long Holder)> ReadOpen(DbConnection db) => [.. Turn.Running(db)];

    /// <inheritdoc />
    public void Lost(IWrite write, string agent, IReadOnlyList<long> holders, string? lastWords)
    {
        var note = lastWords is null ? Note : $"{Note}; the end of its log:\n{lastWords}";
        foreach (var turn in holders)
        {
            open.Remove(write, agent, turn);
            ledger.AddLost(write, Turn.Lose(write, turn, note, clock.GetUtcNow()));
        }
    }
}
