using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages.Contracts;

/// <summary>Raised when the unread messages of a sender were counted.</summary>
/// <param name="Sender">The sender.</param>
/// <param name="Number">How many there are, up to a limit.</param>
/// <param name="Kept">All of them, or the oldest and the newest of many.</param>
internal sealed record UnreadCounted(string Sender, int Number, IReadOnlyList<UnreadText> Kept) : INotification;

/// <summary>The parts of a message that the row of its sender shows.</summary>
internal readonly record struct UnreadText(long Id, string Text, DateTimeOffset SentAt, IReadOnlyList<string> Refs)
{
    // Enough of a body for a row's title.
    private const int Shown = 800;

    public UnreadText(Message message)
        : this(
            message.Id,
            TextRules.CutCharacters(EventSentence.Of(message) ?? message.Body, Shown),
            message.SentAt,
            message.FileRefs
        ) { }
}
