using System.Text;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>
/// Counts the messages of an inbox that are neither acknowledged nor parked, and their bytes, by sender; on the
/// writer's thread. Each change is undone when its work is rolled back (docs/adr/0143).
/// </summary>
internal sealed class Backlog
{
    private readonly Dictionary<string, Amount> senders = new(StringComparer.Ordinal);
    private readonly Amount total = new();

    /// <summary>Adds a message that was read from the database at start.</summary>
    public void Load(string sender, long bytes) => Of(sender).Change(total, 1, bytes);

    /// <summary>Adds a message that waits from now on.</summary>
    public void Add(IWrite write, Message message) => Change(write, message, 1);

    /// <summary>Removes a message that is acknowledged, dropped or parked.</summary>
    public void Remove(IWrite write, Message message) => Change(write, message, -1);

    /// <summary>Refuses another message when too many wait.</summary>
    /// <param name="to">The recipient.</param>
    /// <param name="sender">The sender as the message names it: an agent, or the host for an agent.</param>
    /// <param name="bytes">The length of its body.</param>
    /// <exception cref="Problem">Code <c>limited</c>.</exception>
    public void MustTake(string to, string sender, int bytes)
    {
        var (messages, size, reason) = LimitFor(to, bytes);
        if (!senders.TryGetValue(sender, out var amount))
            return;
        var from = sender == Principals.System ? "the host" : sender;
        if (amount.Messages >= messages)
            throw Full($"{amount.Messages} messages of {from} wait for {to}, and the limit{reason} is {messages}");
        if (amount.Bytes + bytes > size)
            throw Full(
                $"the messages of {from} that wait for {to} have {amount.Bytes} bytes, and the limit{reason} is {size}"
            );

        Problem Full(string fault) =>
            Problem.Limited(
                to == Principals.Operator
                    ? $"{fault}; try again when the operator has read some, and ask what cannot wait as a question"
                    : $"{fault}; try again when {to} has dealt with some, or put the rest into a file under /shared"
            );
    }

    // A full inbox still takes a smaller number from each sender, so that nobody can fill it for the others.
    private (int Messages, long Bytes, string Reason) LimitFor(string to, int bytes) =>
        to == Principals.Operator ? (Limits.OperatorMessagesOfSender, Limits.OperatorBytesOfSender, "")
        : total.Messages >= Limits.WaitingMessages || total.Bytes + bytes > Limits.WaitingBytes
            ? (
                Limits.MessagesOfSenderWhenFull,
                Limits.BytesOfSenderWhenFull,
                $" while {total.Messages} messages of all senders wait there"
            )
        : (Limits.MessagesOfSender, Limits.BytesOfSender, "");

    private void Change(IWrite write, Message message, int sign)
    {
        var amount = Of(message.From);
        var bytes = sign * Encoding.UTF8.GetByteCount(message.Body);
        amount.Change(total, sign, bytes);
        write.OnRollback(() => amount.Change(total, -sign, -bytes));
    }

    private Amount Of(string sender)
    {
        if (!senders.TryGetValue(sender, out var amount))
            senders.Add(sender, amount = new Amount());
        return amount;
    }

    private sealed class Amount
    {
        public int Messages { get; private set; }

        public long Bytes { get; private set; }

        public void Change(Amount total, int messages, long bytes)
        {
            Messages += messages;
            Bytes += bytes;
            total.Messages += messages;
            total.Bytes += bytes;
        }
    }
}
