using System.Text;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>
/// Counts the messages of an inbox that are neither acknowledged nor dropped, and their bytes, by sender; on the
/// writer's thread. A message that the host sends for an agent counts as the agent's. Each change is undone when its
/// work is rolled back (docs/adr/0143).
/// </summary>
internal sealed class Backlog
{
    private readonly Dictionary<string, Amount> senders = new(StringComparer.Ordinal);
    private readonly Dictionary<long, string> causes = [];
    private readonly Amount total = new();

    /// <summary>The messages and bytes of each sender that has some.</summary>
    public IEnumerable<(string Sender, int Messages, long Bytes)> Counts =>
        senders.Where(s => s.Value.Messages != 0).Select(s => (s.Key, s.Value.Messages, s.Value.Bytes));

    /// <summary>Adds a message that was read from the database at start.</summary>
    public void Load(OpenMessage message)
    {
        var cause = LooseValue.Text(message.Cause);
        if (cause is not null)
            causes.Add(message.Id, cause);
        Of(cause ?? LooseValue.Text(message.Sender) ?? "").Change(total, 1, LooseValue.Long(message.Size) ?? 0);
    }

    /// <summary>Adds a message that waits from now on.</summary>
    /// <param name="write">The write.</param>
    /// <param name="message">The message.</param>
    /// <param name="cause">The agent for which the host sends it; null when it is the sender's own.</param>
    public void Add(IWrite write, Message message, string? cause = null)
    {
        if (cause is not null)
        {
            causes.Add(message.Id, cause);
            write.OnRollback(() => causes.Remove(message.Id));
        }

        Change(write, message, cause ?? message.From, 1);
    }

    /// <summary>Removes a message that is acknowledged or dropped.</summary>
    public void Remove(IWrite write, Message message)
    {
        if (causes.Remove(message.Id, out var cause))
            write.OnRollback(() => causes.Add(message.Id, cause));
        Change(write, message, cause ?? message.From, -1);
    }

    /// <summary>Refuses another message when too many wait.</summary>
    /// <param name="to">The recipient.</param>
    /// <param name="sender">The agent that sends it, or for which the host does.</param>
    /// <param name="bytes">The length of its body.</param>
    /// <exception cref="Problem">Code <c>limited</c>.</exception>
    public void MustTake(string to, string sender, int bytes)
    {
        var (messages, size, reason) = LimitFor(bytes);
        if (!senders.TryGetValue(sender, out var amount))
            return;
        var what = sender == Principals.Reminder ? "reminders" : $"messages of {sender}";
        if (amount.Messages >= messages)
            throw Full($"{amount.Messages} {what} wait for {to} or are parked, and the limit{reason} is {messages}");
        if (amount.Bytes + bytes > size)
            throw Full(
                $"the {what} that wait for {to} or are parked have {amount.Bytes} bytes, and the limit{reason} is "
                    + $"{size}"
            );

        Problem Full(string fault) =>
            Problem.Limited(
                to == Principals.Operator
                    ? $"{fault}; try again when the operator has read some, and ask what cannot wait as a question"
                : sender == Principals.Reminder ? $"{fault}; acknowledge some first"
                : $"{fault}; try again when {to} has dealt with some, or put the rest into a file under /shared"
            );
    }

    // A full inbox still takes a smaller number from each sender, so that nobody can fill it for the others.
    private (int Messages, long Bytes, string Reason) LimitFor(int bytes) =>
        total.Messages >= Limits.WaitingMessages || total.Bytes + bytes > Limits.WaitingBytes
            ? (
                Limits.MessagesOfSenderWhenFull,
                Limits.BytesOfSenderWhenFull,
                $" while {total.Messages} messages of all senders wait there"
            )
            : (Limits.MessagesOfSender, Limits.BytesOfSender, "");

    private void Change(IWrite write, Message message, string sender, int sign)
    {
        var amount = Of(sender);
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
